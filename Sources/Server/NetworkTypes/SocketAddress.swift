/// An address and a port: `127.0.0.1:8080`, `[::1]:0`.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    package var ip: IPAddress
    package var port: UInt16

    package init(_ ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    /// Reads `1.2.3.4:port` or `[v6]:port`; nil for anything else.
    package init?(parsing text: some StringProtocol) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else { return nil }
        let host = text[..<colon]
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]") && host.count > 2
        guard isBracketed || !host.contains(":"), let ip = IPAddress(isBracketed ? host.dropFirst().dropLast() : host) else {
            return nil
        }
        self.init(ip, port: port)
    }

    package var description: String { ip.isV4 ? "\(ip):\(port)" : "[\(ip)]:\(port)" }
}
