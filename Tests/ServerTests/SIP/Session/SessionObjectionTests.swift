import NetworkTypes
import Testing

@testable import SIP

/// Calls that nothing can come of, told before anything is prepared for them.
struct SessionObjectionTests {
    private static func invite(_ lines: String, body: String = "offer") -> String {
        """
        INVITE sip:bob@192.0.2.1 SIP/2.0\r
        Via: SIP/2.0/UDP 192.0.2.0:5060;branch=z9hG4bKobjection;rport\r
        Max-Forwards: 70\r
        From: <sip:alice@192.0.2.0:5060>;tag=a\r
        To: <sip:bob@192.0.2.1>\r
        Call-ID: objection\r
        CSeq: 1 INVITE\r
        \(lines)Content-Length: \(body.utf8.count)\r
        \r
        \(body)
        """
    }

    /// What Bob answers a message with; nil where he took the call.
    private func answer(to text: String, in bench: SessionBench) throws -> SIPMessage? {
        var parser = SIPParser()
        let message = try #require(try parser.parse(datagram: Array(text.utf8).span).message)
        bench.bob.agent.receive(message, over: bench.flow(to: bench.alice), now: bench.now)
        bench.settle()
        return bench.admit() == nil ? bench.bob.sent.last : nil
    }

    @Test(arguments: [
        ("Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/sdp\r\nAccept: text/plain, image/*\r\n", 406),
        ("Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/unknown\r\n", 415),
        ("Contact: <sip:a@192.0.2.0>\r\nContent-Type: multipart/mixed;boundary=x\r\n", 415),
        ("Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/sdp\r\nReplaces: a@b\r\n", 400),
        ("Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/sdp\r\nRequire: nothing-known\r\n", 420),
        ("Contact: <sip:a@192.0.2.0\r\nContent-Type: application/sdp\r\n", 400),
    ]) func `a call that cannot be served is refused`(lines: String, status: UInt16) throws {
        let bench = SessionBench()
        let answer = try #require(try answer(to: Self.invite(lines), in: bench))
        #expect(answer.status == status)
        #expect(answer.has(.accept) == (status == 415))
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test(arguments: [
        "Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/sdp\r\nAccept: text/plain, application/sdp;level=1\r\n",
        "Contact: <sip:a@192.0.2.0>\r\nContent-Type: Application/SDP\r\nAccept: */*\r\n",
        "Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/sdp\r\nAccept: application/*\r\n",
        "Contact: <sip:a@192.0.2.0>\r\nContent-Type: application/sdp\r\nAccept:\r\n",
    ]) func `a call that can be served is taken`(lines: String) throws {
        #expect(try answer(to: Self.invite(lines), in: SessionBench()) == nil)
    }

    @Test func `a call without Contact goes on at the address in From`() throws {
        let bench = SessionBench()
        #expect(try answer(to: Self.invite("Content-Type: application/sdp\r\n"), in: bench) == nil)
        guard case .request(let message, _, _) = try #require(bench.bob.told.first) else { throw SIPParseError(.notSIP, at: 0) }
        let dialog = try SIPDialog(invitedBy: message, localTag: Array("b".utf8))
        #expect(dialog.remoteTarget.user.map { $0.elementsEqual("alice".utf8) } == true)
        #expect(dialog.remoteTarget.port == 5060)
    }
}
