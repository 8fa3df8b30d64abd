import Connector

/// What may be told of a request, and what is wrong with it before it is sent.
extension OutgoingRequest {
    /// Scheme, host and port: what may stand in a log. Credentials, path and query may hold secrets.
    var place: String {
        guard let scheme = url.firstRange(of: "://") else { return "an address without scheme" }
        let authority = url[scheme.upperBound...].prefix { !"/?#".contains($0) }
        let host = authority.lastIndex(of: "@").map { authority[authority.index(after: $0)...] } ?? authority
        return String(url[..<scheme.upperBound] + host)
    }

    /// Whose connections it would use: scheme, host and port, credentials where there are any.
    var host: String {
        var slashes = 0
        return String(
            url.utf8.prefix { byte in
                if byte == UInt8(ascii: "/") { slashes += 1 }
                return slashes < 3 && byte != UInt8(ascii: "?") && byte != UInt8(ascii: "#")
            }) ?? ""
    }

    /// Whether it says itself of what type its body is.
    var hasType: Bool {
        headers.contains { $0.name.utf8.count == 12 && $0.name.lowercased() == "content-type" }
    }

    /// What libcurl would send amiss, if anything: header injection, control bytes, other schemes.
    var fault: String? {
        let lowered = url.prefix(8).lowercased()
        if !lowered.hasPrefix("http://"), !lowered.hasPrefix("https://") { return "the address is not http or https" }
        if url.utf8.contains(where: { $0 <= 0x20 || $0 == 0x7F }) { return "the address holds blanks or control bytes" }
        if method.isEmpty || !method.utf8.allSatisfy(\.isMethodByte) { return "the method is none" }
        for header in headers {
            if header.name.isEmpty || !header.name.utf8.allSatisfy(\.isHeaderNameByte) { return "a header's name is none" }
            if header.value.utf8.contains(where: { $0 == 0 || $0 == 10 || $0 == 13 }) {
                return "the header \(header.name) holds a line end"
            }
        }
        return nil
    }
}

extension UInt8 {
    fileprivate var isMethodByte: Bool { (0x41...0x5A).contains(self) || self == 0x2D }

    /// A letter, digit, `-`, `_` or `.`: what header names are made of in practice.
    fileprivate var isHeaderNameByte: Bool {
        (0x41...0x5A).contains(self & 0xDF) || (0x30...0x39).contains(self) || [0x2D, 0x2E, 0x5F].contains(self)
    }
}
