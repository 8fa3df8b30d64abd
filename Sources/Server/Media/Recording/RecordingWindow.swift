/// The last second of one side of a recording, as it came: a byte a sample, and a bit for whether anything came.
///
/// Places are frames of the recording; it holds those of one second, and whoever uses it takes them out before it lays new ones.
struct RecordingWindow {
    static let capacity = 8192
    private static let mask = capacity - 1

    private var codes = [UInt8](repeating: 0, count: capacity)
    private var isThere = [UInt64](repeating: 0, count: capacity / 64)
    private var law = G711.aLaw
    /// How far it ever had sound.
    private(set) var end = 0

    /// Lays codes of at most `capacity` to their place.
    mutating func lay(_ sound: UnsafeRawBufferPointer, at frame: Int, _ law: G711) {
        if law != self.law { change(to: law) }
        end = max(end, frame + sound.count)
        let first = frame & Self.mask
        let count = min(sound.count, Self.capacity - first)
        codes.withUnsafeMutableBytes { codes in
            UnsafeMutableRawBufferPointer(rebasing: codes[first..<first + count]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: sound[..<count]))
            UnsafeMutableRawBufferPointer(rebasing: codes[..<(sound.count - count)]).copyMemory(
                from: UnsafeRawBufferPointer(rebasing: sound[count...]))
        }
        mark(first, count)
        mark(0, sound.count - count)
    }

    /// Another law from now on: what lies here is brought to it.
    private mutating func change(to law: G711) {
        let table = self.law.converting
        for index in codes.indices { codes[index] = table[Int(codes[index])] }
        self.law = law
    }

    private mutating func mark(_ first: Int, _ count: Int) {
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
    mutating func take(_ frame: Int, _ count: Int, into frames: UnsafeMutableBufferPointer<Int16>, channel: Int) {
        let first = frame & Self.mask
        let decoding = law.decoding
        var (start, done) = (first, 0)
        while done < count {
            let bit = start & 63
            let some = min(64 - bit, count - done)
            let wanted = Self.ones(some) << UInt64(bit)
            let found = isThere[start >> 6] & wanted
            isThere[start >> 6] &= ~wanted
            if found == wanted {
                Self.decode(codes.span.extracting(start..<start + some), decoding.span, frames, from: done, channel)
            } else if found != 0 {
                for index in 0..<some where found & 1 << UInt64(bit + index) != 0 {
                    frames[(done + index) * 2 + channel] = decoding[Int(codes[start + index])].littleEndian
                }
            }
            start += some
            done += some
        }
    }

    @inline(__always)
    private static func decode(
        _ codes: Span<UInt8>, _ decoding: Span<Int16>, _ frames: UnsafeMutableBufferPointer<Int16>, from first: Int,
        _ channel: Int
    ) {
        for index in codes.indices { frames[(first + index) * 2 + channel] = decoding[Int(codes[index])].littleEndian }
    }
}
