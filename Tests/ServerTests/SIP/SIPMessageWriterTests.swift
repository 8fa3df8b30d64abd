import SIP
import Testing

@Suite struct SIPMessageWriterTests {
    /// Start line, headers and body of a message, written anew.
    private func rewritten(_ message: SIPMessage) throws -> [UInt8] {
        var writer: SIPMessageWriter
        if let target = message.requestURI {
            writer = try SIPMessageWriter.request(message.methodName.text, target)
        } else {
            return []
        }
        for header in message.headers where !["content-length", "l"].contains(header.name.text.lowercased()) {
            try writer.field(named: header.name.text, QuotedText.unfolded(header.value))
        }
        return try writer.finish(body: message.body)
    }

    /// NUL behind a backslash is read, and never written.
    @Test(
        arguments: TortureCase.all.filter {
            $0.parser == .accept && $0.kind == "request" && $0.name != "intmeth" && $0.name != "badvers"
        })
    func `what is written reads as what was read`(_ one: TortureCase) throws {
        let first = try TortureCase.read(one.bytes)
        let bytes = try rewritten(first)
        let second = try TortureCase.read(bytes)
        #expect(second.method == first.method && second.callID == first.callID && second.cseq == first.cseq)
        #expect(second.body.elementsEqual(first.body) && second.maxForwards == first.maxForwards)
        #expect(second.fromTag.map(Array.init) == first.fromTag.map(Array.init))
        #expect(second.vias.map(\.host.text) == first.vias.map(\.host.text))
        #expect(second.vias.map { $0.branch?.text } == first.vias.map { $0.branch?.text })
        #expect(second.requestURI?.written.text == first.requestURI?.written.text)
        #expect(try second.from().displayName == first.from().displayName)
        #expect(try rewritten(second) == bytes)
    }

    @Test func `a request of ours is whole`() throws {
        let target = try SIPURI("sip:100@example.com")
        var writer = try SIPMessageWriter.request("INVITE", target)
        try writer.via("UDP", host: "192.0.2.9", port: 5060, branch: "z9hG4bKx")
        try writer.field(.maxForwards, "70")
        try writer.address(.from, displayName: Array(#"A "B" \ C"#.utf8), SIPURI("sip:a@example.com"), tag: "f")
        try writer.address(.to, target)
        try writer.field(.callID, "c1")
        try writer.cseq(7, "INVITE")
        let message = try TortureCase.read(try writer.finish(contentType: "application/sdp", body: Array("v=0\r\n".utf8)))
        #expect(message.method == .invite && message.cseq == 7 && message.body.text == "v=0\r\n")
        #expect(try message.from().displayName?.text == #"A "B" \ C"#)
        #expect(message.topVia.hasRport && message.topVia.hasMagicCookie && message.contentType?.text == "application/sdp")
    }

    @Test(arguments: ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"])
    func `what would begin another header is not written`(_ text: String) throws {
        var writer = try SIPMessageWriter.request("OPTIONS", try SIPURI("sip:a@b"))
        #expect(throws: SIPWriteError(code: .injection, name: "Subject")) { try writer.field(.subject, text) }
        #expect(throws: SIPWriteError(code: .injection, name: "X-Y")) { try writer.field(named: "X-Y", text.utf8) }
        #expect(throws: SIPWriteError(code: .injection, name: "To")) {
            try writer.address(.to, displayName: Array(text.utf8), SIPURI("sip:a@b"))
        }
        #expect(throws: SIPWriteError(code: .token, name: "To")) { try writer.address(.to, SIPURI("sip:a@b"), tag: text) }
        #expect(throws: SIPWriteError(code: .token, name: "Via")) { try writer.via("UDP", host: "a", port: nil, branch: text) }
        #expect(throws: SIPWriteError(code: .injection, name: "Via")) {
            try writer.via("UDP", host: text, port: nil, branch: "b")
        }
        #expect(throws: SIPWriteError(code: .token, name: nil)) { try writer.field(named: text, "v".utf8) }
        #expect(throws: SIPWriteError(code: .token, name: nil)) { _ = try SIPMessageWriter.request(text, SIPURI("sip:a@b")) }
        let request = try TortureCase.message("x_bye_unknown")
        #expect(throws: SIPWriteError(code: .injection, name: nil)) {
            _ = try SIPMessageWriter.response(200, text, to: request, toTag: nil)
        }
        #expect(try writer.finish().text == "OPTIONS sip:a@b SIP/2.0\r\nContent-Length: 0\r\n\r\n")
    }

    @Test func `an answer goes where the request came from, whatever its Via says`() throws {
        let spoofed = try TortureCase.message("x_via_received_spoof")
        let arrival = SIPArrival(address: "192.0.2.77", port: 40000)
        let answer = try TortureCase.read(
            try SIPMessageWriter.response(200, "OK", to: spoofed, toTag: "t", arrival: arrival).finish())
        #expect(answer.topVia.received?.text == "192.0.2.77")
        #expect(answer.topVia.parameters.all.filter { $0.name.equals(ignoringCase: "received") }.count == 1)
        #expect(answer.topVia.branch?.text == spoofed.topVia.branch?.text)
        let behindNAT = try TortureCase.read(SIPParserTests.request())
        let second = try TortureCase.read(
            try SIPMessageWriter.response(200, "OK", to: behindNAT, toTag: "t", arrival: arrival).finish())
        #expect(second.topVia.rport == 40000 && second.toTag?.text == "t" && second.method == .options)
    }

    @Test func `a tag of theirs is kept, and a 100 has none of ours`() throws {
        let request = try TortureCase.message("wsinv")
        #expect(try SIPMessageWriter.response(180, "Ringing", to: request, toTag: "x").finish().text.contains(";tag=x") == false)
        let plain = try TortureCase.read(SIPParserTests.request())
        #expect(try SIPMessageWriter.response(100, "Trying", to: plain, toTag: "x").finish().text.contains(";tag=x") == false)
    }
}
