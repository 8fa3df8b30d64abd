/// A range of addresses in CIDR form: `10.0.0.0/8`, `2001:db8::/32`, or a single address.
///
/// IPv4 ranges also hold the IPv4-mapped IPv6 addresses of their members.
package struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    /// The first address of the range.
    package let base: IPAddress
    /// Leading bits that count, of 128 (an IPv4 `/8` is 104 here).
    private let prefixLength: Int

    /// Reads `address` or `address/bits`; bits beyond the prefix are cleared. Nil for anything else.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(first) else { return nil }
        let width = address.isV4 ? 32 : 128
        var bits = width
        if parts.count == 2 {
            guard parts[1].utf8.allSatisfy({ (0x30...0x39).contains($0) }), let given = Int(parts[1]), given <= width else {
                return nil
            }
            bits = given
        }
        prefixLength = 128 - width + bits
        base = address.masked(to: prefixLength)
    }

    package static let loopback: [IPNetwork] = ["127.0.0.0/8", "::1"].compactMap { IPNetwork($0) }

    package func contains(_ address: IPAddress) -> Bool { address.masked(to: prefixLength) == base }

    /// Whether it is all of IPv4 or of IPv6.
    package var holdsEverybody: Bool { prefixLength == 0 || (base.isV4 && prefixLength <= 96) }

    package var description: String { "\(base)/\(base.isV4 && prefixLength >= 96 ? prefixLength - 96 : prefixLength)" }
}

extension IPAddress {
    /// The address with all but its first `bits` of 128 cleared.
    package func masked(to bits: Int) -> IPAddress {
        let high = bits >= 64 ? self.high : self.high & ~(UInt64.max >> UInt64(max(bits, 0)))
        let low = bits >= 128 ? self.low : bits <= 64 ? 0 : self.low & ~(UInt64.max >> UInt64(bits - 64))
        return IPAddress(high: high, low: low)
    }
}
