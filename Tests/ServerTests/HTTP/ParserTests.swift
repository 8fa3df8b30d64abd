import TestSupport
import Testing

@testable import HTTPServer

/// The parser as a pure value, without sockets.
struct ParserTests {
    /// What a request came to, in a form that can be compared.
    enum Outcome: Equatable {
        case incomplete
        case refused(HTTPParseError)
        case request(path: String, query: String, headers: [String], body: [UInt8], length: Int)
    }

    /// Feeds `bytes` in pieces that end at `cuts`, as a connection would.
    static func read(_ bytes: [UInt8], cuts: [Int], maxBody: Int = 4096) -> Outcome {
        var scanned = 0
        var chunks = ChunkedBody()
        var head: ParsedHead?
        var parser = HeadParser(maximumHeaders: 64)
        for cut in cuts + [bytes.count] {
            do throws(HTTPParseError) {
                let seen = bytes.span.extracting(0..<cut)
                if head == nil, let end = try HeadScanner.end(of: seen, scanned: &scanned, limit: 16 * 1024) {
                    head = try parser.parse(seen.extracting(0..<end))
                }
                guard let head else { continue }
                let body = seen.extracting(head.length..<cut)
                if head.isChunked {
                    guard let end = try chunks.end(of: body, limit: maxBody) else { continue }
                    var raw = Array(bytes[head.length..<head.length + end])
                    let count = raw.withUnsafeMutableBytes { ChunkedBody.decode($0) }
                    #expect(count == chunks.decodedLength)
                    return outcome(head, parser, bytes, Array(raw[..<count]), head.length + end)
                }
                let length = head.contentLength ?? 0
                if length > maxBody { throw .bodyTooLarge }
                if body.count >= length {
                    let body = Array(bytes[head.length..<head.length + length])
                    return outcome(head, parser, bytes, body, head.length + length)
                }
            } catch {
                return .refused(error)
            }
        }
        return .incomplete
    }

    private static func outcome(
        _ head: ParsedHead, _ parser: borrowing HeadParser, _ bytes: [UInt8], _ body: [UInt8], _ length: Int
    ) -> Outcome {
        func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
        let headers = parser.headers.map { "\(text($0.name)): \(text($0.value))" }
        return .request(path: text(head.path), query: text(head.query), headers: headers, body: body, length: length)
    }

    @Test func `a head gives its parts`() {
        let bytes = Array(
            "POST /a/b?c=d?e HTTP/1.1\r\nHost: x\r\nX-Empty:\r\nX-Pad: \t a\tb \t\r\ncontent-LENGTH: 2\r\n\r\nhi!".utf8)
        let expected = Outcome.request(
            path: "/a/b", query: "c=d?e", headers: ["Host: x", "X-Empty: ", "X-Pad: a\tb", "content-LENGTH: 2"],
            body: Array("hi".utf8), length: bytes.count - 1)
        #expect(Self.read(bytes, cuts: []) == expected)
        #expect(Self.read(bytes, cuts: Array(0..<bytes.count)) == expected)
    }

    @Test(arguments: [
        ("http://example.org/a?b", "/a", "b"), ("https://example.org:8443/", "/", ""), ("*", "*", ""), ("/?", "/", ""),
        ("/%41", "/%41", ""),
    ])
    func `every form of target gives its path`(target: String, path: String, query: String) {
        let bytes = Array("GET \(target) HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        let expected = Outcome.request(path: path, query: query, headers: ["Host: x"], body: [], length: bytes.count)
        #expect(Self.read(bytes, cuts: []) == expected)
    }

    @Test(arguments: [
        ("Connection: close", false), ("Connection: keep-alive, Close", false), ("Connection: upgrade", true), ("X: close", true),
    ])
    func `the connection header says whether another request may follow`(header: String, keepsAlive: Bool) throws {
        var parser = HeadParser(maximumHeaders: 8)
        let bytes = Array("GET / HTTP/1.1\r\nHost: x\r\n\(header)\r\n\r\n".utf8)
        #expect(try parser.parse(bytes.span).keepsAlive == keepsAlive)
    }

    @Test func `a control byte is found wherever it stands in a value`() {
        for length in 0..<40 {
            for byte in [UInt8(0), 1, 8, 10, 11, 13, 31, 127] {
                var bytes = Array("GET / HTTP/1.1\r\nHost: ".utf8) + [UInt8](repeating: 0xFF, count: length)
                bytes += [byte] + Array("tail of the value\r\n\r\n".utf8)
                guard case .refused = Self.read(bytes, cuts: []) else {
                    Issue.record("byte \(byte) after \(length) got through")
                    continue
                }
            }
        }
    }

    @Test func `random and mutated bytes never trap, and give the same however they are split`() {
        var random = SeededRandom(seed: 20_261_122)
        let seeds = SmugglingTests.cases.map { Array($0.request.utf8.prefix(600)) } + Self.wellFormed
        for _ in 0..<40_000 {
            var bytes = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...4, using: &random) { Self.mutate(&bytes, &random) }
            let whole = Self.read(bytes, cuts: [])
            let cuts = (0..<Int.random(in: 1...6, using: &random)).map { _ in Int.random(in: 0...bytes.count, using: &random) }
            #expect(Self.read(bytes, cuts: cuts.sorted()) == whole)
        }
        for seed in seeds { #expect(Self.read(seed, cuts: Array(0...seed.count)) == Self.read(seed, cuts: [])) }
    }

    private static let wellFormed: [[UInt8]] = [
        "GET /a?b=c HTTP/1.1\r\nHost: x\r\nUser-Agent: y\r\n\r\n",
        "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello",
        "POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nA;x=y\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
    ].map { Array($0.utf8) }

    private static func mutate(_ bytes: inout [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return bytes.append(UInt8.random(in: 0...255, using: &random)) }
        let index = Int.random(in: 0..<bytes.count, using: &random)
        let telling: [UInt8] = [0, 9, 10, 13, 32, 58, 59, 44, 48, 49, 70, 127, 128, 255]
        switch Int.random(in: 0..<6, using: &random) {
        case 0: bytes[index] = UInt8.random(in: 0...255, using: &random)
        case 1: bytes[index] = telling.randomElement(using: &random) ?? 0
        case 2: bytes.insert(telling.randomElement(using: &random) ?? 0, at: index)
        case 3: bytes.remove(at: index)
        case 4: bytes.removeSubrange(index..<min(bytes.count, index + Int.random(in: 1...20, using: &random)))
        default: bytes.insert(contentsOf: bytes[index..<min(bytes.count, index + 30)], at: index)
        }
    }
}
