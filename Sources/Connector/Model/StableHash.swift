/// A 128-bit hash that is the same on every machine and in every version: identifiers are made of it.
///
/// Not cryptographic: what goes in has been authenticated before. Two lanes of multiply-and-fold over 8-byte words,
/// each part closed with its length, so that `("ab", "c")` and `("a", "bc")` differ.
package struct StableHash: Sendable {
    private var low: UInt64 = 0x9E37_79B9_7F4A_7C15
    private var high: UInt64 = 0xC2B2_AE3D_27D4_EB4F

    package init() {}

    /// Takes in one part.
    package mutating func combine(_ text: String) {
        var text = text
        text.withUTF8 { combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Takes in one part.
    package mutating func combine(bytes: UnsafeRawBufferPointer) {
        var offset = 0
        while offset + 8 <= bytes.count {
            mix(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)))
            offset += 8
        }
        var tail: UInt64 = 0
        var shift: UInt64 = 0
        while offset < bytes.count {
            tail |= UInt64(bytes[offset]) << shift
            shift += 8
            offset += 1
        }
        mix(tail)
        mix(UInt64(bytes.count))
    }

    /// Takes in one number.
    package mutating func combine(_ number: UInt64) { mix(number) }

    /// The hash of all that was taken in.
    package var value: UInt128 {
        let lower = Self.fold(low ^ 0xA076_1D64_78BD_642F, high | 1)
        let upper = Self.fold(high ^ 0xE703_7ED1_A0B4_28DB, low | 1)
        return UInt128(upper) << 64 | UInt128(lower)
    }

    private mutating func mix(_ word: UInt64) {
        low = Self.fold(low ^ word, 0x8EBC_6AF0_9C88_C6E3) ^ high
        high = Self.fold(high ^ word ^ 0x5899_65CC_7537_4CC3, 0x1D8E_4E27_C47D_124F) &+ low
    }

    private static func fold(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = left.multipliedFullWidth(by: right)
        return product.high ^ product.low
    }
}
