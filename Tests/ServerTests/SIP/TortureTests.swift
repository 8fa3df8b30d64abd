import SIP
import Testing

/// Every case of the torture set against the parser, as a datagram and as a stream.
@Suite struct TortureTests {
    @Test func `the set is all there`() {
        #expect(TortureCase.all.count == 131)
        #expect(TortureCase.all.filter { $0.bytes.isEmpty }.map(\.name) == ["x_empty"])
    }

    @Test(arguments: TortureCase.all.filter { $0.kind != "stream" })
    func `a datagram gets its verdict`(_ one: TortureCase) {
        var parser = SIPParser()
        do throws(SIPRefusal) {
            let datagram = try parser.parse(datagram: one.bytes.span)
            #expect(one.parser != .reject)
            check(datagram, of: one)
        } catch {
            #expect(one.parser != .accept, "\(error.error)")
            check(error, of: one)
        }
    }

    private func check(_ datagram: SIPDatagram, of one: TortureCase) {
        switch datagram {
        case .keepAlive: #expect(one.kind == "keepalive")
        case .stun: #expect(one.kind == "stun")
        case .message(let message):
            #expect(message.isRequest == (one.kind != "response"))
            if let method = one.method { #expect(message.methodName.text == method) }
            guard let via = one.topVia else { return }
            #expect(message.topVia.transport.text == via.transport)
            #expect(message.topVia.host.text + (message.topVia.port.map { ":\($0)" } ?? "") == via.sentBy)
            #expect(message.topVia.hasRport == via.rport)
        }
    }

    /// The answer is one of those that are right, and names what could be read of the request.
    private func check(_ refusal: SIPRefusal, of one: TortureCase) {
        guard let status = refusal.answer.status else {
            #expect(one.udp.isSilenceRight)
            return
        }
        #expect(one.udp.statuses.contains(Int(status)), "\(refusal.error)")
        #expect(refusal.request?.isRequest == true)
    }

    @Test(arguments: TortureCase.all)
    func `a stream is read alike, whole and byte by byte`(_ one: TortureCase) {
        let whole = StreamReading(one.bytes, step: max(1, one.bytes.count))
        for step in [1, 2, 7, 64] { #expect(StreamReading(one.bytes, step: step).words == whole.words) }
    }

    /// Without Content-Length there is no telling where a message ends; the rest waits for bytes that never come.
    private static let differOnStreams = [
        "inv2543": "refused content_length 400", "clerr": "waiting", "x_crlf_keepalive": "ping", "x_stun_on_sip_port": "waiting",
        "x_tcp_no_content_length": "refused content_length 400",
    ]

    @Test(arguments: TortureCase.all)
    func `the first message of a stream gets its verdict`(_ one: TortureCase) {
        let words = StreamReading(one.bytes, step: max(1, one.bytes.count)).words
        if let special = Self.differOnStreams[one.name] { return #expect(words.first == special) }
        let first = words.first { $0 != "ping" } ?? "nothing"
        switch one.parser {
        case .accept: #expect(first.hasPrefix("message "))
        case .reject: #expect(!first.hasPrefix("message "))
        case .either: break
        }
    }

    @Test(arguments: ["ncl", "mcl01", "x_cl_compact_and_long", "x_cl_overflow_32", "x_cl_plus"])
    func `a length that cannot be trusted ends the stream`(_ name: String) throws {
        let one = try #require(TortureCase.all.first { $0.name == name })
        let words = StreamReading(one.bytes, step: 1).words
        #expect(words.last == "closed")
        #expect(words.first?.hasSuffix(" 400") == true)
    }

    @Test(arguments: ["scalar02", "mismatch01", "multi01"])
    func `after a message that is wrong in itself the stream goes on`(_ name: String) throws {
        let one = try #require(TortureCase.all.first { $0.name == name })
        let good = try #require(TortureCase.all.first { $0.name == "x_bye_unknown" })
        let words = StreamReading(one.bytes + good.bytes, step: 5).words
        #expect(words.first?.hasSuffix(" 400") == true)
        #expect(words.last?.hasPrefix("message ") == true)
    }

    @Test func `two requests in one segment are two messages`() throws {
        let two = try #require(TortureCase.all.first { $0.name == "x_tcp_two_messages" })
        #expect(StreamReading(two.bytes, step: two.bytes.count).words.filter { $0.hasPrefix("message ") }.count == 2)
    }

    @Test func `octets behind Content-Length are no second request in a datagram, and are one in a stream`() throws {
        let double = try #require(TortureCase.all.first { $0.name == "dblreq" })
        let message = try TortureCase.message("dblreq")
        #expect(message.method == .register && message.body.isEmpty)
        #expect(StreamReading(double.bytes, step: 3).words.filter { $0.hasPrefix("message ") }.count == 2)
    }

    @Test(arguments: TortureCase.all)
    func `the answer to a request repeats its headers byte for byte`(_ one: TortureCase) throws {
        var parser = SIPParser()
        let request: SIPMessage?
        do throws(SIPRefusal) { request = try parser.parse(datagram: one.bytes.span).message } catch { request = error.request }
        guard let request, request.isRequest else { return }
        let bytes = try SIPMessageWriter.response(400, "Bad Request", to: request, toTag: "ours").finish()
        for name in [SIPHeaderName.callID, .cseq, .from, .to] {
            guard let value = request.value(name) else { continue }
            #expect(bytes.firstRange(of: Array(value)) != nil)
        }
        #expect(bytes.count < one.bytes.count * 3)
        var second = SIPParser()
        let answer = try? second.parse(datagram: bytes.span).message
        if one.parser == .accept { #expect(answer?.viaCount == request.viaCount && answer?.status == 400) }
    }
}
