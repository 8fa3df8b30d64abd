import SIP

/// What parsing one message costs, with the copy of its bytes: an INVITE of 20 headers with its SDP, and the 200 that answers a BYE.
enum SIPParsingBenchmark {
    private static let rounds = 200_000

    static func run() {
        measure("INVITE", invite)
        measure("200 OK", answer)
    }

    private static func measure(_ name: String, _ bytes: [UInt8]) {
        var parser = SIPParser()
        var (accepted, costs) = (0, [Double]())
        for _ in 0..<5 {
            costs.append(
                CPUTime.microseconds {
                    for _ in 0..<rounds where isMessage(bytes, &parser) { accepted += 1 }
                })
        }
        let (best, median) = (costs.min() ?? 0, costs.sorted()[2])
        print(
            "sip, parse \(name) of \(bytes.count) bytes: \(CPUTime.rounded(median, over: rounds)) µs, best \(CPUTime.rounded(best, over: rounds)), "
                + "\(accepted) of \(5 * rounds) accepted")
    }

    private static func isMessage(_ bytes: [UInt8], _ parser: inout SIPParser) -> Bool {
        guard let message = try? parser.parse(datagram: bytes.span).message else { return false }
        return message.cseq > 0
    }

    private static func message(_ head: [String], _ body: [String]) -> [UInt8] {
        let body = body.map { $0 + "\r\n" }.joined()
        return Array(((head + ["Content-Length: \(body.utf8.count)"]).joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }

    private static let answer = message(
        [
            "SIP/2.0 200 OK", "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---b1f2;rport=5060",
            "From: \"Alice\" <sip:alice@example.com>;tag=1928301774", "To: <sip:+74950000001@example.net>;tag=a6c85cf",
            "Call-ID: a84b4c76e66710@192.0.2.10", "CSeq: 314160 BYE", "Server: Example/1.0",
        ], [])

    private static let invite = message(
        [
            "INVITE sip:+74950000001@gw.example.net:5060;transport=udp;user=phone SIP/2.0",
            "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-524287-1---8c1f0c7a6f3d2b1e;rport",
            "Via: SIP/2.0/UDP 198.51.100.7:5062;branch=z9hG4bKnashds8;received=198.51.100.7",
            "Max-Forwards: 69", "Record-Route: <sip:192.0.2.10;lr;ftag=1928301774;did=a1b.c2d>",
            "Contact: <sip:alice@198.51.100.7:5062;transport=udp;ob>;+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"",
            "To: <sip:+74950000001@gw.example.net;user=phone>",
            "From: \"Alice Example\" <sip:+74950000101@example.com;user=phone>;tag=1928301774",
            "Call-ID: a84b4c76e66710-0f1e2d3c4b5a6978@198.51.100.7", "CSeq: 314159 INVITE",
            "Allow: INVITE, ACK, CANCEL, BYE, UPDATE, PRACK, INFO, NOTIFY, REFER, OPTIONS, MESSAGE",
            "Supported: replaces, 100rel, timer, norefersub, outbound, path", "Session-Expires: 1800;refresher=uac", "Min-SE: 90",
            "User-Agent: Example Phone 7.1.2 (build 20261101)",
            "P-Asserted-Identity: \"Alice Example\" <sip:+74950000101@example.com>",
            "Privacy: none", "Date: Mon, 30 Nov 2026 08:15:00 GMT", "Accept: application/sdp, application/dtmf-relay",
            "Content-Type: application/sdp",
        ],
        [
            "v=0", "o=alice 3989001234 3989001234 IN IP4 198.51.100.7", "s=-", "c=IN IP4 198.51.100.7", "t=0 0",
            "m=audio 40376 RTP/AVP 8 0 9 101", "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:9 G722/8000",
            "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20", "a=sendrecv", "a=rtcp:40377",
            "a=ssrc:2890844526 cname:alice@198.51.100.7", "a=label:1", "a=rtcp-fb:* nack",
        ])
}
