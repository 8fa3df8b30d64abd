/// `%HH` in URIs (RFC 3261 §19.1.2).
enum SIPEscapes {
    /// The bytes meant. What is no whole escape stands for itself; a parsed URI has none of that.
    static func undone(_ written: ArraySlice<UInt8>) -> [UInt8] {
        guard written.contains(.percent) else { return Array(written) }
        var meant: [UInt8] = []
        meant.reserveCapacity(written.count)
        var rest = written
        while let byte = rest.popFirst() {
            if byte == .percent, let high = rest.first?.hexValue, let low = rest.dropFirst().first?.hexValue {
                rest = rest.dropFirst(2)
                meant.append(high << 4 | low)
            } else {
                meant.append(byte)
            }
        }
        return meant
    }

    /// Any bytes as they may stand in that part of a URI.
    static func done(_ meant: some Collection<UInt8>, keeping set: ByteSet) -> [UInt8] {
        var written: [UInt8] = []
        written.reserveCapacity(meant.count)
        for byte in meant {
            if set.contains(byte) {
                written.append(byte)
            } else {
                written += [.percent, .hexDigit(byte >> 4), .hexDigit(byte & 15)]
            }
        }
        return written
    }
}
