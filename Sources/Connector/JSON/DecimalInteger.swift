/// Reading decimal integers from bytes.
package enum DecimalInteger {
    /// An optional minus and 1 to 19 digits, nothing else; nil beyond 64 bits.
    @inlinable
    package static func parse(_ text: some Collection<UInt8>) -> Int? {
        var digits = text[...]
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits = digits.dropFirst() }
        guard !digits.isEmpty else { return nil }
        var value = 0
        for byte in digits {
            let digit = Int(byte) - Int(UInt8(ascii: "0"))
            guard digit >= 0, digit <= 9 else { return nil }
            let (product, overflows) = value.multipliedReportingOverflow(by: 10)
            let (sum, overflowsToo) = product.subtractingReportingOverflow(digit)
            guard !overflows, !overflowsToo else { return nil }
            value = sum
        }
        // Gathered below zero, where there is room for one more.
        guard !isNegative else { return value }
        return value == .min ? nil : -value
    }
}
