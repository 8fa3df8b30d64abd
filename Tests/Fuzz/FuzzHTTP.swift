// Compiled into one module with the parser's own files by scripts/fuzz.sh; no target of the package.

/// Any bytes as a connection's first request: head, then a chunked body.
///
/// Holds that the parser refuses or understands, never traps, and that it comes to the same however the bytes are cut.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzHTTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    let whole = HTTPReading(of: bytes, step: max(1, count))
    for step in [1, 7] { precondition(HTTPReading(of: bytes, step: step) == whole, "cut differently, read differently") }
    return 0
}

/// What the parser makes of some bytes that arrive `step` at a time.
struct HTTPReading: Equatable {
    private(set) var error: HTTPParseError?
    private(set) var headLength: Int?
    private(set) var path: [UInt8] = []
    private(set) var headers: [[UInt8]] = []
    private(set) var body: [UInt8]?

    init(of bytes: [UInt8], step: Int) {
        do throws(HTTPParseError) {
            guard let head = try readHead(bytes, step: step), head.isChunked else { return }
            try readChunks(Array(bytes[head.length...]), step: step)
        } catch {
            self.error = error
        }
    }

    private mutating func readHead(_ bytes: [UInt8], step: Int) throws(HTTPParseError) -> ParsedHead? {
        var scanned = 0
        for seen in Self.arrivals(bytes.count, step) {
            guard let end = try HeadScanner.end(of: bytes.span.extracting(0..<seen), scanned: &scanned, limit: 16 << 10) else {
                continue
            }
            var parser = HeadParser(maximumHeaders: 64)
            let head = try parser.parse(bytes.span.extracting(0..<end))
            precondition(head.length == end, "a head is parsed whole")
            headLength = end
            path = Array(bytes[head.path])
            for slot in parser.headers { headers += [Array(bytes[slot.name]), Array(bytes[slot.value])] }
            return head
        }
        return nil
    }

    private mutating func readChunks(_ raw: [UInt8], step: Int) throws(HTTPParseError) {
        var chunks = ChunkedBody()
        for seen in Self.arrivals(raw.count, step) {
            guard let end = try chunks.end(of: raw.span.extracting(0..<seen), limit: 4096) else { continue }
            var content = Array(raw[..<end])
            let length = content.withUnsafeMutableBytes { ChunkedBody.decode($0) }
            precondition(length == chunks.decodedLength && length <= 4096, "as much content as was announced")
            body = Array(content[..<length])
            return
        }
    }

    private static func arrivals(_ count: Int, _ step: Int) -> [Int] {
        Array(stride(from: step, to: max(step, count), by: step)) + [count]
    }
}
