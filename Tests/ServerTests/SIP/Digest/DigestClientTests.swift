import Testing

@testable import SIP

/// Answers to the challenges that registrars and proxies send.
struct DigestClientTests {
    private let client = DigestBench.client()
    private let uri: SIPURI

    init() throws { uri = try SIPURI(Array("sip:multifon.ru".utf8)) }

    private func answer(_ challenges: String..., status: Int = 401) throws -> String? {
        let name = status == 407 ? "Proxy-Authenticate" : "WWW-Authenticate"
        let response = try DigestBench.response(status, challenges.map { "\(name): \($0)" })
        return client.answer(response, method: .register, uri: uri)?.bytes.text
    }

    @Test func `MultiFon's challenge is answered to the letter`() throws {
        let challenge = try MultifonFixture.message("02_register_401")
        let expected = try MultifonFixture.line("Authorization", of: "03_register_authorized")
        #expect(client.answer(challenge, method: .register, uri: uri)?.bytes.text == expected + "\r\n")
    }

    @Test func `a proxy's challenge is answered in the proxy's header`() throws {
        let line = try #require(try answer(#"Digest realm="r", nonce="n""#, status: 407))
        #expect(line.hasPrefix("Proxy-Authorization: Digest "))
    }

    @Test func `with qop each request counts on, with a nonce of its own`() throws {
        let first = try #require(try answer(#"Digest realm="r", nonce="n", qop="auth-int, auth", opaque="o\"p""#))
        #expect(first.contains("qop=auth, nc=00000001, cnonce=\"1\"") && first.contains(#"opaque="o\"p""#))
        let second = try #require(client.advance(method: .register, uri: uri)).bytes.text
        #expect(second.contains("nc=00000002, cnonce=\"2\""))
    }

    @Test func `a new challenge begins to count anew`() throws {
        _ = try answer(#"Digest realm="r", nonce="n", qop="auth""#)
        let next = try #require(try answer(#"Digest realm="r", nonce="m", qop="auth", stale=true"#))
        #expect(next.contains(#"nonce="m""#) && next.contains("nc=00000001"))
    }

    @Test func `the same challenge again goes on counting`() throws {
        _ = try answer(#"Digest realm="r", nonce="n", qop="auth""#)
        let again = try #require(try answer(#"Digest realm="r", nonce="n", qop="auth", stale=true"#))
        #expect(again.contains("nc=00000002, cnonce=\"2\""))
        let another = try #require(try answer(#"Digest realm="s", nonce="n", qop="auth""#))
        #expect(another.contains("nc=00000001"))
    }

    @Test func `calls that are challenged leave the registration's challenge as it was`() throws {
        _ = try answer(#"Digest realm="r", nonce="of the registrar", qop="auth""#)
        let called = try DigestBench.response(407, [#"Proxy-Authenticate: Digest realm="r", nonce="of the proxy", qop="auth""#])
        _ = client.answer(called, method: .invite, uri: uri)
        let registered = try #require(client.advance(method: .register, uri: uri)).bytes.text
        #expect(registered.hasPrefix("Authorization: ") && registered.contains(#"nonce="of the registrar""#))
        #expect(registered.contains("nc=00000002"))
        let ended = try #require(client.advance(method: .bye, uri: uri)).bytes.text
        #expect(ended.hasPrefix("Proxy-Authorization: ") && ended.contains(#"nonce="of the proxy""#))
    }

    @Test func `the strongest algorithm that we have is taken, whatever its place`() throws {
        let line = try #require(
            try answer(
                #"Digest realm="r", nonce="a", algorithm=MD5"#, #"Digest realm="r", nonce="b", algorithm=SHA-512-256"#,
                #"Digest realm="r", nonce="c", algorithm=sha-256"#, #"Basic realm="r""#))
        #expect(line.contains(#"nonce="c""#) && line.contains("algorithm=SHA-256\r\n"))
    }

    @Test(arguments: [
        #"Basic realm="r""#, #"Digest realm="r", nonce="n", algorithm=SHA-512-256"#,
        #"Digest realm="r", nonce="n", qop="auth-int""#,
        #"Digest realm="r""#, #"Digest nonce="n""#,
    ])
    func `a challenge that we cannot meet is left alone`(challenge: String) throws {
        #expect(try answer(challenge) == nil)
        #expect(client.advance(method: .register, uri: uri) == nil)
    }

    @Test func `a session keeps the nonce that it began with`() throws {
        let first = try #require(try answer(#"Digest realm="r", nonce="n", qop="auth", algorithm=MD5-sess"#))
        let second = try #require(client.advance(method: .register, uri: uri)).bytes.text
        #expect(first.contains("cnonce=\"1\"") && second.contains("nc=00000002, cnonce=\"1\""))
    }

    @Test func `foreign text cannot end our line`() throws {
        let line = try #require(try answer("Digest realm=\"a\r\n Evil: b\", nonce=\"c\\\"d\""))
        #expect(line.dropLast(2).allSatisfy { $0 != "\r" && $0 != "\n" && $0 != "\r\n" })
        #expect(line.contains(#"nonce="c\"d""#))
    }
}
