import NetworkTypes
import Testing

@testable import SIP

/// Descriptions as peers write them, and what is agreed on.
struct SDPTests {
    /// Lines between the head and the sections have their place in `rest`.
    static func description(_ rest: String..., address: String = "IN IP4 192.0.2.10") -> [UInt8] {
        Array((["v=0", "o=- 1 1 IN IP4 192.0.2.10", "s=-", "c=\(address)", "t=0 0"] + rest).joined(separator: "\r\n").utf8) + [
            13, 10,
        ]
    }

    private let local: SDPLocal = {
        SDPLocal(address: IPAddress(v4: 0xC633_6405), port: 20_000, sessionID: 77)
    }()

    private func answer(_ offer: [UInt8]) throws -> (lines: [String], agreement: SDPAgreement) {
        let (text, agreement) = try SDPNegotiation.answer(try SDP(offer), local)
        return (String(decoding: text, as: UTF8.self).split(separator: "\r\n").map { String($0) }, agreement)
    }

    @Test func `an ordinary offer is answered with the codec that we like best`() throws {
        let (lines, agreement) = try answer(
            Self.description("m=audio 4000 RTP/AVP 0 8 96", "a=rtpmap:96 telephone-event/8000", "a=ptime:30"))
        #expect(
            lines == [
                "v=0", "o=- 77 0 IN IP4 198.51.100.5", "s=-", "c=IN IP4 198.51.100.5", "t=0 0", "m=audio 20000 RTP/AVP 8 96",
                "a=rtpmap:8 PCMA/8000", "a=rtpmap:96 telephone-event/8000", "a=fmtp:96 0-15", "a=ptime:20", "a=sendrecv",
            ])
        #expect(agreement.codec == .pcma)
        #expect(agreement.remote?.description == "192.0.2.10:4000")
        #expect(agreement.remoteRTCP?.description == "192.0.2.10:4001")
        #expect(agreement.eventTypeIn == 96)
        #expect(agreement.packetMilliseconds == 30)
        #expect(!agreement.isHeldByPeer)
    }

    @Test func `a codec is known by its name, whatever its number`() throws {
        let (_, agreement) = try answer(
            Self.description("m=audio 4000 RTP/AVP 111 112", "a=rtpmap:111 opus/48000/2", "a=rtpmap:112 PcMa/8000"))
        #expect(agreement.codec == .pcma)
        #expect(agreement.payloadTypeOut == 112)
    }

    @Test(arguments: [
        ("a=sendonly", "a=recvonly", true), ("a=inactive", "a=inactive", true), ("a=recvonly", "a=sendonly", false),
        ("a=sendrecv", "a=sendrecv", false), ("a=unknown", "a=sendrecv", false),
    ])
    func `a direction is mirrored`(theirs: String, ours: String, isHeld: Bool) throws {
        let (lines, agreement) = try answer(Self.description("m=audio 4000 RTP/AVP 8", theirs))
        #expect(lines.last == ours)
        #expect(agreement.isHeldByPeer == isHeld)
    }

    @Test func `an address of zeros is a hold`() throws {
        let (lines, agreement) = try answer(Self.description("m=audio 4000 RTP/AVP 8", address: "IN IP4 0.0.0.0"))
        #expect(agreement.isHeldByPeer)
        #expect(agreement.remote == nil)
        #expect(lines.last == "a=recvonly")
    }

    @Test func `what is no sound of ours is refused in its place`() throws {
        let (lines, agreement) = try answer(
            Self.description(
                "m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/SAVP 8", "m=audio 4002 RTP/AVP 8", "c=IN IP4 192.0.2.99",
                "m=application 9 UDP/DTLS/SCTP webrtc-datachannel"))
        #expect(
            lines.filter { $0.hasPrefix("m=") } == [
                "m=video 0 RTP/AVP 31", "m=audio 0 RTP/SAVP 8", "m=audio 20000 RTP/AVP 8",
                "m=application 0 UDP/DTLS/SCTP webrtc-datachannel",
            ])
        #expect(agreement.remote?.description == "192.0.2.99:4002")
    }

    @Test(arguments: [
        (["m=audio 4000 RTP/AVP 18"], SDPError.Code.noCommonCodec), (["m=audio 0 RTP/AVP 8"], .noAudio), ([], .noAudio),
        (["m=video 4000 RTP/AVP 31"], .noAudio), (["m=audio 4000 RTP/AVP 8 8", "a=rtpmap:8 OPUS/48000/2"], .noCommonCodec),
    ])
    func `an offer without a sound of ours is refused`(lines: [String], code: SDPError.Code) throws {
        let offer = Array(
            (["v=0", "o=- 1 1 IN IP4 192.0.2.1", "s=-", "c=IN IP4 192.0.2.1", "t=0 0"] + lines).joined(separator: "\n").utf8)
        #expect(throws: SDPError(code)) { try SDPNegotiation.answer(try SDP(offer), local) }
    }

    @Test func `an answer to our offer is taken with the numbers of both sides`() throws {
        let text = String(decoding: SDPNegotiation.offer(local), as: UTF8.self)
        #expect(text.contains("m=audio 20000 RTP/AVP 8 0 101\r\n"))
        let answer = try SDP(
            Self.description("m=audio 4000 RTP/AVP 0 97", "a=rtpmap:97 telephone-event/8000", "a=rtcp:5001 IN IP4 192.0.2.11"))
        let agreement = try SDPNegotiation.accept(answer, local)
        #expect(agreement.codec == .pcmu)
        #expect((agreement.eventTypeIn, agreement.eventTypeOut) == (101, 97))
        #expect(agreement.remoteRTCP?.description == "192.0.2.11:5001")
    }

    @Test(arguments: [
        ("m=audio 0 RTP/AVP 8", SDPError.Code.refused), ("m=audio 4000 RTP/AVP 18", .noCommonCodec),
        ("m=video 4000 RTP/AVP 8", .mismatch),
    ])
    func `an answer that is none comes to nothing`(line: String, code: SDPError.Code) throws {
        let answer = try SDP(Self.description(line))
        #expect(throws: SDPError(code)) { try SDPNegotiation.accept(answer, local) }
    }

    @Test func `an IPv6 address is taken, and one of the wrong family is not`() throws {
        let (_, agreement) = try answer(Self.description("m=audio 4000 RTP/AVP 8", address: "IN IP6 2001:db8::7"))
        #expect(agreement.remote?.description == "[2001:db8::7]:4000")
        #expect(throws: SDPError.self) { try SDP(Self.description(address: "IN IP4 2001:db8::7")) }
    }

    @Test(arguments: [
        ("", SDPError.Code.version), ("v=1\r\n", .version), ("v=0\r\n", .origin), ("v=0\r\no=- 1 1 IN IP4\r\n", .origin),
        ("o=- 1 1 IN IP4 192.0.2.1\r\nv=0\r\n", .version), ("v=0\r\nnonsense\r\n", .line),
        ("v=0\r\no=- x 1 IN IP4 192.0.2.1\r\n", .origin),
        ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 999.1.1.1\r\n", .address),
        ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio 70000 RTP/AVP 8\r\n", .port),
        ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio x RTP/AVP 8\r\n", .port),
        ("v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\nm=audio\r\n", .media),
    ])
    func `what is no description is refused by name`(text: String, code: SDPError.Code) {
        #expect {
            try SDP(Array(text.utf8))
        } throws: {
            ($0 as? SDPError)?.code == code
        }
    }

    @Test func `a description that is too much is refused`() {
        let section = "m=audio 4000 RTP/AVP 8"
        #expect {
            try SDP(Self.description(Array(repeating: section, count: 9).joined(separator: "\r\n")))
        } throws: {
            ($0 as? SDPError)?.code == .tooManySections
        }
        #expect {
            try SDP(Self.description("m=audio 4000 RTP/AVP " + (0..<65).map { "\($0)" }.joined(separator: " ")))
        } throws: {
            ($0 as? SDPError)?.code == .tooManyFormats
        }
        #expect(throws: SDPError(.tooLong, at: 16_384)) { try SDP([UInt8](repeating: 0x61, count: 20_000)) }
    }

    @Test func `random bytes are read or refused, and never trap`() {
        var seed: UInt64 = 11
        let start = Self.description(
            "m=audio 4000 RTP/AVP 8 101", "a=rtpmap:101 telephone-event/8000", "a=rtcp:1 IN IP4 192.0.2.1", "a=ptime:20")
        for _ in 0..<20_000 {
            var bytes = start
            for _ in 0..<4 {
                seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                bytes[Int(seed >> 33) % bytes.count] = UInt8(truncatingIfNeeded: seed >> 24)
            }
            if let offer = try? SDP(bytes), let answered = try? SDPNegotiation.answer(offer, local) {
                #expect((try? SDP(answered.text)) != nil)
            }
        }
    }
}
