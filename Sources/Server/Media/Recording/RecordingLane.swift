import NetworkTypes
import Synchronization

/// The way of one stream's sound to the recorder: a ring of 1.28 s between the loop that receives and the thread that writes.
///
/// The loop never waits: when the ring is full, what comes is counted as lost.
///
/// `@unchecked Sendable`: one thread pushes and one takes. A slot belongs to the one until `tail` (or `head`) passes it on with
/// release and acquire. Another loop may push once the stream has been handed over to it, which orders the two.
final class RecordingLane: @unchecked Sendable {
    /// Samples in a slot: a packet's usual 20 ms.
    static let samplesASlot = 160
    private static let slots = 64
    private static let slotBytes = 192
    private static let soundOffset = 24

    /// What a slot tells of its sound.
    struct Note: Equatable {
        var arrival: MonotonicInstant
        var timestamp: UInt32
        var ssrc: UInt32
        var law: G711
        var count: Int
    }

    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: slots * slotBytes, alignment: 8)
    /// Slots ever filled, and ever taken.
    private let tail = Atomic<Int>(0)
    private let head = Atomic<Int>(0)
    private let lostCount = Atomic<Int>(0)
    private let sealed = Atomic<Bool>(false)
    private let foreign = Atomic<Bool>(false)

    init() { bytes.initializeMemory(as: UInt8.self, repeating: 0) }

    deinit { bytes.deallocate() }

    /// Slots that were dropped since the ring was full.
    var lost: Int { lostCount.load(ordering: .relaxed) }
    /// Whether nothing will be pushed any more.
    var isSealed: Bool { sealed.load(ordering: .acquiring) }
    /// Whether the stream speaks a codec that cannot be written down.
    var isForeign: Bool { foreign.load(ordering: .acquiring) }

    // MARK: On the stream's loop

    /// Copies a packet's sound, in pieces of 20 ms.
    func push(_ packet: Span<UInt8>, _ place: Range<Int>, _ header: RTPHeader, _ law: G711, at now: MonotonicInstant) {
        var start = place.lowerBound
        var timestamp = header.timestamp
        while start < place.upperBound {
            let end = min(start + Self.samplesASlot, place.upperBound)
            pushSlot(
                packet.extracting(start..<end),
                Note(arrival: now, timestamp: timestamp, ssrc: header.ssrc, law: law, count: end - start))
            timestamp &+= UInt32(end - start)
            start = end
        }
    }

    private func pushSlot(_ sound: Span<UInt8>, _ note: Note) {
        let next = tail.load(ordering: .relaxed)
        guard next &- head.load(ordering: .acquiring) < Self.slots else {
            lostCount.add(1, ordering: .relaxed)
            return
        }
        let slot = self.slot(next)
        slot.storeBytes(of: note.arrival.nanoseconds, as: Int64.self)
        slot.storeBytes(of: note.timestamp, toByteOffset: 8, as: UInt32.self)
        slot.storeBytes(of: note.ssrc, toByteOffset: 12, as: UInt32.self)
        slot.storeBytes(of: UInt16(note.count), toByteOffset: 16, as: UInt16.self)
        slot.storeBytes(of: note.law.rawValue, toByteOffset: 18, as: UInt8.self)
        sound.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: slot[Self.soundOffset...]).copyMemory(from: $0) }
        tail.store(next &+ 1, ordering: .releasing)
    }

    func seal() { sealed.store(true, ordering: .releasing) }

    func markForeign() { foreign.store(true, ordering: .releasing) }

    // MARK: On the recorder's thread

    /// How many slots wait.
    var count: Int { tail.load(ordering: .acquiring) &- head.load(ordering: .relaxed) }

    /// When the first waiting slot came; nil where none waits.
    var firstArrival: Int64? {
        count > 0 ? slot(head.load(ordering: .relaxed)).load(as: Int64.self) : nil
    }

    /// Takes the first waiting slot.
    func take(_ body: (Note, UnsafeRawBufferPointer) -> Void) {
        guard count > 0 else { return }
        let first = head.load(ordering: .relaxed)
        let slot = UnsafeRawBufferPointer(self.slot(first))
        let count = min(Self.samplesASlot, Int(slot.load(fromByteOffset: 16, as: UInt16.self)))
        let note = Note(
            arrival: MonotonicInstant(nanoseconds: slot.load(as: Int64.self)),
            timestamp: slot.load(fromByteOffset: 8, as: UInt32.self),
            ssrc: slot.load(fromByteOffset: 12, as: UInt32.self),
            law: G711(rawValue: slot.load(fromByteOffset: 18, as: UInt8.self)) ?? .aLaw, count: count)
        body(note, UnsafeRawBufferPointer(rebasing: slot[Self.soundOffset..<Self.soundOffset + count]))
        head.store(first &+ 1, ordering: .releasing)
    }

    private func slot(_ number: Int) -> UnsafeMutableRawBufferPointer {
        let start = (number & (Self.slots - 1)) * Self.slotBytes
        return UnsafeMutableRawBufferPointer(rebasing: bytes[start..<start + Self.slotBytes])
    }
}
