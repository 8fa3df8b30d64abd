import CSystem

/// The outcome of a hash function: up to 32 bytes, held in place.
///
/// Equality takes the same time wherever two values differ, so a guess learns nothing from how long a refusal takes.
package struct DigestValue: Sendable, Equatable {
    private var storage: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
    package let byteCount: Int

    /// - Parameter fill: writes exactly `byteCount` bytes, at most 32.
    init(byteCount: Int, fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        precondition(byteCount <= 32, "a digest of this library has at most 32 bytes")
        self.byteCount = byteCount
        withUnsafeMutableBytes(of: &storage) { raw in
            raw.withMemoryRebound(to: UInt8.self) { bytes in
                if let start = bytes.baseAddress { fill(start) }
            }
        }
    }

    package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try Swift.withUnsafeBytes(of: storage) { try body(UnsafeRawBufferPointer(rebasing: $0[..<byteCount])) }
    }

    package var bytes: [UInt8] { withUnsafeBytes { Array($0) } }
    /// Lowercase hexadecimal.
    package var hex: String { withUnsafeBytes { Hex.encode($0) } }
    package var base64: String { withUnsafeBytes { Base64.encode($0) } }

    package static func == (one: DigestValue, other: DigestValue) -> Bool {
        one.withUnsafeBytes { one in other.withUnsafeBytes { ConstantTime.equal(one, $0) } }
    }

    /// Whether `text` is this digest in hexadecimal of either case. Constant time over the digest's bytes; allocates nothing.
    package func matches(hex text: UnsafeRawBufferPointer) -> Bool {
        guard text.count == byteCount * 2 else { return false }
        return withUnsafeBytes { own in
            var difference: UInt8 = 0
            for place in 0..<byteCount {
                guard let high = Hex.digit(text[place * 2]), let low = Hex.digit(text[place * 2 + 1]) else { return false }
                difference |= own[place] ^ (high << 4 | low)
            }
            return difference == 0
        }
    }

    package func matches(hex text: some Sequence<UInt8>) -> Bool { Array(text).withUnsafeBytes { matches(hex: $0) } }

    /// Whether `text` is this digest in padded base64 and nothing else. Constant time over the digest's bytes; allocates nothing.
    package func matches(exactBase64 text: UnsafeRawBufferPointer) -> Bool {
        withUnsafeBytes { Base64.isEncoding(text, of: $0) }
    }

    /// Whether `text` is the padded base64 of this digest's lowercase hexadecimal digits: some vendors encode twice. As above.
    package func matches(base64OfHex text: UnsafeRawBufferPointer) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { digits in
            let count = withUnsafeBytes { Hex.write($0, to: digits) }
            return Base64.isEncoding(text, of: UnsafeRawBufferPointer(rebasing: digits[..<count]))
        }
    }

    /// Whether `text` is this digest in base64, padded or not. Constant time over the digest's bytes.
    package func matches(base64 text: some Sequence<UInt8>) -> Bool {
        guard let bytes = Base64.decode(text, .tolerant) else { return false }
        return matches(bytes)
    }

    private func matches(_ bytes: [UInt8]) -> Bool {
        withUnsafeBytes { own in bytes.withUnsafeBytes { ConstantTime.equal(own, $0) } }
    }
}

/// Comparing secrets.
package enum ConstantTime {
    /// Whether both hold the same bytes. The time depends on the length only; that is not secret.
    package static func equal(_ one: UnsafeRawBufferPointer, _ other: UnsafeRawBufferPointer) -> Bool {
        guard one.count == other.count else { return false }
        guard let first = one.baseAddress, let second = other.baseAddress else { return true }
        return CRYPTO_memcmp(first, second, one.count) == 0
    }

    package static func equal(_ one: UnsafeRawBufferPointer, _ other: [UInt8]) -> Bool {
        other.withUnsafeBytes { equal(one, $0) }
    }

    package static func equal(_ one: [UInt8], _ other: [UInt8]) -> Bool {
        one.withUnsafeBytes { one in other.withUnsafeBytes { equal(one, $0) } }
    }

    package static func equal(_ one: String, _ other: String) -> Bool {
        var one = one
        var other = other
        return one.withUTF8 { one in
            other.withUTF8 { equal(UnsafeRawBufferPointer(one), UnsafeRawBufferPointer($0)) }
        }
    }
}
