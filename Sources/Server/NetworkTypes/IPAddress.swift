import Glibc

/// An IPv4 or IPv6 address. IPv4 in its IPv4-mapped form (`::ffff:1.2.3.4`) is the IPv4 address.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// The upper 64 bits of the IPv6 form, in host order.
    package let high: UInt64
    /// The lower 64 bits; for IPv4 `0x0000_FFFF` and the address.
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Reads `1.2.3.4` or `2001:db8::1`, without brackets or zone; nil for anything else.
    package init?(_ text: some StringProtocol) {
        let text = String(text)
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4.s_addr))
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            self = withUnsafeBytes(of: &v6) { IPAddress(bytes: $0) }
        } else {
            return nil
        }
    }

    /// From an IPv4 address in host order.
    package init(v4: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4)) }

    /// From the 16 bytes of the IPv6 form, in network order.
    package init(bytes: UnsafeRawBufferPointer) {
        self.init(
            high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
            low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
    }

    package static let loopbackV4 = IPAddress(v4: 0x7F00_0001)
    package static let loopbackV6 = IPAddress(high: 0, low: 1)

    package var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }
    package var isLoopback: Bool { isV4 ? (low >> 24) & 0xFF == 127 : self == .loopbackV6 }

    package var description: String {
        if isV4 { return [24, 16, 8, 0].map { String((low >> $0) & 0xFF) }.joined(separator: ".") }
        var address = in6_addr()
        withUnsafeMutableBytes(of: &address) { store(into: $0) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(INET6_ADDRSTRLEN)) { text in
            guard let start = text.baseAddress, inet_ntop(AF_INET6, &address, start, socklen_t(text.count)) != nil else {
                return "::"
            }
            return String(cString: start)
        }
    }

    /// Writes the 16 bytes of the IPv6 form, in network order.
    package func store(into bytes: UnsafeMutableRawBufferPointer) {
        bytes.storeBytes(of: high.bigEndian, as: UInt64.self)
        bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
    }
}
