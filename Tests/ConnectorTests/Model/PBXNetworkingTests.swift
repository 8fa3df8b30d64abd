import Connector
import Testing

@Suite struct PBXNetworkingTests {
    @Test func `without a word it listens on port 5060, over UDP and TCP`() throws {
        let standard = try PBXNetworking([:])
        #expect(standard.entrances == [.init(.udp, "0.0.0.0", 5060), .init(.tcp, "0.0.0.0", 5060)])
        #expect(standard.mediaPorts == 10_000...19_999)
        #expect(standard.publicAddress == nil)
        #expect(standard.userAgent == nil)
    }

    @Test func `a list and a text with commas mean the same`() throws {
        let wanted: [PBXNetworking.Entrance] = [
            .init(.udp, "192.0.2.1", 5060), .init(.tcp, "2001:db8::1", 5061), .init(.udp, "0.0.0.0", 5070),
            .init(.tcp, "0.0.0.0", 5070),
        ]
        for text in [
            "udp:192.0.2.1:5060, tcp:[2001:db8::1]:5061, 0.0.0.0:5070",
            #"["udp:192.0.2.1:5060","tcp:[2001:db8::1]:5061","0.0.0.0:5070"]"#,
        ] { #expect(try PBXNetworking(["listen": text]).entrances == wanted) }
    }

    @Test(
        arguments: [
            ("listen", "5060"), ("listen", "udp:0.0.0.0"), ("listen", "sip.example:5060"),
            ("listen", "udp:0.0.0.0:70000"), ("listen", "udp:[::1:5060"), ("rtp_ports", "10000"), ("rtp_ports", "10001-20000"),
            ("rtp_ports", "20000-10000"), ("rtp_ports", "100-2000"), ("rtp_ports", "10000-10010"), ("rtp_ports", "10000-99999"),
            ("public_address", "203.0.113.5:5060"), ("public_address", "a b"), ("user_agent", "Кот"),
        ] as [(String, String)])
    func `what cannot be is refused by its name`(setting: String, value: String) {
        let error = #expect(throws: SettingsError.self) { try PBXNetworking([setting: value]) }
        #expect(error?.setting == setting)
    }

    @Test(
        arguments: [
            ("sip.example:5060", "sip.example", 5060), ("sip.example", "sip.example", nil), ("192.0.2.1:1", "192.0.2.1", 1),
            ("[2001:db8::1]:5061", "2001:db8::1", 5061), ("[::1]", "::1", nil),
        ] as [(String, String, UInt16?)])
    func `a host has a port or none`(text: String, host: String, port: UInt16?) throws {
        let read = try #require(HostAndPort.read(text))
        #expect(read.host == host)
        #expect(read.port == port)
    }

    @Test(arguments: ["", ":", "a:b", "a:0", "a:65536", "a:1:2", "::1", "[::1", "[::1]x", "[]:1", "a b", "-a", ".a", "ä.example"])
    func `what is no host is none`(text: String) {
        #expect(HostAndPort.read(text) == nil)
    }
}
