/// The parts of `https://host:port/path` that a connection is made by.
package struct WebAddress: Sendable, Equatable, CustomStringConvertible {
    package var isSecure: Bool
    /// A name or an address, without brackets.
    package var host: String
    package var port: UInt16
    /// As written behind the host, without a slash at the end; empty where there is none.
    package var path: String

    package init(isSecure: Bool, host: String, port: UInt16, path: String = "") {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.path = path
    }

    /// Reads an address without query; `nil` for anything else.
    package init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://"), ["http", "https"].contains(text[..<scheme.lowerBound]) else { return nil }
        isSecure = text[..<scheme.lowerBound] == "https"
        let rest = text[scheme.upperBound...]
        let authority = rest.prefix { $0 != "/" }
        path = String(rest[authority.endIndex...])
        while path.hasSuffix("/") { path.removeLast() }
        var name = authority
        port = isSecure ? 443 : 80
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") {
            guard let given = UInt16(authority[authority.index(after: colon)...]) else { return nil }
            port = given
            name = authority[..<colon]
        }
        let isBracketed = name.hasPrefix("[") && name.hasSuffix("]")
        host = String(isBracketed ? name.dropFirst().dropLast() : name)
        guard !host.isEmpty, isBracketed || !host.contains(":"), !text.contains(where: { "?#@".contains($0) }) else { return nil }
    }

    /// Host and port as a `Host` header has them: the port only where it is not the usual one.
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    package var description: String { "\(isSecure ? "https" : "http")://\(authority)\(path)" }
}
