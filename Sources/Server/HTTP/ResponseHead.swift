/// How an answer is framed.
struct ResponseFraming {
    enum Length {
        case known(Int)
        case chunked
        case untilClose
        case none
    }
    var length: Length
    var keepsAlive: Bool
}

/// Writes a response head.
enum ResponseHead {
    /// Appends status line, headers and the empty line; returns where the date's 29 bytes begin.
    ///
    /// CR, LF and NUL in a value become spaces: no answer can be split by what a handler puts into a header.
    @discardableResult
    static func append(_ response: HTTPResponse, _ framing: ResponseFraming, date: [UInt8], to out: inout [UInt8]) -> Int {
        out += "HTTP/1.1 \(response.status.code) \(response.status.phrase)\r\nDate: ".utf8
        let dateStart = out.count
        out += date
        out += "\r\n".utf8
        for (name, value) in response.headers where !isOurs(name) {
            appendClean(name, to: &out)
            out += ": ".utf8
            appendClean(value, to: &out)
            out += "\r\n".utf8
        }
        switch framing.length {
        case .known(let count): out += "Content-Length: \(count)\r\n".utf8
        case .chunked: out += "Transfer-Encoding: chunked\r\n".utf8
        case .untilClose, .none: break
        }
        if !framing.keepsAlive { out += "Connection: close\r\n".utf8 }
        out += "\r\n".utf8
        return dateStart
    }

    private static let ours: Set<String> = ["content-length", "transfer-encoding", "connection", "date"]

    private static func isOurs(_ name: String) -> Bool { ours.contains(name.lowercased()) }

    private static func appendClean(_ text: String, to out: inout [UInt8]) {
        for byte in text.utf8 { out.append(byte == .carriageReturn || byte == .lineFeed || byte == 0 ? .space : byte) }
    }
}
