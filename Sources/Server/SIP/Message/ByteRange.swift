/// Where something lies in the buffer it was read from: offsets, never pointers.
///
/// 32 bits are enough, since no message reaches 4 GiB by far (`SIPLimits`).
package struct ByteRange: Sendable, Equatable {
    private let lower: UInt32
    private let length: UInt32

    init(_ range: Range<Int>) {
        lower = UInt32(truncatingIfNeeded: range.lowerBound)
        length = UInt32(truncatingIfNeeded: range.count)
    }

    static var none: ByteRange { ByteRange(0..<0) }

    package var range: Range<Int> { Int(lower)..<Int(lower) + Int(length) }
    package var start: Int { Int(lower) }
    package var end: Int { Int(lower) + Int(length) }
    package var count: Int { Int(length) }
    package var isEmpty: Bool { length == 0 }
}

extension Span<UInt8> {
    /// Compares as ASCII without regard to case; `word` is written in lower case.
    @inline(__always)
    func equals(_ range: Range<Int>, ignoringCase word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<range.count where self[range.lowerBound + index].asciiLowercased != word.utf8Start[index] {
            return false
        }
        return true
    }

    /// Compares byte by byte.
    func equals(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
        guard left.count == right.count else { return false }
        for index in 0..<left.count where self[left.lowerBound + index] != self[right.lowerBound + index] { return false }
        return true
    }

    /// The number that digits write, leading zeros allowed; nil where there is another byte, none at all, or more than `limit`.
    func number(_ range: Range<Int>, upTo limit: UInt32) -> UInt32? {
        guard !range.isEmpty else { return nil }
        var value: UInt64 = 0
        for index in range {
            guard self[index].isDigit else { return nil }
            // At most 2^32 before: no overflow.
            value = value &* 10 &+ UInt64(self[index] &- 0x30)
            guard value <= UInt64(limit) else { return nil }
        }
        return UInt32(value)
    }

    /// The range without linear white space at either end.
    @inline(__always)
    func trimmed(_ range: Range<Int>) -> Range<Int> {
        precondition(range.lowerBound >= 0 && range.upperBound <= count, "a range within the bytes")
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, self[unchecked: start].isLinearSpace { start &+= 1 }
        while end > start, self[unchecked: end &- 1].isLinearSpace { end &-= 1 }
        return start..<end
    }
}

extension Collection<UInt8> {
    /// Compares as ASCII without regard to case; `word` is written in lower case.
    package func equals(ignoringCase word: StaticString) -> Bool {
        guard count == word.utf8CodeUnitCount else { return false }
        var place = 0
        for byte in self {
            guard byte.asciiLowercased == word.utf8Start[place] else { return false }
            place += 1
        }
        return true
    }

    /// The text, with malformed UTF-8 repaired.
    package var text: String { String(decoding: self, as: UTF8.self) }
}
