import NetworkTypes

/// Pieces of sound of many streams, in the order of their coming.
///
/// `@unchecked Sendable`: whoever has it has it alone. A loop fills it, hands it to the recorder, and gets it back by the pool.
final class RecordingBatch: @unchecked Sendable {
    private static let pieceBytes = 184
    private static let soundOffset = 24
    /// In all 64 kB.
    static let pieces = 356

    private let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: pieces * pieceBytes, alignment: 8)
    private(set) var count = 0

    init() { bytes.initializeMemory(as: UInt8.self, repeating: 0) }

    deinit { bytes.deallocate() }

    var isFull: Bool { count == Self.pieces }

    func clear() { count = 0 }

    /// Adds a piece of at most 160 samples, unless it is full.
    func append(_ lane: UInt32, _ note: RecordingLane.Note, _ sound: Span<UInt8>) {
        guard !isFull, sound.count <= RecordingLane.samplesAPiece else { return }
        let piece = piece(count)
        piece.storeBytes(of: note.arrival.nanoseconds, as: Int64.self)
        piece.storeBytes(of: note.timestamp, toByteOffset: 8, as: UInt32.self)
        piece.storeBytes(of: note.ssrc, toByteOffset: 12, as: UInt32.self)
        piece.storeBytes(of: lane, toByteOffset: 16, as: UInt32.self)
        piece.storeBytes(of: UInt16(sound.count), toByteOffset: 20, as: UInt16.self)
        piece.storeBytes(of: note.law.rawValue, toByteOffset: 22, as: UInt8.self)
        sound.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: piece[Self.soundOffset...]).copyMemory(from: $0) }
        count += 1
    }

    /// All pieces, in order, each with its lane's number.
    func forEach(_ body: (UInt32, RecordingLane.Note, UnsafeRawBufferPointer) -> Void) {
        for index in 0..<count {
            let piece = UnsafeRawBufferPointer(piece(index))
            let size = min(RecordingLane.samplesAPiece, Int(piece.load(fromByteOffset: 20, as: UInt16.self)))
            let note = RecordingLane.Note(
                arrival: MonotonicInstant(nanoseconds: piece.load(as: Int64.self)),
                timestamp: piece.load(fromByteOffset: 8, as: UInt32.self),
                ssrc: piece.load(fromByteOffset: 12, as: UInt32.self),
                law: G711(rawValue: piece.load(fromByteOffset: 22, as: UInt8.self)) ?? .aLaw, count: size)
            body(
                piece.load(fromByteOffset: 16, as: UInt32.self), note,
                UnsafeRawBufferPointer(rebasing: piece[Self.soundOffset..<Self.soundOffset + size]))
        }
    }

    private func piece(_ number: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(rebasing: bytes[number * Self.pieceBytes..<(number + 1) * Self.pieceBytes])
    }
}
