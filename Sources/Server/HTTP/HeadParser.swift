import CSystem

/// Where a header's name and value lie, counted from the head's first byte.
struct HeaderSlot {
    var nameStart: UInt16 = 0
    var nameLength: UInt16 = 0
    var valueStart: UInt16 = 0
    var valueLength: UInt16 = 0

    var name: Range<Int> { Int(nameStart)..<Int(nameStart) + Int(nameLength) }
    var value: Range<Int> { Int(valueStart)..<Int(valueStart) + Int(valueLength) }
}

/// Finds where a head ends, without looking at any byte twice.
enum HeadScanner {
    /// The length of the head including its empty line, or nil while bytes are missing.
    ///
    /// - Parameter scanned: how far earlier calls have looked, from the head's first byte; kept by the caller between calls.
    /// - Throws: `.bareLineFeed` at the first line that ends without CR, `.headTooLarge` when `limit` bytes hold no end.
    static func end(of bytes: Span<UInt8>, scanned: inout Int, limit: Int) throws(HTTPParseError) -> Int? {
        let available = min(bytes.count, limit)
        while scanned < available {
            guard let lineFeed = firstLineFeed(in: bytes, from: scanned, to: available) else {
                scanned = available
                break
            }
            guard lineFeed > 0, bytes[lineFeed - 1] == .carriageReturn else { throw .bareLineFeed }
            scanned = lineFeed + 1
            if lineFeed == 1 || (lineFeed > 2 && bytes[lineFeed - 2] == .lineFeed) { return lineFeed + 1 }
        }
        if bytes.count >= limit { throw .headTooLarge }
        return nil
    }

    private static func firstLineFeed(in bytes: Span<UInt8>, from start: Int, to end: Int) -> Int? {
        bytes.extracting(start..<end).withUnsafeBytes { raw in
            guard let base = raw.baseAddress, let found = memchr(base, Int32(UInt8.lineFeed), raw.count) else { return nil }
            return start + (UnsafeRawPointer(found) - base)
        }
    }
}

/// What a request head says, as offsets from its first byte; the header slots lie in the table it was parsed into.
struct ParsedHead {
    var method: Range<Int> = 0..<0
    /// Path as sent, without query; of an absolute target only its path.
    var path: Range<Int> = 0..<0
    /// What follows the first `?`, without it.
    var query: Range<Int> = 0..<0
    var headerCount = 0
    var length = 0
    var contentLength: Int?
    var isChunked = false
    /// HTTP/1.0 connections always end with their answer.
    var keepsAlive = true
    var isHTTP10 = false
    var expectsContinue = false

    var hasBody: Bool { isChunked || (contentLength ?? 0) > 0 }
}

/// Reads a complete head (RFC 9112 §2–3, §5), strictly: what two readers could understand differently is refused.
///
/// Offsets are 16 bits wide, so a head is at most 65,535 bytes; `HTTPLimits` holds to that.
struct HeadParser: ~Copyable {
    private let slots: UnsafeMutableBufferPointer<HeaderSlot>
    private var head = ParsedHead()
    private var hostCount = 0
    private var asksToClose = false

    /// - Parameter maximumHeaders: one more and the head is refused.
    init(maximumHeaders: Int) {
        slots = .allocate(capacity: max(1, maximumHeaders))
        slots.initialize(repeating: HeaderSlot())
    }

    deinit { slots.deallocate() }

    /// The slots of the head parsed last.
    var headers: UnsafeBufferPointer<HeaderSlot> { UnsafeBufferPointer(rebasing: slots[0..<head.headerCount]) }

    /// Parses `bytes`: exactly one head, as found by `HeadScanner`.
    mutating func parse(_ bytes: Span<UInt8>) throws(HTTPParseError) -> ParsedHead {
        head = ParsedHead()
        hostCount = 0
        asksToClose = false
        var position = try parseRequestLine(bytes)
        while position < bytes.count, bytes[position] != .carriageReturn {
            position = try parseHeader(bytes, at: position)
        }
        guard position + 2 == bytes.count, bytes[position + 1] == .lineFeed else { throw .headerName }
        head.length = bytes.count
        try conclude()
        return head
    }

    private mutating func conclude() throws(HTTPParseError) {
        guard hostCount == 1 || (hostCount == 0 && head.isHTTP10) else { throw .host }
        if head.isChunked {
            guard head.contentLength == nil else { throw .lengthConflict }
            guard !head.isHTTP10 else { throw .transferEncoding }
        }
        head.keepsAlive = !head.isHTTP10 && !asksToClose
    }

    // MARK: Request line

    private mutating func parseRequestLine(_ bytes: Span<UInt8>) throws(HTTPParseError) -> Int {
        var position = 0
        while position < bytes.count, bytes[position].isToken { position += 1 }
        guard position > 0, position < bytes.count, bytes[position] == .space else { throw .requestLine }
        head.method = 0..<position
        let target = position + 1
        position = target
        while position < bytes.count, bytes[position] > .space, bytes[position] != 0x7F { position += 1 }
        guard position < bytes.count, bytes[position] == .space else {
            throw position < bytes.count && bytes[position] == .carriageReturn ? .requestLine : .target
        }
        try parseTarget(bytes, target..<position)
        return try parseVersion(bytes, at: position + 1)
    }

    private mutating func parseVersion(_ bytes: Span<UInt8>, at start: Int) throws(HTTPParseError) -> Int {
        guard start + 10 <= bytes.count, matches(bytes, "HTTP/", at: start), bytes[start + 6] == 0x2E,
            bytes[start + 8] == .carriageReturn, bytes[start + 9] == .lineFeed
        else { throw .requestLine }
        switch (bytes[start + 5], bytes[start + 7]) {
        case (0x31, 0x31): head.isHTTP10 = false
        case (0x31, 0x30): head.isHTTP10 = true
        default: throw .version
        }
        return start + 10
    }

    /// Takes origin form, absolute form (its authority is dropped) and `*` (RFC 9112 §3.2).
    private mutating func parseTarget(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPParseError) {
        guard !target.isEmpty else { throw .requestLine }
        let start = bytes[target.lowerBound] == .slash ? target.lowerBound : try pathOfOtherForm(bytes, target)
        var end = start
        while end < target.upperBound, bytes[end] != .question { end += 1 }
        head.path = start..<end
        head.query = end < target.upperBound ? end + 1..<target.upperBound : end..<end
    }

    private func pathOfOtherForm(_ bytes: Span<UInt8>, _ target: Range<Int>) throws(HTTPParseError) -> Int {
        if target.count == 1, bytes[target.lowerBound] == 0x2A { return target.lowerBound }
        let schemeLength = matches(bytes, "http://", at: target.lowerBound) ? 7 : 8
        guard schemeLength == 7 || matches(bytes, "https://", at: target.lowerBound) else { throw .target }
        var position = target.lowerBound + schemeLength
        while position < target.upperBound, bytes[position] != .slash { position += 1 }
        guard position < target.upperBound, position > target.lowerBound + schemeLength else { throw .target }
        return position
    }

    private func matches(_ bytes: Span<UInt8>, _ word: StaticString, at start: Int) -> Bool {
        guard start + word.utf8CodeUnitCount <= bytes.count else { return false }
        for index in 0..<word.utf8CodeUnitCount where bytes[start + index] != word.utf8Start[index] { return false }
        return true
    }

    // MARK: Headers

    private mutating func parseHeader(_ bytes: Span<UInt8>, at start: Int) throws(HTTPParseError) -> Int {
        guard head.headerCount < slots.count else { throw .tooManyHeaders }
        var position = start
        while position < bytes.count, bytes[position].isToken { position += 1 }
        guard position > start, position < bytes.count, bytes[position] == .colon else { throw .headerName }
        let name = start..<position
        position += 1
        while position < bytes.count, bytes[position].isBlank { position += 1 }
        let valueStart = position
        position = try endOfValue(bytes, from: position)
        var valueEnd = position
        while valueEnd > valueStart, bytes[valueEnd - 1].isBlank { valueEnd -= 1 }
        slots[head.headerCount] = HeaderSlot(
            nameStart: UInt16(name.lowerBound), nameLength: UInt16(name.count), valueStart: UInt16(valueStart),
            valueLength: UInt16(valueEnd - valueStart))
        head.headerCount += 1
        try interpret(bytes, name: name, value: valueStart..<valueEnd)
        return position + 2
    }

    /// Runs to the CR LF, eight bytes at a time while there is no control byte among them.
    private func endOfValue(_ bytes: Span<UInt8>, from start: Int) throws(HTTPParseError) -> Int {
        let raw = bytes.bytes
        var position = start
        while position < bytes.count {
            if position + 8 <= bytes.count {
                let word = UInt64(littleEndian: raw.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
                let controls = Self.controlBytes(in: word)
                position += controls == 0 ? 8 : controls.trailingZeroBitCount / 8
                if controls == 0 { continue }
            }
            let byte = bytes[position]
            if byte == .carriageReturn {
                guard position + 1 < bytes.count, bytes[position + 1] == .lineFeed else { throw .headerValue }
                return position
            }
            guard byte >= .space && byte != 0x7F || byte == .tab else { throw .headerValue }
            position += 1
        }
        throw .headerValue
    }

    /// The top bit of each byte that is below 0x20 or is 0x7F; exact up to and including the first such byte.
    private static func controlBytes(in word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let tops: UInt64 = 0x8080_8080_8080_8080
        let deletes = word ^ (ones &* 0x7F)
        return ((word &- ones &* 0x20) & ~word | (deletes &- ones) & ~deletes) & tops
    }

    private mutating func interpret(_ bytes: Span<UInt8>, name: Range<Int>, value: Range<Int>) throws(HTTPParseError) {
        switch name.count {
        case 4 where Self.equals(bytes, name, "host"): hostCount += 1
        case 6 where Self.equals(bytes, name, "expect"):
            guard Self.equals(bytes, value, "100-continue") else { throw .expectation }
            head.expectsContinue = true
        case 10 where Self.equals(bytes, name, "connection"): noteConnection(bytes, value)
        case 14 where Self.equals(bytes, name, "content-length"): try noteLength(bytes, value)
        case 17 where Self.equals(bytes, name, "transfer-encoding"):
            guard !head.isChunked, Self.equals(bytes, value, "chunked") else { throw .transferEncoding }
            head.isChunked = true
        default: break
        }
    }

    private mutating func noteConnection(_ bytes: Span<UInt8>, _ value: Range<Int>) {
        bytes.extracting(value).withUnsafeBytes { raw in
            if ByteView(raw).listContains("close") { asksToClose = true }
        }
    }

    /// Digits only, no list, no sign; a repetition must say the same (RFC 9112 §6.3).
    private mutating func noteLength(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(HTTPParseError) {
        guard (1...18).contains(value.count) else { throw .contentLength }
        var length = 0
        for index in value {
            guard (0x30...0x39).contains(bytes[index]) else { throw .contentLength }
            length = length * 10 + Int(bytes[index] - 0x30)
        }
        guard head.contentLength == nil || head.contentLength == length else { throw .contentLength }
        head.contentLength = length
    }

    /// Compares without regard to case; `word` is lower case.
    private static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: StaticString) -> Bool {
        guard range.count == word.utf8CodeUnitCount else { return false }
        for index in 0..<range.count where bytes[range.lowerBound + index].asciiLowercased != word.utf8Start[index] {
            return false
        }
        return true
    }
}
