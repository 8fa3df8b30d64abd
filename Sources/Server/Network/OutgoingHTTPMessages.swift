/// A request to somebody else's server.
package struct OutgoingHTTPRequest: Sendable {
    /// The newest TLS that may be offered; 1.2 is the oldest in any case.
    package enum TLSMaximum: Sendable { case tls12, tls13 }

    /// In upper case, as it is sent.
    package var method: String
    /// `http://` or `https://`, with everything in it percent-encoded.
    package var url: String
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// From the call of `send` to the last byte of the answer, waiting for a free connection included.
    package var deadline: Duration
    /// Bytes of answer that are welcome; more end the request with `.tooLarge`.
    package var maximumBody: Int
    /// How many redirects of a GET or HEAD are followed; other methods are never sent twice.
    package var redirects: Int
    package var tlsMaximum: TLSMaximum

    package init(
        _ method: String, _ url: String, headers: [(name: String, value: String)] = [], body: [UInt8] = [],
        deadline: Duration = .seconds(30), maximumBody: Int = 1 << 20, redirects: Int = 0, tlsMaximum: TLSMaximum = .tls13
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadline = deadline
        self.maximumBody = maximumBody
        self.redirects = redirects
        self.tlsMaximum = tlsMaximum
    }

    /// Scheme, host and port: what may stand in a log. Credentials, path and query may hold secrets.
    var place: String {
        guard let scheme = url.firstRange(of: "://") else { return "an address without scheme" }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return String(url[..<scheme.upperBound] + host)
    }

    /// What libcurl would send amiss, if anything: header injection, control bytes, other schemes.
    var fault: String? {
        let lowered = url.prefix(8).lowercased()
        if !lowered.hasPrefix("http://"), !lowered.hasPrefix("https://") { return "the address is not http or https" }
        if url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { return "the address holds blanks or control bytes" }
        if method.isEmpty || !method.utf8.allSatisfy(\.isMethodByte) { return "the method is none" }
        for (name, value) in headers {
            if name.isEmpty || !name.utf8.allSatisfy(\.isHeaderNameByte) { return "a header's name is none" }
            if value.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) { return "the header \(name) holds a line end" }
        }
        return nil
    }
}

/// What the other server said.
package struct OutgoingHTTPResponse: Sendable {
    package var status: Int
    /// In order of arrival, names as sent.
    package var headers: [(name: String, value: String)]
    package var body: [UInt8]
    /// False where an open connection was used again.
    package var openedConnection: Bool

    /// The first header of that name, without regard to case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Why there is no answer. Its text names scheme, host and port at most: never a path, a query or a header.
package struct OutgoingHTTPError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case invalidRequest, resolve, connect, tls, timeout, tooLarge, cancelled, other
    }

    package var code: Code
    /// Scheme, host and port.
    package var place: String
    package var reason: String
    /// Whether the same request may succeed later without anybody mending anything.
    package var isTransient: Bool

    init(_ code: Code, _ place: String, _ reason: String, isTransient: Bool = false) {
        self.code = code
        self.place = place
        self.reason = reason
        self.isTransient = isTransient
    }

    package var description: String { "\(place): \(reason)" }
}

extension UInt8 {
    fileprivate var isMethodByte: Bool { (0x41...0x5A).contains(self) || self == 0x2D }

    /// A letter, digit, `-`, `_` or `.`: what header names are made of in practice.
    fileprivate var isHeaderNameByte: Bool {
        (0x41...0x5A).contains(self & 0xDF) || (0x30...0x39).contains(self) || [0x2D, 0x2E, 0x5F].contains(self)
    }
}
