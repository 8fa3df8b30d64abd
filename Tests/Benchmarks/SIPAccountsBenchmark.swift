import CSystem
import NetworkTypes
import SIP

/// What an offer, its answer and a check of credentials cost, and how much memory a registration takes.
enum SIPAccountsBenchmark {
    private static let rounds = 20_000
    private static let registrations = 20_000

    static func run() {
        measure("read an offer") { (try? SDP(offer)) != nil }
        let local = SDPLocal(address: IPAddress(v4: 0xC633_6405), port: 20_000, sessionID: 7)
        if let given = try? SDP(offer) { measure("answer an offer") { (try? SDPNegotiation.answer(given, local)) != nil } }
        measureDigest()
        measureMemory()
    }

    private static func measure(_ name: String, _ work: () -> Bool) {
        var (done, costs) = (0, [Double]())
        for _ in 0..<5 { costs.append(CPUTime.microseconds { for _ in 0..<rounds where work() { done += 1 } }) }
        print(
            "sip, \(name): \(CPUTime.rounded(costs.sorted()[2], over: rounds)) µs, best \(CPUTime.rounded(costs.min() ?? 0, over: rounds)), "
                + "\(done) of \(5 * rounds) done")
    }

    // MARK: Digest

    private static func measureDigest() {
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        let server = SIPDigestServer(realm: "pbx.test", key: Array("a key of this benchmark".utf8))
        let client = SIPDigestClient(user: "101", password: "made-up-pass-1") { 0xC0FF_EE01 }
        guard let uri = try? SIPURI(Array("sip:pbx.test".utf8)),
            let challenge = message("SIP/2.0 401 Unauthorized", server.challenge(isStale: false, at: now), number: 1),
            client.answer(challenge, method: .register, uri: uri) != nil
        else { return }
        var requests = (0..<5 * rounds).compactMap { number in
            client.advance(method: .register, uri: uri).flatMap { message("REGISTER sip:pbx.test SIP/2.0", $0, number: number) }
        }
        requests.reverse()
        measure("check credentials") {
            guard let request = requests.popLast() else { return false }
            return server.judge(request, at: now) { _ in "made-up-pass-1" } == .accepted("101")
        }
    }

    // MARK: Memory

    /// Everything that a registrar keeps: name, Contact, flow, Call-ID, timer.
    private static func measureMemory() {
        let now = MonotonicInstant(nanoseconds: 1_000_000_000)
        for transport in [SIPFlow.Transport.udp, .tcp] {
            let before = csys_heap_bytes()
            let registrar = SIPRegistrar(now: now)
            var microseconds = 0.0
            for number in 0..<registrations {
                guard let request = registration(number) else { continue }
                let address = SocketAddress(IPAddress(v4: 0x0A00_0000 + UInt32(number)), port: 5060)
                let flow = SIPFlow(transport: transport, remote: address, local: UInt32(number))
                microseconds += CPUTime.microseconds {
                    _ = registrar.register(request, user: "extension-\(number)", over: flow, now: now)
                }
            }
            let bytes = Int(csys_heap_bytes()) - Int(before)
            print(
                "sip, a registration over \(transport): \(bytes / registrations) bytes, \(CPUTime.rounded(microseconds, over: registrations)) µs, "
                    + "\(registrar.bindingCount) kept")
        }
    }

    private static func registration(_ number: Int) -> SIPMessage? {
        var lines = SIPFieldLines()
        try? lines.add(
            .contact,
            "<sip:extension-\(number)@10.20.30.40:5060;transport=udp;ob>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\""
        )
        lines.add(.expires, 3600)
        return message("REGISTER sip:pbx.test SIP/2.0", lines, number: number)
    }

    private static func message(_ start: String, _ lines: SIPFieldLines, number: Int) -> SIPMessage? {
        let head =
            "\(start)\r\nVia: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bK-\(number);rport\r\nFrom: <sip:101@pbx.test>;tag=f\(number)\r\n"
            + "To: <sip:101@pbx.test>\r\nCall-ID: a84b4c76e66710-0f1e2d3c4b5a\(number)@192.0.2.7\r\nCSeq: \(number + 1) REGISTER\r\n"
            + "Max-Forwards: 70\r\n"
        let bytes = Array(head.utf8) + lines.bytes + Array("Content-Length: 0\r\n\r\n".utf8)
        var parser = SIPParser()
        return try? parser.parse(datagram: bytes.span).message
    }

    private static let offer = Array(
        [
            "v=0", "o=alice 3989001234 3989001234 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0",
            "m=audio 40376 RTP/AVP 8 0 9 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:9 G722/8000",
            "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20", "a=sendrecv", "a=rtcp:40377",
            "a=ssrc:2890844526 cname:alice@198.51.100.7", "a=label:1", "a=rtcp-fb:* nack",
        ].map { $0 + "\r\n" }.joined().utf8)
}
