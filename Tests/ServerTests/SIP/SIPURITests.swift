import SIP
import Testing

@Suite struct SIPURITests {
    /// The pairs of RFC 3261 §19.1.4, and IPv6 (RFC 5954) and tel (RFC 3966) besides.
    @Test(arguments: [
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com"
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x"
        ),
        ("sip:a%2fb@x.com", "sip:a%2Fb@x.com"),
        ("sip:a@[2001:DB8::0:1]", "sip:a@[2001:db8:0:0:0:0:0:1]"),
        ("sip:a@[::ffff:192.0.2.1]", "sip:a@[::FFFF:c000:201]"),
        ("tel:+7-495-000-00-01", "tel:+74950000001"),
        ("TEL:7042;phone-context=example.com", "tel:7042;phone-context=EXAMPLE.com"),
    ])
    func `these lead to the same place`(_ left: String, _ right: String) throws {
        #expect(try SIPURI(left).isEquivalent(to: SIPURI(right)))
        #expect(try SIPURI(right).isEquivalent(to: SIPURI(left)))
    }

    @Test(arguments: [
        ("SIP:ALICE@AtLanTa.CoM;Transport=udp", "sip:alice@AtLanTa.CoM;Transport=UDP"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting"),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        ("sip:carol@chicago.com;security=on", "sip:carol@chicago.com;security=off"),
        ("sip:a@x.com", "sips:a@x.com"), ("sip:a@x.com", "sip:x.com"), ("sip:a:b@x.com", "sip:a@x.com"),
        ("sip:a%2fb@x.com", "sip:a/b@x.com"), ("sip:a%00b@x.com", "sip:a@x.com"),
        ("sip:a@[2001:db8::1]", "sip:a@[2001:db8::1:1]"), ("tel:+74950000001", "tel:+74950000002"),
        ("tel:7042;phone-context=a.example", "tel:7042"), ("sip:a@x.com;maddr=192.0.2.1", "sip:a@x.com"),
    ])
    func `these do not`(_ left: String, _ right: String) throws {
        #expect(try !SIPURI(left).isEquivalent(to: SIPURI(right)))
        #expect(try !SIPURI(right).isEquivalent(to: SIPURI(left)))
    }

    @Test func `security need not be transitive`() throws {
        let (on, none, off) = try (SIPURI("sip:c@x.com;s=on"), SIPURI("sip:c@x.com"), SIPURI("sip:c@x.com;s=off"))
        #expect(on.isEquivalent(to: none) && none.isEquivalent(to: off) && !on.isEquivalent(to: off))
    }

    @Test(arguments: [
        "sip:", "sip:@x.com", "sip:a@", "sip:a@b@c", "sip:a@x.com:", "sip:a@x.com:65536", "sip:a@x.com:4294972356", "sip:a@[::1",
        "sip:a@[]", "sip:a%4@x.com", "sip:a%zz@x.com", "sip:a b@x.com", "sip:a@x.com;", "sip:a@x.com;=v", "sip:a@x.com;p=",
        "sip:a@x.com?", "sip:a@x.com?h", "sip:2001:db8::1", "<sip:a@x.com>", ":a", "1sip:a@x.com", "tel:", "tel:+", "tel:abc@x",
        "",
        "sip:a@x.com\r\n", "sip:a@x.com\0",
    ])
    func `a malformed URI is refused`(_ text: String) {
        #expect(throws: SIPParseError.self) { try SIPURI(text) }
    }

    @Test func `a URI shows its parts`() throws {
        let uri = try SIPURI("sips:alice:pa%20ss@[2001:db8::10]:5071;transport=tls;lr?Subject=a%26b&X=")
        #expect(uri.scheme == .sips && uri.user?.text == "alice" && uri.password?.text == "pa ss")
        #expect(uri.host.text == "[2001:db8::10]" && uri.port == 5071)
        #expect(uri.parameter("transport")?.text == "tls" && uri.hasParameter("lr") && uri.parameter("lr") == nil)
        #expect(uri.headers.map(\.name.text) == ["Subject", "X"] && uri.headers.first?.value?.text == "a&b")
        #expect(uri.writtenHeaders.text == "Subject=a%26b&X=")
    }

    @Test(arguments: ["[::1.2.3]", "[1::2::3]", "[1:2:3:4:5:6:7]", "[::12345]", "[::1.2.3.256]", "[:::]"])
    func `text in brackets that is no address is compared as text`(_ host: String) throws {
        #expect(try SIPURI("sip:a@\(host)").isEquivalent(to: SIPURI("sip:a@\(host)")))
        #expect(try !SIPURI("sip:a@\(host)").isEquivalent(to: SIPURI("sip:a@[::]")))
    }

    @Test func `star codes with a bare hash are dialled`() throws {
        #expect(try SIPURI("sip:*98#@example.com").user?.text == "*98#")
    }

    @Test func `a URI of any user part reads back as it was meant`() throws {
        let user = Array(UInt8.min...UInt8.max)
        let uri = try SIPURI.make(user: user, host: "example.com", port: 5070, parameters: [("lr", nil), ("x", "a;b c")])
        #expect(uri.user == user && uri.port == 5070)
        #expect(uri.hasParameter("lr") && uri.parameter("x")?.text == "a;b c")
        #expect(throws: SIPParseError.self) { try SIPURI.make(user: user, host: "a@b") }
        #expect(throws: SIPParseError.self) { try SIPURI.make(user: user, host: "example.com", parameters: [("a;b", nil)]) }
    }

    @Test func `a detached URI is its own buffer`() throws {
        let target = try #require(try TortureCase.message("esc01").requestURI)
        #expect(target.detached().written.startIndex == 0 && target.detached().isEquivalent(to: target))
    }
}
