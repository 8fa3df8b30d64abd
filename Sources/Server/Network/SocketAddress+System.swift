import CSystem

extension SocketAddress {
    /// Reads `1.2.3.4:port` or `[v6]:port`; port 0 asks the system for a free one.
    /// - Throws: `NetworkError.invalidAddress`.
    package init(_ text: String) throws {
        guard let address = SocketAddress(parsing: text) else {
            throw NetworkError(.invalidAddress, "address \"\(text)\"", hint: "write 127.0.0.1:8080 or [::1]:8080")
        }
        self = address
    }

    /// What a C shim gave.
    package init(_ system: csys_address) {
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
