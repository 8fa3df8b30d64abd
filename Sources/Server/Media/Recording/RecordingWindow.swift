/// The last moments of one side of a recording, as it came: a byte a sample, and a bit for whether anything came.
///
/// Places are frames of the recording; it holds `capacity` of them, and whoever uses it takes them out before it lays new ones.
final class RecordingWindow {
    /// 768 ms: what waits for who is late, what is written at once, and the recorder's pause; whole words of bits.
    static let capacity = 6144

    // Memory of its own: an array asks at each packet whether it is shared.
    private let codes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: capacity)
    private let isThere = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: capacity / 64)
    private var law = G711.aLaw
    /// How far it ever had sound.
    private(set) var end = 0

    init() {
        codes.initialize(repeating: 0)
        isThere.initialize(repeating: 0)
    }

    deinit {
        codes.deallocate()
        isThere.deallocate()
    }

    /// A frame's place in the ring.
    static func place(of frame: Int) -> Int { frame % capacity }

    /// Lays codes of at most `capacity` to their place.
    func lay(_ sound: UnsafeRawBufferPointer, at frame: Int, _ law: G711) {
        guard frame >= 0, sound.count <= Self.capacity else { return }
        if law != self.law { change(to: law) }
        end = max(end, frame + sound.count)
        let first = Self.place(of: frame)
        let count = min(sound.count, Self.capacity - first)
        let bytes = UnsafeMutableRawBufferPointer(codes)
        UnsafeMutableRawBufferPointer(rebasing: bytes[first..<first + count]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: sound[..<count]))
        UnsafeMutableRawBufferPointer(rebasing: bytes[..<(sound.count - count)]).copyMemory(
            from: UnsafeRawBufferPointer(rebasing: sound[count...]))
        mark(first, count)
        mark(0, sound.count - count)
    }

    /// Another law from now on: what lies here is brought to it.
    private func change(to law: G711) {
        let table = self.law.converting
        for index in codes.indices { codes[index] = table[Int(codes[index])] }
        self.law = law
    }

    private func mark(_ first: Int, _ count: Int) {
        var (start, left) = (first, count)
        while left > 0 {
            let bit = start & 63
            let some = min(64 - bit, left)
            isThere[start >> 6] |= Self.ones(some) << UInt64(bit)
            start += some
            left -= some
        }
    }

    private static func ones(_ count: Int) -> UInt64 { count >= 64 ? .max : 1 << UInt64(count) - 1 }

    /// Takes frames out that do not pass the end of the ring, as samples to every second place of `frames`, which holds silence.
    func take(_ frame: Int, _ count: Int, into frames: UnsafeMutableBufferPointer<Int16>, channel: Int) {
        let first = Self.place(of: frame)
        guard count <= Self.capacity - first, count * 2 <= frames.count else { return }
        law.decoding.withUnsafeBufferPointer { decoding in
            var done = 0
            while done < count {
                let bit = (first + done) & 63
                let some = min(64 - bit, count - done)
                let wanted = Self.ones(some)
                let word = (first + done) >> 6
                let found = isThere[word] >> UInt64(bit) & wanted
                isThere[word] &= ~(wanted << UInt64(bit))
                let part = UnsafeBufferPointer(rebasing: codes[first + done..<first + done + some])
                let output = UnsafeMutableBufferPointer(rebasing: frames[(done * 2)...])
                if found == wanted {
                    for index in 0..<some { output[index * 2 + channel] = decoding[Int(part[index])].littleEndian }
                } else if found != 0 {
                    for index in 0..<some where found >> UInt64(index) & 1 == 1 {
                        output[index * 2 + channel] = decoding[Int(part[index])].littleEndian
                    }
                }
                done += some
            }
        }
    }
}
