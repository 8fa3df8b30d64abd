/// Looks for the end of a run of bytes that mean nothing but themselves, eight at a time in a `UInt64` (vector masks are slow: see the
/// engine's notes).
///
/// The marks of a word are the high bits of the bytes that end a run. They are exact up to the lowest such byte, which is the one that
/// counts: a borrow from it may mark bytes above.
package enum PlainRun {
    @usableFromInline static let ones: UInt64 = 0x0101_0101_0101_0101

    /// The first byte from `start` on that is not plain; the text's end if there is none.
    /// - Parameters:
    ///   - isPlain: what is true of the bytes that `marks` leaves unmarked.
    ///   - marks: `controls` and `matches` of a word, put together.
    @inlinable @inline(__always)
    package static func end(
        in text: UnsafeRawBufferPointer, from start: Int, isPlain: (UInt8) -> Bool, marks: (UInt64) -> UInt64
    ) -> Int {
        var position = start
        while position &+ 8 <= text.count {
            let word = UInt64(littleEndian: text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            let special = marks(word) & (ones &* 0x80)
            if special != 0 { return position &+ special.trailingZeroBitCount / 8 }
            position &+= 8
        }
        while position < text.count, isPlain(text[position]) { position &+= 1 }
        return position
    }

    /// Marks control bytes and what is not ASCII.
    @inlinable @inline(__always)
    package static func controls(in word: UInt64) -> UInt64 { (word &- ones &* 0x20) | word }

    /// Marks each `byte`; right together with `controls` alone.
    @inlinable @inline(__always)
    package static func matches(_ byte: UInt8, in word: UInt64) -> UInt64 { (word ^ (ones &* UInt64(byte))) &- ones }
}
