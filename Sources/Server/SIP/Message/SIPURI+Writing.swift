extension SIPURI {
    /// Builds a SIP or SIPS URI from parts that nobody has escaped yet.
    ///
    /// - Parameters:
    ///   - host: a name or an address, an IPv6 address in brackets.
    ///   - parameters: in order; of each the name must be a token.
    /// - Throws: `.uri` where the host or a name is none.
    package static func make(
        isSecure: Bool = false, user: (some Collection<UInt8>)?, host: String, port: UInt16? = nil,
        parameters: [(name: String, value: String?)] = []
    ) throws(SIPParseError) -> SIPURI {
        var written = Array((isSecure ? "sips:" : "sip:").utf8)
        if let user { written += SIPEscapes.done(user, keeping: .user) + [.at] }
        written += Array(host.utf8)
        if let port { written += Array(":\(port)".utf8) }
        for parameter in parameters {
            guard !parameter.name.isEmpty, parameter.name.utf8.allSatisfy(\.isToken) else {
                throw SIPParseError(.uri, at: written.count)
            }
            written += [.semicolon] + SIPEscapes.done(parameter.name.utf8, keeping: .uriParameter)
            if let value = parameter.value { written += [.equals] + SIPEscapes.done(value.utf8, keeping: .uriParameter) }
        }
        return try SIPURI(written)
    }
}
