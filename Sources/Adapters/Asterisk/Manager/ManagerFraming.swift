/// Cuts the manager interface's stream of bytes into messages, however the network cut it.
///
/// A message ends with an empty line. The greeting is one line that ends with none: it is the first thing that a server says.
struct ManagerFraming {
    /// Bytes that one message may have; the longest that was seen (`ListCommands`) has 15,000.
    static let limit = 1 << 20

    private var buffer: [UInt8] = []
    /// Where the next message begins.
    private var start = 0
    /// How far the next message's end was looked for: no byte is looked at twice.
    private var seen = 0
    private var hasGreeting: Bool

    /// - Parameter expectsGreeting: whether the stream is a server's, from its beginning.
    init(expectsGreeting: Bool = true) { hasGreeting = !expectsGreeting }

    /// The version that the server greeted with; `nil` before.
    private(set) var greeting: String?

    mutating func take(_ bytes: some Collection<UInt8>) {
        if start > 0, start == buffer.count || start > 1 << 16 {
            buffer.removeSubrange(..<start)
            seen -= start
            start = 0
        }
        buffer += bytes
    }

    /// The next whole message; `nil` where more bytes are needed.
    /// - Throws: `ManagerFault`: nothing after it can be trusted.
    mutating func next() throws(ManagerFault) -> ArraySlice<UInt8>? {
        if !hasGreeting, !(try readGreeting()) { return nil }
        while let end = messageEnd() {
            let message = buffer[start..<end.text]
            start = end.next
            seen = start
            if !message.isEmpty { return message }
        }
        guard buffer.count - start <= Self.limit else { throw .tooLong }
        return nil
    }

    private mutating func readGreeting() throws(ManagerFault) -> Bool {
        let lineEnd = buffer[seen...].firstIndex(of: ManagerByte.lineFeed)
        // However the network cut it: a longer line is none, whether its end has come or not.
        guard (lineEnd ?? buffer.count) <= 256 else { throw .noGreeting }
        guard let end = lineEnd else {
            seen = buffer.count
            return false
        }
        let line = String(decoding: buffer[start..<end], as: UTF8.self)
        // `Asterisk Call Manager/11.0.0`; others who speak it put their own name first.
        guard let slash = line.lastIndex(of: "/"), line.contains("Call Manager") else { throw .noGreeting }
        greeting = String(line[line.index(after: slash)...].prefix { !$0.isWhitespace }.prefix(32))
        hasGreeting = true
        start = end + 1
        seen = start
        return true
    }

    /// Where the message's text ends and where the next begins.
    private mutating func messageEnd() -> (text: Int, next: Int)? {
        buffer.withUnsafeBufferPointer { text in
            var index = seen
            while index < text.count {
                guard text[index] == ManagerByte.lineFeed else {
                    index += 1
                    continue
                }
                // An empty line: this end of line follows another, with or without a carriage return between.
                var last = index - 1
                if last >= start, text[last] == ManagerByte.carriageReturn { last -= 1 }
                if last < start || text[last] == ManagerByte.lineFeed {
                    seen = index + 1
                    return (max(start, last + 1), index + 1)
                }
                index += 1
            }
            seen = index
            return nil
        }
    }
}

/// Why a stream is no manager interface.
enum ManagerFault: Error, Hashable, CustomStringConvertible {
    case noGreeting
    case tooLong

    var description: String {
        switch self {
        case .noGreeting: "what answers there is no Asterisk manager interface"
        case .tooLong: "a message of over \(ManagerFraming.limit) bytes"
        }
    }
}
