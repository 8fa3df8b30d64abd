/// What comes next in a stream, and how many bytes it takes up at the front of the buffer.
package enum SIPStreamItem: Sendable {
    /// More bytes are needed; the deadline is the caller's.
    case incomplete
    /// A double CRLF, to be answered with a single one (RFC 5626 §4.4.1).
    case ping(byteCount: Int)
    /// A line end before a message, or an answer to a ping of ours: nothing to do.
    case emptyLine(byteCount: Int)
    case message(SIPMessage, byteCount: Int)
    /// - `byteCount` nil: where the next message would begin cannot be told, so the connection is answered, if at all, and closed.
    case refused(SIPRefusal, byteCount: Int?)
}

/// Divides a stream into messages by Content-Length, which is mandatory there (RFC 3261 §18.3).
///
/// Owns no buffer: the caller shows what it holds, from the first byte not yet consumed, and drops what an item took. Bytes that were
/// looked at are not looked at again while more arrive, so a message that comes byte by byte costs time linear in its length.
package struct SIPStreamFramer: Sendable {
    private var scanned = 0
    /// Of the message at the front, once its head was read.
    private var neededByteCount: Int?
    /// How many bytes were looked at in all.
    package private(set) var bytesExamined = 0

    package init() {}

    /// The most the caller's buffer has to hold.
    package static func largestMessage(_ limits: SIPLimits) -> Int { limits.headByteCount + limits.bodyByteCount }

    /// - Parameter parser: the loop's own; nothing of this stream stays in it.
    package mutating func next(_ bytes: Span<UInt8>, with parser: inout SIPParser) -> SIPStreamItem {
        if neededByteCount == nil {
            if bytes.count > 1, bytes[0] == .carriageReturn, bytes[1] == .lineFeed { return Self.emptyLine(bytes) }
            guard let head = endOfHead(bytes, limit: parser.limits.headByteCount) else {
                return refusalOfEndlessHead(bytes, with: &parser)
            }
            guard let length = parser.contentLength(ofHead: bytes.extracting(0..<head)) else {
                return refusal(bytes.extracting(0..<head), .contentLength, with: &parser)
            }
            guard length <= parser.limits.bodyByteCount else {
                return refusal(bytes.extracting(0..<head), .bodyTooLarge, with: &parser)
            }
            neededByteCount = head + length
        }
        guard let needed = neededByteCount, bytes.count >= needed else { return .incomplete }
        let item = wholeMessage(bytes.extracting(0..<needed), with: &parser)
        restart()
        return item
    }

    private mutating func restart() {
        scanned = 0
        neededByteCount = nil
    }

    private func wholeMessage(_ bytes: Span<UInt8>, with parser: inout SIPParser) -> SIPStreamItem {
        do {
            return .message(try parser.parse(framed: bytes), byteCount: bytes.count)
        } catch {
            return .refused(error, byteCount: bytes.count)
        }
    }

    /// A ping if another empty line follows; else the line is skipped (RFC 3261 §7.5).
    private static func emptyLine(_ bytes: Span<UInt8>) -> SIPStreamItem {
        if bytes.count == 2 || (bytes.count == 3 && bytes[2] == .carriageReturn) { return .incomplete }
        return bytes.count >= 4 && bytes[2] == .carriageReturn && bytes[3] == .lineFeed
            ? .ping(byteCount: 4) : .emptyLine(byteCount: 2)
    }

    /// The length of the head with its empty line; nil while it is not all there.
    private mutating func endOfHead(_ bytes: Span<UInt8>, limit: Int) -> Int? {
        let available = min(bytes.count, limit)
        let start = scanned
        defer { bytesExamined += scanned - start }
        while scanned < available {
            guard let lineFeed = EightBytes.first(.lineFeed, bytes, in: scanned..<available) else {
                scanned = available
                break
            }
            scanned = lineFeed + 1
            if lineFeed >= 2, bytes[lineFeed - 1] == .carriageReturn, bytes[lineFeed - 2] == .lineFeed { return scanned }
        }
        return nil
    }

    private func refusalOfEndlessHead(_ bytes: Span<UInt8>, with parser: inout SIPParser) -> SIPStreamItem {
        bytes.count < parser.limits.headByteCount
            ? .incomplete : refusal(bytes.extracting(0..<parser.limits.headByteCount), .headTooLarge, with: &parser)
    }

    /// Framing is lost: answers by what the head says, if it says whom to answer.
    private func refusal(_ head: Span<UInt8>, _ code: SIPParseError.Code, with parser: inout SIPParser) -> SIPStreamItem {
        do {
            _ = parser.contentLength(ofHead: head)
            _ = try parser.conclude(head, fault: code)
            return .incomplete
        } catch {
            return .refused(error, byteCount: nil)
        }
    }
}
