import SIP
import TestSupport
import Testing

@Suite struct SIPParserTests {
    /// A good request; `lines` stand between its other headers.
    static func request(_ lines: [String] = [], start: String = "OPTIONS sip:100@example.com SIP/2.0") -> [UInt8] {
        let head =
            [start, "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;rport"] + lines
            + [
                "From: <sip:t@example.com>;tag=t", "To: <sip:100@example.com>", "Call-ID: a@lab", "CSeq: 1 OPTIONS",
                "Content-Length: 0",
            ]
        return Array((head.joined(separator: "\r\n") + "\r\n\r\n").utf8)
    }

    private func refusal(_ bytes: [UInt8], _ limits: SIPLimits = .standard) -> SIPParseError? {
        var parser = SIPParser(limits: limits)
        do throws(SIPRefusal) {
            _ = try parser.parse(datagram: bytes.span)
            return nil
        } catch {
            return error.error
        }
    }

    @Test func `every known header is found in any case and by its letter`() throws {
        for name in SIPHeaderName.allCases where ![.via, .from, .to, .callID, .cseq, .contentLength, .maxForwards].contains(name)
        {
            let spelling = name.spelling.description
            for written in [spelling, spelling.lowercased(), spelling.uppercased()] {
                let message = try TortureCase.read(Self.request(["\(written) \t: 7"]))
                #expect(message.has(name) && message.value(name)?.text == "7", "\(written)")
            }
        }
        let letters = try TortureCase.read(
            Self.request(["c: a/b", "e: 1", "k: 2", "m: <sip:a@b>", "s: 3", "u: 4", "o: 5", "r: 6", "b: 7", "x: 8"]))
        let expected: [SIPHeaderName] = [
            .contentType, .contentEncoding, .supported, .contact, .subject, .allowEvents, .event, .referTo, .referredBy,
            .sessionExpires,
        ]
        for name in expected { #expect(letters.has(name)) }
    }

    @Test func `a name that only looks like a known one is not it`() throws {
        let message = try TortureCase.read(Self.request(["Contact-: 1", "Route_: 2", "Expire: 3", "Expiress: 4"]))
        #expect(!message.has(.contact) && !message.has(.route) && !message.has(.expires))
        #expect(message.value(ofOther: "contact-")?.text == "1")
        #expect(refusal(Self.request(["Call\rID: 1"]))?.code == .lineEnd)
    }

    @Test func `limits hold to the last one allowed`() {
        var limits = SIPLimits()
        limits.headerCount = 8
        #expect(refusal(Self.request(["A: 1", "B: 2"]), limits) == nil)
        #expect(refusal(Self.request(["A: 1", "B: 2", "C: 3"]), limits)?.code == .tooManyHeaders)
        limits = SIPLimits()
        limits.lineByteCount = 100
        #expect(refusal(Self.request(["A: " + String(repeating: "x", count: 97)]), limits) == nil)
        #expect(refusal(Self.request(["A: " + String(repeating: "x", count: 98)]), limits)?.code == .lineTooLong)
        limits = SIPLimits()
        limits.viaCount = 3
        #expect(refusal(Self.request(["v: SIP/2.0/UDP a, SIP/2.0/UDP b"]), limits) == nil)
        #expect(refusal(Self.request(["v: SIP/2.0/UDP a, SIP/2.0/UDP b", "v: SIP/2.0/UDP c"]), limits)?.code == .tooManyVias)
        limits = SIPLimits()
        limits.headByteCount = Self.request().count
        #expect(refusal(Self.request(), limits) == nil)
        limits.headByteCount -= 4
        #expect(refusal(Self.request(), limits)?.code == .headTooLarge)
        limits = SIPLimits()
        limits.uriParameterCount = 2
        #expect(refusal(Self.request(start: "OPTIONS sip:a;b;c;d@x.com;a;b SIP/2.0"), limits) == nil)
        #expect(refusal(Self.request(start: "OPTIONS sip:x.com;a;b;c SIP/2.0"), limits)?.code == .tooManyParameters)
    }

    @Test func `every size that is too large is answered with 513`() {
        for code in [SIPParseError.Code.headTooLarge, .lineTooLong, .tooManyHeaders, .tooManyVias, .bodyTooLarge] {
            #expect(SIPParseError(code, at: 0).answer.status == 513)
        }
        var limits = SIPLimits()
        limits.bodyByteCount = 10
        #expect(refusal(Self.request().dropLast(5) + Array("11\r\n\r\n12345678901".utf8), limits)?.code == .bodyTooLarge)
    }

    @Test func `a refused request can be answered, a refused response or ACK never is`() throws {
        var parser = SIPParser()
        func answer(_ text: [UInt8]) throws -> String? {
            do throws(SIPRefusal) { _ = try parser.parse(datagram: text.span) } catch {
                return try SIPMessageWriter.response(to: error, toTag: "ours", arrival: nil)?.finish().text
            }
            return nil
        }
        let bad = try #require(try answer(Self.request(["Max-Forwards: 300"])))
        #expect(bad.hasPrefix("SIP/2.0 400 Bad Max-Forwards\r\nVia: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKa;rport\r\n"))
        #expect(bad.contains("To: <sip:100@example.com>;tag=ours\r\n") && bad.contains("Call-ID: a@lab\r\n"))
        #expect(try answer(Self.request(["Max-Forwards: 300"], start: "ACK sip:a@b SIP/2.0")) == nil)
        #expect(try answer(Self.request(["Max-Forwards: 300"], start: "SIP/2.0 200 OK")) == nil)
        #expect(try answer(Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8)) == nil)
    }

    @Test func `a fault names the place where it is`() {
        let bytes = Self.request(["X: a\u{1}b"])
        #expect(refusal(bytes) == SIPParseError(.controlByte, at: bytes.firstIndex(of: 1) ?? -1))
    }

    /// `scripts/fuzz.sh 60 sip` throws more of them, and worse.
    @Test func `mutated messages are refused or understood, and never end the process`() throws {
        var random = SeededRandom(seed: 3261)
        let seeds = TortureCase.all.map(\.bytes).filter { (20..<2000).contains($0.count) }
        let marks: [UInt8] = Array("\r\n \t\";,<>:@%?=\\[]/\0\u{7F}9sS".utf8)
        var parser = SIPParser()
        var accepted = 0
        for _ in 0..<100_000 {
            guard var bytes = seeds.randomElement(using: &random) else { continue }
            for _ in 0..<Int.random(in: 1...4, using: &random) { mutate(&bytes, marks, &random) }
            do throws(SIPRefusal) {
                guard let message = try parser.parse(datagram: bytes.span).message else { continue }
                accepted += 1
                exercise(message)
            } catch {
                error.request.map(exercise)
            }
        }
        #expect(accepted > 10_000 && accepted < 95_000)
    }

    private func mutate(_ bytes: inout [UInt8], _ marks: [UInt8], _ random: inout SeededRandom) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &random)
        switch Int.random(in: 0..<5, using: &random) {
        case 0: bytes[place] = marks.randomElement(using: &random) ?? 0
        case 1: bytes.insert(marks.randomElement(using: &random) ?? 0, at: place)
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + Int.random(in: 1...20, using: &random)))
        case 3: bytes.insert(contentsOf: bytes[place..<min(bytes.count, place + 30)], at: place)
        default: bytes[place] ^= UInt8.random(in: 1...255, using: &random)
        }
    }

    /// Asks for everything a message has.
    private func exercise(_ message: SIPMessage) {
        for name in SIPHeaderName.allCases where message.has(name) {
            _ = try? message.addresses(name).map { ($0.displayName, $0.parameters.all, $0.uri.parameters, $0.uri.headers) }
            _ = try? message.list(name)
            _ = message.number(name)
            _ = try? message.credentials(name).map(\.parameters.all)
            _ = message.parameters(name)?.all
        }
        _ = message.vias.map { ($0.written, $0.parameters.all, $0.hasMagicCookie) }
        _ = (message.contentType, message.body, message.requestURI?.user, message.objection)
    }

    /// Nothing of it costs more than a fixed number of looks at each byte.
    @Test(arguments: [
        "X: a\r\n b", "v: SIP/2.0/UDP a,", "Subject: ((((", "To: \"\\\\\\\\", "m: <sip:a@b>;;;;", "From: <<<<", ": : :", "\r\n ",
    ])
    func `the work grows as the input does`(_ piece: String) {
        for count in [1 << 8, 1 << 10, 1 << 12] {
            let line = "A: " + String(repeating: piece, count: count / piece.utf8.count)
            let bytes = Array("OPTIONS sip:a@b SIP/2.0\r\n\(line)\r\n\(String(repeating: piece, count: 10))\r\n\r\n".utf8)
            var parser = SIPParser()
            do throws(SIPRefusal) { _ = try parser.parse(datagram: bytes.span) } catch {}
            #expect(parser.bytesExamined <= 3 * bytes.count)
            #expect(StreamReading(bytes, step: 1).bytesExamined <= 2 * bytes.count)
        }
    }
}
