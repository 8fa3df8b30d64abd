import NetworkTypes
import Testing

@testable import SIP

/// Offers and answers where telephones, carriers and browsers differ.
struct SDPNegotiationTests {
    private static func local(_ codecs: [SDPCodec] = [.pcma, .pcmu], address: IPAddress = IPAddress(v4: 0xC633_6405)) -> SDPLocal
    {
        var local = SDPLocal(address: address, port: 20_000, sessionID: 77)
        local.codecs = codecs
        return local
    }

    private static let opus = SDPCodec("opus", clockRate: 48_000, channels: 2, payloadType: 111)

    private func answer(_ lines: String..., address: String = "IN IP4 192.0.2.10", by local: SDPLocal = local()) throws -> (
        lines: [String], agreement: SDPAgreement
    ) {
        let offer = try SDP(SDPTests.description(lines.joined(separator: "\r\n"), address: address))
        let (text, agreement) = try SDPNegotiation.answer(offer, local)
        return (Self.lines(text), agreement)
    }

    private static func lines(_ text: [UInt8]) -> [String] {
        String(decoding: text, as: UTF8.self).split(separator: "\r\n").map { String($0) }
    }

    private static func body(of name: String) throws -> [UInt8] { Array(try TortureCase.message(name).body) }

    // MARK: Codecs

    @Test func `an offer of ours begins with PCMA`() {
        let lines = Self.lines(SDPNegotiation.offer(Self.local()))
        #expect(
            lines.suffix(6) == [
                "a=rtpmap:8 PCMA/8000", "a=rtpmap:0 PCMU/8000", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-15",
                "a=ptime:20",
                "a=sendrecv",
            ])
    }

    @Test func `G722 and Opus in front of an offer do not displace PCMA`() throws {
        let (lines, agreement) = try answer(
            "m=audio 4000 RTP/AVP 111 9 0 8 110 126", "a=rtpmap:111 opus/48000/2", "a=fmtp:111 useinbandfec=1",
            "a=rtpmap:110 telephone-event/48000", "a=rtpmap:126 telephone-event/8000")
        #expect(agreement.codec == .pcma)
        #expect(agreement.eventTypeOut == 126)
        #expect(lines.contains("m=audio 20000 RTP/AVP 8 126"))
    }

    @Test func `Opus is agreed on where we like it best, with events of its clock`() throws {
        let (lines, agreement) = try answer(
            "m=audio 4000 RTP/AVP 96 8 110 126", "a=rtpmap:96 OPUS/48000/2", "a=rtpmap:110 telephone-event/48000",
            "a=rtpmap:126 telephone-event/8000", by: Self.local([Self.opus, .pcma]))
        #expect((agreement.payloadTypeIn, agreement.payloadTypeOut, agreement.eventTypeOut) == (96, 96, 110))
        #expect(lines.contains("a=rtpmap:96 opus/48000/2") && lines.contains("a=rtpmap:110 telephone-event/48000"))
    }

    @Test func `events keep the clock that the peer gave their number`() throws {
        let (lines, agreement) = try answer(
            "m=audio 4000 RTP/AVP 96 101", "a=rtpmap:96 opus/48000/2", "a=rtpmap:101 telephone-event/8000",
            by: Self.local([Self.opus, .pcma]))
        #expect(agreement.eventTypeIn == 101)
        #expect(lines.contains("a=rtpmap:101 telephone-event/8000"))
    }

    @Test func `an offer that begins with Opus still offers events for speech`() {
        #expect(Self.lines(SDPNegotiation.offer(Self.local([Self.opus, .pcma]))).contains("a=rtpmap:101 telephone-event/8000"))
        #expect(Self.lines(SDPNegotiation.offer(Self.local([Self.opus]))).contains("a=rtpmap:101 telephone-event/48000"))
    }

    @Test func `each side is sent the numbers that it gave`() throws {
        let answer = try SDP(
            SDPTests.description(
                "m=audio 4000 RTP/AVP 100 97", "a=rtpmap:100 opus/48000/2", "a=rtpmap:97 telephone-event/8000"))
        let agreement = try SDPNegotiation.accept(answer, Self.local([.pcma, Self.opus]))
        #expect((agreement.payloadTypeIn, agreement.payloadTypeOut) == (111, 100))
        #expect((agreement.eventTypeIn, agreement.eventTypeOut) == (101, 97))
    }

    @Test func `without events in the answer none are expected`() throws {
        let agreement = try SDPNegotiation.accept(try SDP(SDPTests.description("m=audio 4000 RTP/AVP 8")), Self.local())
        #expect(agreement.eventTypeIn == nil && agreement.eventTypeOut == nil)
    }

    @Test func `a section without a codec of ours leaves the next one its chance`() throws {
        let (lines, agreement) = try answer("m=audio 4000 RTP/AVP 18", "m=audio 4002 RTP/AVP 8")
        #expect(lines.filter { $0.hasPrefix("m=") } == ["m=audio 0 RTP/AVP 18", "m=audio 20000 RTP/AVP 8"])
        #expect(agreement.remote?.port == 4002)
    }

    // MARK: Hold

    @Test(arguments: [
        ("a=inactive", "a=inactive"), ("a=recvonly", "a=inactive"), ("a=sendonly", "a=recvonly"), ("a=sendrecv", "a=recvonly"),
    ])
    func `an address of zeros never opens what the attribute closes`(theirs: String, ours: String) throws {
        let (lines, agreement) = try answer("m=audio 4000 RTP/AVP 8", theirs, address: "IN IP4 0.0.0.0")
        #expect(lines.last == ours)
        #expect(agreement.isHeldByPeer && agreement.remote == nil)
    }

    @Test func `an answer with an address of zeros holds us, too`() throws {
        let answer = try SDP(SDPTests.description("m=audio 4000 RTP/AVP 8", address: "IN IP4 0.0.0.0"))
        let agreement = try SDPNegotiation.accept(answer, Self.local())
        #expect(agreement.isHeldByPeer && agreement.remote == nil)
        #expect(agreement.direction == .recvonly)
    }

    @Test(arguments: [
        (SDPDirection.sendonly, "a=recvonly", SDPDirection.sendonly), (.sendonly, "a=sendrecv", .sendonly),
        (.sendonly, "a=inactive", .inactive), (.inactive, "a=inactive", .inactive), (.sendrecv, "a=sendonly", .recvonly),
    ])
    func `our hold is what both allow`(wish: SDPDirection, theirs: String, agreed: SDPDirection) throws {
        var local = Self.local()
        local.direction = wish
        #expect(Self.lines(SDPNegotiation.offer(local)).last == "a=\(wish.rawValue)")
        let agreement = try SDPNegotiation.accept(try SDP(SDPTests.description("m=audio 4000 RTP/AVP 8", theirs)), local)
        #expect(agreement.direction == agreed)
    }

    @Test func `a direction of the whole session counts where a section has none of its own`() throws {
        let (lines, agreement) = try answer("a=inactive", "m=audio 4000 RTP/AVP 8")
        #expect(lines.last == "a=inactive" && agreement.isHeldByPeer)
        #expect(try answer("a=inactive", "m=audio 4000 RTP/AVP 8", "a=sendrecv").lines.last == "a=sendrecv")
    }

    // MARK: Ways

    @Test func `an answer repeats the transport of its offer`() throws {
        #expect(try answer("m=audio 4000 RTP/AVPF 8").lines.contains("m=audio 20000 RTP/AVPF 8"))
        let (lines, _) = try answer("m=audio 4000 RTP/AVP 8", "m=image 5000 udptl t38")
        #expect(lines.last == "m=image 0 udptl t38")
    }

    @Test func `multiplexing is offered in vain, and RTCP goes to a port of its own`() throws {
        let (lines, agreement) = try answer("m=audio 4000 RTP/AVP 8", "a=rtcp-mux")
        #expect(!lines.contains("a=rtcp-mux"))
        #expect(agreement.remoteRTCP?.port == 4001)
    }

    @Test(arguments: [
        ("a=rtcp:53020", "192.0.2.10:53020"), ("a=rtcp:53020 IN IP4 192.0.2.11", "192.0.2.11:53020"),
        ("a=rtcp:0", "192.0.2.10:4001"),
        ("a=rtcp:99999", "192.0.2.10:4001"), ("a=rtcp:7 IN IP4 224.0.0.1", "192.0.2.10:4001"),
    ])
    func `RTCP goes where the peer says, if one can send there`(attribute: String, target: String) throws {
        #expect(try answer("m=audio 4000 RTP/AVP 8", attribute).agreement.remoteRTCP?.description == target)
    }

    @Test func `above the last port there is no RTCP`() throws {
        #expect(try answer("m=audio 65535 RTP/AVP 8").agreement.remoteRTCP == nil)
    }

    @Test(arguments: [
        ("a=ptime:30", 30), ("a=ptime:0", 20), ("a=ptime:1", 10), ("a=ptime:4000000000", 120), ("a=ptime:x", 20), ("a=x", 20),
    ])
    func `a length of packets is one that can be sent`(attribute: String, milliseconds: Int) throws {
        #expect(try answer("m=audio 4000 RTP/AVP 8", attribute).agreement.packetMilliseconds == milliseconds)
    }

    @Test func `our own address may be of IPv6`() throws {
        let address = try #require(IPAddress("2001:db8::5"))
        let (lines, agreement) = try answer(
            "m=audio 4000 RTP/AVP 8", address: "IN IP6 2001:db8::7", by: Self.local(address: address))
        #expect(lines[1] == "o=- 77 0 IN IP6 2001:db8::5" && lines[3] == "c=IN IP6 2001:db8::5")
        #expect(agreement.remote?.description == "[2001:db8::7]:4000")
    }

    @Test(arguments: ["IN IP4 224.2.1.1/127/3", "IN IP4 239.255.255.255", "IN IP4 255.255.255.255", "IN IP6 FF15::101"])
    func `nobody has us send to many`(address: String) {
        #expect {
            try SDP(SDPTests.description("m=audio 4000 RTP/AVP 8", address: address))
        } throws: {
            ($0 as? SDPError)?.code == .address
        }
    }

    @Test func `a description that says no address at all is refused`() throws {
        let offer = try SDP(Array("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n".utf8))
        #expect(throws: SDPError(.address)) { try SDPNegotiation.answer(offer, Self.local()) }
        #expect(throws: SDPError(.address)) { try SDPNegotiation.accept(offer, Self.local()) }
    }

    @Test func `nothing of the peer's text comes back but what refuses`() throws {
        let offer = try SDP(
            Array(
                ("v=0\r\no=foreign-user 1 1 IN IP4 192.0.2.1\r\ns=foreign-name\r\ni=foreign-info\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
                    + "a=tool:foreign-tool\r\nm=audio 4000 RTP/AVP 8\r\na=label:foreign-label\r\na=ssrc:1 cname:foreign-cname\r\n")
                    .utf8))
        let text = String(decoding: try SDPNegotiation.answer(offer, Self.local()).text, as: UTF8.self)
        #expect(!text.contains("foreign") && !text.contains("192.0.2.1"))
    }

    @Test func `an offer that comes again is answered to the letter as before`() throws {
        let offer = try SDP(SDPTests.description("m=audio 4000 RTP/AVP 8"))
        let first = try SDPNegotiation.answer(offer, Self.local()).text
        let second = try SDPNegotiation.answer(offer, Self.local()).text
        #expect(first == second)
        var later = Self.local()
        later.version = 1
        #expect(Self.lines(SDPNegotiation.offer(later))[1] == "o=- 77 1 IN IP4 198.51.100.5")
    }

    // MARK: The torture set

    @Test func `the torture set's addresses are read`() throws {
        let six = try SDP(try Self.body(of: "ipv6-in-sdp"))
        #expect(six.connection?.address == IPAddress("2001:db8::20"))
        #expect(six.sections.map(\.kind) == ["audio", "video"])
        let both = try SDP(try Self.body(of: "mult-ip-in-sdp"))
        #expect(both.sections.map { both.connection(of: $0)?.address } == [IPAddress("192.0.2.1"), IPAddress("2001:db8::1")])
        #expect(try SDPNegotiation.answer(both, Self.local()).agreement.remote?.description == "192.0.2.1:22334")
    }

    @Test(arguments: [("x_sdp_no_v", SDPError.Code.version), ("x_sdp_port_70000", .port), ("x_sdp_1000_media", .tooLong)])
    func `the torture set's descriptions that are none are refused`(name: String, code: SDPError.Code) throws {
        let body = try Self.body(of: name)
        #expect {
            try SDP(body)
        } throws: {
            ($0 as? SDPError)?.code == code
        }
    }

    @Test func `no packet of the torture set is of no length`() throws {
        let offer = try SDP(try Self.body(of: "x_sdp_ptime_zero"))
        #expect(try SDPNegotiation.answer(offer, Self.local()).agreement.packetMilliseconds == 20)
    }

    @Test func `a flood of candidates is refused`() throws {
        let body = try Self.body(of: "x_sdp_ice_flood")
        #expect {
            try SDP(body)
        } throws: {
            ($0 as? SDPError)?.code == .tooManyAttributes
        }
    }
}
