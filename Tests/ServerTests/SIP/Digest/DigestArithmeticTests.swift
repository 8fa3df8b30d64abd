import Testing

@testable import SIP

/// The worked examples of the RFCs and of a provider.
struct DigestArithmeticTests {
    private func response(
        _ algorithm: SIPDigest.Algorithm, _ realm: String, _ nonce: String, clientNonce: String? = nil, user: String,
        password: String,
        _ method: String, _ uri: String
    ) -> String {
        var digest = SIPDigest(
            algorithm: algorithm, realm: Array(realm.utf8), nonce: Array(nonce.utf8), usesQOP: clientNonce != nil)
        digest.clientNonce = Array((clientNonce ?? "").utf8)
        return digest.response(
            user: Array(user.utf8), password: Array(password.utf8), method: Array(method.utf8), uri: Array(uri.utf8)
        ).text
    }

    @Test(arguments: [
        (SIPDigest.Algorithm.md5, "8ca523f5e9506fed4657c9700eebdbec"),
        (.sha256, "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ])
    func `RFC 7616 section 3.9.1`(algorithm: SIPDigest.Algorithm, expected: String) {
        let response = response(
            algorithm, "http-auth@example.org", "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
            clientNonce: "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", user: "Mufasa", password: "Circle of Life", "GET",
            "/dir/index.html")
        #expect(response == expected)
    }

    @Test func `RFC 2617 section 3.5`() {
        let response = response(
            .md5, "testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", clientNonce: "0a4f113b", user: "Mufasa",
            password: "Circle Of Life", "GET", "/dir/index.html")
        #expect(response == "6629fae49393a05397450978507c4ef1")
    }

    @Test func `MultiFon, with and without qop`() {
        let (realm, nonce) = ("BREDBAND", "5f1d2c3b4a5968778695a4b3")
        let (user, password) = ("79000000030", "made-up-pass-1")
        let secret = SIPDigest.secret(.md5, user: Array(user.utf8), realm: Array(realm.utf8), password: Array(password.utf8))
        #expect(secret.text == "072f29ffa384240cc83f8de7f394a3eb")
        #expect(
            response(.md5, realm, nonce, user: user, password: password, "REGISTER", "sip:multifon.ru")
                == "726682ed75631c4595436dbfdbbe5bd0")
        #expect(
            response(
                .md5, realm, nonce, clientNonce: "c0ffee01", user: user, password: password, "INVITE",
                "sip:79000000102@multifon.ru") == "b1a9f2d64d53175f085cc781029db5c8")
    }

    @Test func `a session's secret holds both nonces`() {
        let plain = SIPDigest.secret(.md5, user: Array("u".utf8), realm: Array("r".utf8), password: Array("p".utf8))
        let session = SIPDigest.secret(.md5, user: plain, realm: Array("n".utf8), password: Array("c".utf8))
        var digest = SIPDigest(algorithm: .md5Session, realm: Array("r".utf8), nonce: Array("n".utf8), usesQOP: true)
        digest.clientNonce = Array("c".utf8)
        var plainly = SIPDigest(algorithm: .md5, realm: digest.realm, nonce: digest.nonce, usesQOP: true)
        plainly.clientNonce = digest.clientNonce
        #expect(
            digest.response(secret: plain, method: Array("BYE".utf8), uri: Array("sip:x".utf8))
                == plainly.response(secret: session, method: Array("BYE".utf8), uri: Array("sip:x".utf8)))
    }

    @Test func `a count has eight digits`() {
        var digest = SIPDigest(algorithm: .md5, realm: [], nonce: [], usesQOP: true)
        for (count, text) in [(UInt32(1), "00000001"), (255, "000000ff"), (.max, "ffffffff")] {
            digest.nonceCount = count
            #expect(digest.count.text == text)
        }
    }
}
