import CSystem

/// An address and a port: `127.0.0.1:8080`, `[::1]:0`.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    package var ip: IPAddress
    package var port: UInt16

    package init(_ ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// Reads `1.2.3.4:port` or `[v6]:port`; port 0 asks the system for a free one.
    /// - Throws: `NetworkError.invalidAddress`.
    package init(_ text: String) throws {
        let refusal = NetworkError(.invalidAddress, "address \"\(text)\"", hint: "write 127.0.0.1:8080 or [::1]:8080")
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { throw refusal }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        guard isBracketed || !host.contains(":"), let ip = IPAddress(isBracketed ? host.dropFirst().dropLast() : host) else {
            throw refusal
        }
        self.init(ip, port: port)
    }

    package var description: String { ip.isV4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }

    init(_ system: csys_address) {
        var copy = system
        let ip = withUnsafeBytes(of: &copy.bytes) { IPAddress(bytes: $0) }
        self.init(ip, port: system.port)
    }

    /// The shape the C shims take.
    package var system: csys_address {
        var result = csys_address()
        withUnsafeMutableBytes(of: &result.bytes) { ip.store(into: $0) }
        result.port = port
        result.is_v6 = ip.isV4 ? 0 : 1
        return result
    }
}
