import NetworkTypes
import Testing

@testable import SIP

/// What a message belongs to, where an answer goes, and how much is kept at all.
struct TransactionRulesTests {
    private typealias Bench = TransactionBench

    // MARK: Branches of ours

    @Test func `an answer is found by its branch, and believed only where all of it is ours`() throws {
        let bench = Bench()
        _ = try bench.begin("INVITE")
        let branch = try #require(bench.sent[0].message.topVia.branch)
        #expect(branch.count == 41)
        let good = String(decoding: try Bench.answer(180, to: bench.sent[0].message), as: UTF8.self)
        let written = String(decoding: branch, as: UTF8.self)
        for place in [8, 16, 24, 40] {
            var other = Array(written)
            other[place] = other[place] == "7" ? "8" : "7"
            bench.receive(Array(good.replacing(written, with: String(other)).utf8))
        }
        bench.receive(Array(good.replacing(written, with: String(written.dropLast())).utf8))
        bench.receive(Array(good.replacing(written, with: "z9hG4bK" + String(repeating: "F", count: 34)).utf8))
        #expect(bench.log == ["0 send INVITE"])
        bench.receive(Array(good.utf8))
        #expect(bench.log.last == "0 response 180 7")
    }

    @Test func `a slot that is used again does not answer to its old name`() throws {
        let bench = Bench(over: .tcp)
        try bench.run([.begin("OPTIONS"), .answer(200), .begin("OPTIONS")])
        let (first, second) = (bench.sent[0].message, bench.sent[1].message)
        #expect(first.topVia.branch?.dropFirst(9).prefix(8) == second.topVia.branch?.dropFirst(9).prefix(8))
        let count = bench.log.count
        bench.receive(try Bench.answer(200, to: first))
        #expect(bench.log.count == count)
        bench.receive(try Bench.answer(200, to: second))
        #expect(bench.log.suffix(2) == ["0 response 200 7", "0 ended 7"])
    }

    @Test func `an answer to another method is none to this one`() throws {
        let bench = Bench()
        _ = try bench.begin("OPTIONS")
        let answer = String(decoding: try Bench.answer(200, to: bench.sent[0].message), as: UTF8.self)
        bench.receive(Array(answer.replacing("1 OPTIONS", with: "1 INVITE").utf8))
        #expect(bench.log == ["0 send OPTIONS"])
    }

    @Test func `another shard's answer is not ours`() throws {
        let (bench, other) = (Bench(shard: 2), Bench(shard: 1))
        _ = try bench.begin("INVITE")
        _ = try other.begin("INVITE")
        other.receive(try Bench.answer(180, to: bench.sent[0].message))
        #expect(other.log == ["0 send INVITE"])
    }

    @Test func `what cannot be written leaves nothing behind`() throws {
        let bench = Bench()
        for method in ["", "IN VITE", "BYE\r\nX: y"] {
            #expect(throws: SIPWriteError.self) { try bench.begin(method) }
        }
        #expect(bench.transactions.isEmpty)
        _ = try bench.begin("BYE")
        #expect(bench.sent[0].message.topVia.branch?.dropFirst(9).prefix(8).elementsEqual("00000000".utf8) == true)
    }

    @Test func `ACK and CANCEL are written as their INVITE was`() throws {
        let bench = Bench()
        try bench.run([.begin("INVITE"), .answer(180), .cancel, .answer(487)])
        let invite = bench.sent[0].message
        for message in bench.sent.dropFirst().map(\.message) {
            #expect(message.requestURI?.written == invite.requestURI?.written)
            #expect(message.topVia.written == invite.topVia.written)
            #expect(message.viaCount == 1)
            #expect(message.value(.from) == invite.value(.from))
            #expect(message.callID == invite.callID)
            #expect(message.cseq == invite.cseq)
            #expect(message.value(.route) == invite.value(.route))
        }
        #expect(bench.sent.map { $0.message.toTag != nil } == [false, false, true])
    }

    @Test func `the ACK of a 2xx has a branch of its own, which no answer fits`() throws {
        let bench = Bench()
        let bytes = try bench.transactions.bytes(ofStateless: try Bench.draft("ACK"), over: bench.flow)
        bench.receive(try Bench.answer(200, to: bench.read(bytes)))
        #expect(bench.log == [])
        #expect(bench.transactions.isEmpty)
    }

    // MARK: Requests of peers

    @Test(arguments: [nil, "z9hG4bK", "1"]) func `what has no branch worth the name is matched as in RFC 2543`(branch: String?)
        throws
    {
        let bench = Bench()
        func ask(_ method: String, number: Int = 1, callID: String = "b1", toTag: String? = nil) {
            let text = String(
                decoding: Bench.request(method, number: number, toTag: toTag, callID: callID), as: UTF8.self)
            let written = branch.map { ";branch=\($0)" } ?? ""
            bench.receive(Array(text.replacing(";branch=z9hG4bK-theirs", with: written).utf8))
        }
        ask("INVITE")
        ask("INVITE")
        ask("CANCEL")
        #expect(bench.log == ["0 request INVITE", "0 send 200 CANCEL", "0 cancelled 9"])
        try bench.run([.respond(487)])
        ask("ACK", toTag: "theirs")
        #expect(bench.log.suffix(2) == ["0 send 487 INVITE", "0 acknowledged 9"])
        ask("INVITE", number: 2)
        ask("INVITE", callID: "b2")
        ask("OPTIONS")
        #expect(bench.log.suffix(3) == ["0 request INVITE", "0 request INVITE", "0 request OPTIONS"])
    }

    @Test(arguments: [
        ("z9hG4bK-theirs", "192.0.2.7:5072"), ("z9hG4bK-theirs", "192.0.2.9:5071"), ("z9hG4bK-others", "192.0.2.7:5071"),
    ])
    func `another branch or sender is another transaction`(branch: String, sentBy: String) {
        let bench = Bench()
        bench.receive(Bench.request("OPTIONS"))
        bench.receive(Bench.request("OPTIONS", branch: branch, number: 2, sentBy: sentBy))
        #expect(bench.log == ["0 request OPTIONS", "0 request OPTIONS"])
    }

    @Test func `a host's name is the same in any letters`() {
        let bench = Bench()
        bench.receive(Bench.request("OPTIONS", sentBy: "Phone.Example.test"))
        bench.receive(Bench.request("OPTIONS", sentBy: "phone.example.TEST"))
        #expect(bench.log == ["0 request OPTIONS"])
    }

    @Test func `methods share a branch without being one`() {
        let bench = Bench()
        for method in ["OPTIONS", "BYE", "DANCE", "SING"] { bench.receive(Bench.request(method)) }
        #expect(bench.log == ["0 request OPTIONS", "0 request BYE", "0 request DANCE", "0 request SING"])
    }

    @Test func `a request that comes on two ways is taken once`() throws {
        let bench = Bench(over: .tcp)
        bench.receive(Bench.request("INVITE"))
        bench.receive(Bench.request("INVITE", branch: "z9hG4bK-other-way"))
        bench.receive(Bench.request("INVITE", branch: "z9hG4bK-next", number: 2))
        #expect(bench.log == ["0 request INVITE", "0 send 482 INVITE", "0 request INVITE"])
        // In a dialog it is a dialog's to say.
        bench.receive(Bench.request("INFO", branch: "z9hG4bK-3", number: 3, toTag: "ours"))
        bench.receive(Bench.request("INFO", branch: "z9hG4bK-4", number: 3, toTag: "ours"))
        #expect(bench.log.suffix(2) == ["0 request INFO", "0 request INFO"])
    }

    @Test func `what was forgotten may come anew`() throws {
        let bench = Bench(over: .tcp)
        try bench.run([.ask("OPTIONS"), .respond(200), .ask("OPTIONS"), .respond(200)])
        #expect(bench.log.filter { $0.hasSuffix("request OPTIONS") }.count == 2)
        #expect(bench.transactions.isEmpty)
    }

    // MARK: Where answers go

    @Test(arguments: [
        (";rport", "192.0.2.7:5071", UInt16(40_000), "received=192.0.2.50;rport=40000"),
        ("", "192.0.2.7:5071", 5071, "received=192.0.2.50"),
        ("", "192.0.2.7", 5060, "received=192.0.2.50"),
        (";received=198.51.100.1;rport=9", "192.0.2.7:5071", 40_000, "received=192.0.2.50;rport=40000"),
        (";maddr=198.51.100.1", "192.0.2.7:5071", 5071, "received=192.0.2.50"),
    ]) func `an answer over UDP goes to where the request came from`(via: String, sentBy: String, port: UInt16, written: String)
        throws
    {
        let bench = Bench()
        let source = SocketAddress(IPAddress(v4: 0xC000_0232), port: 40_000)
        bench.receive(Bench.request("INVITE", sentBy: sentBy, via: via), from: source)
        bench.wait(.milliseconds(200))
        let answer = try #require(bench.sent.last)
        #expect(answer.flow.remote == SocketAddress(source.ip, port: port))
        #expect(String(decoding: answer.message.topVia.written, as: UTF8.self).hasSuffix(written))
    }

    @Test func `an answer over a stream goes back on it`() throws {
        let bench = Bench(over: .tcp)
        bench.receive(Bench.request("INVITE", sentBy: "198.51.100.1:9", via: ""))
        bench.wait(.milliseconds(200))
        #expect(bench.sent.last?.flow == bench.flow)
    }

    // MARK: What cannot be read

    @Test(arguments: [
        ("OPTIONS sip:a@192.0.2.1 SIP/3.0", "Call-ID: 1", UInt16(505)), ("OPTIONS sip:a@192.0.2.1 SIP/2.0", "X: 1", 400),
        ("OPTIONS mailto:a@192.0.2.1 SIP/2.0", "Call-ID: 1", 416), ("ACK sip:a@192.0.2.1 SIP/2.0", "X: 1", nil),
        ("SIP/2.0 200 OK", "X: 1", nil),
    ]) func `a request that is refused is answered without a trace`(start: String, line: String, status: UInt16?) throws {
        let bench = Bench()
        let method = start.hasPrefix("ACK") ? "ACK" : "OPTIONS"
        let text =
            "\(start)\r\nVia: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bK1;rport\r\nFrom: <sip:b@192.0.2.7>;tag=1\r\nTo: <sip:a@192.0.2.1>\r\n"
            + "\(line)\r\nCSeq: 1 \(method)\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        var parser = SIPParser()
        let bytes = Array(text.utf8)
        do {
            let message = try parser.parse(datagram: bytes.span).message
            let error = try #require(message?.objection)
            bench.transactions.refuse(SIPRefusal(error: error, request: message), over: bench.flow)
        } catch let refusal as SIPRefusal {
            bench.transactions.refuse(refusal, over: bench.flow)
        }
        let lines = bench.transactions.takeOutput().map { output in
            guard case .send(let bytes, _) = output else { return "" }
            return String(decoding: bytes.prefix(11), as: UTF8.self)
        }
        #expect(lines == (status.map { ["SIP/2.0 \($0)"] } ?? []))
        #expect(bench.transactions.isEmpty)
    }
}

/// How much of strangers, and of all, is kept (sip.md "Limits").
struct TransactionLimitTests {
    private typealias Bench = TransactionBench

    private func ask(_ bench: TransactionBench, _ numbers: Range<Int>, from source: SocketAddress? = nil) {
        for number in numbers {
            bench.receive(TransactionBench.request("OPTIONS", branch: "z9hG4bK-\(number)", number: number), from: source)
        }
    }

    @Test func `a stranger has sixty-four open at a time, and silence behind them`() throws {
        let bench = Bench()
        ask(bench, 0..<100)
        #expect(bench.log.count == 64)
        #expect(bench.transactions.refusedCount == 36)
        ask(bench, 200..<201, from: SocketAddress(IPAddress(v4: 0xC000_0208), port: 5060))
        #expect(bench.log.count == 65)
        // Another port is the same stranger.
        ask(bench, 201..<202, from: SocketAddress(IPAddress(v4: 0xC000_0207), port: 9))
        #expect(bench.log.count == 65)
    }

    @Test func `whoever has proved himself makes room`() throws {
        let bench = Bench()
        ask(bench, 0..<64)
        let last = try #require(bench.server)
        bench.transactions.trust(last)
        bench.transactions.trust(last)
        ask(bench, 64..<70)
        #expect(bench.log.count == 65)
    }

    @Test func `what is over makes room`() throws {
        let bench = Bench()
        ask(bench, 0..<64)
        try bench.run([.respond(200), .wait(32_000)])
        ask(bench, 64..<70)
        #expect(bench.log.filter { $0.contains("request") }.count == 65)
    }

    @Test func `the addresses of one IPv6 network are one stranger`() {
        let bench = Bench()
        for number in 0..<100 {
            let address = IPAddress(high: 0x2001_0DB8_0000_0001, low: UInt64(number))
            ask(bench, number..<number + 1, from: SocketAddress(address, port: 5060))
        }
        #expect(bench.log.count == 64)
    }

    @Test func `where there are too many in all, one more gets 503, and what is known goes on`() {
        let bench = Bench { $0.total = 10 }
        ask(bench, 0..<12)
        #expect(bench.log.filter { $0 == "0 request OPTIONS" }.count == 10)
        #expect(bench.log.suffix(2) == ["0 send 503 OPTIONS", "0 send 503 OPTIONS"])
        ask(bench, 3..<4)
        #expect(bench.log.count == 12)
        #expect(bench.transactions.count == 10)
    }
}
