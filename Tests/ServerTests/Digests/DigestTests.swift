import Digests
import Testing

@Suite struct DigestTests {
    @Test(arguments: [
        (DigestAlgorithm.md5, "d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72"),
        (.sha1, "da39a3ee5e6b4b0d3255bfef95601890afd80709", "a9993e364706816aba3e25717850c26c9cd0d89d"),
        (
            .sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        ),
    ])
    func `hashes equal the published ones`(algorithm: DigestAlgorithm, empty: String, abc: String) {
        #expect(Digest.hash("", algorithm).hex == empty)
        #expect(Digest.hash("abc", algorithm).hex == abc)
    }

    @Test func `parts hash like the whole, and a copy goes its own way`() {
        var first = Digest(.sha256)
        first.update("a")
        var twin = first.copy()
        first.update([0x62, 0x63])
        twin.update("x")
        #expect(first.finish() == Digest.hash("abc", .sha256))
        #expect(twin.finish() == Digest.hash("ax", .sha256))
    }

    /// RFC 2202 cases 1, 2, 6 and RFC 4231 cases 1, 2, 6: a short, a worded and an overlong key.
    @Test(arguments: [
        (DigestAlgorithm.sha1, [UInt8](repeating: 0x0B, count: 20), "Hi There", "b617318655057264e28bc0b6fb378c8ef146be00"),
        (.sha1, Array("Jefe".utf8), "what do ya want for nothing?", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"),
        (
            .sha1, [UInt8](repeating: 0xAA, count: 80), "Test Using Larger Than Block-Size Key - Hash Key First",
            "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        ),
        (
            .sha256, [UInt8](repeating: 0x0B, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            .sha256, Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            .sha256, [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (.md5, Array("Jefe".utf8), "what do ya want for nothing?", "750c783e6ab0b503eaa86e310a5db738"),
    ])
    func `HMAC equals the published ones, and a key signs again and again`(
        algorithm: DigestAlgorithm, key: [UInt8], message: String, expected: String
    ) {
        let hmac = KeyedDigest(hmac: algorithm, key: key)
        #expect(hmac.sign(message).hex == expected)
        #expect(hmac.sign(message).matches(hex: expected.utf8))
    }

    /// The provider's rule is written in its adapter's README; the keys are made up.
    @Test(arguments: [
        (
            #"{"command_id":"gw-call-0001","from":{"extension":"101"},"to_number":"79000005678"}"#,
            "2a8b717ce67e4543ee5bdd82622da913a7fc703fe265e82ba710655d6d045df7"
        ),
        ("{}", "575ff80e3ea582711cd9320c47146e9bf7259f22ff1ce6cf03c6d4f720f703fa"),
        (#"{"text":"Привет"}"#, "380f40a60e27397c3563120e1844d075bc59639dc736646fb4d8c48dcedc718f"),
        (
            #"{"text":"\u041f\u0440\u0438\u0432\u0435\u0442"}"#,
            "87c17e68b026ab32136e23e15d32386cc3d30b86abcd74334a39a2c3b30e15dc"
        ),
    ])
    func `a message between key and salt signs as Mango does`(json: String, sign: String) {
        let mango = KeyedDigest(
            .sha256, prefix: Array("mk9f3tq7w2c6x1z8v5b4n0m3l7k2j6h1".utf8),
            suffix: Array("ms4d8f1g6h3j9k2l5z7x0c4v8b1n6m3q".utf8))
        #expect(mango.sign { $0.update(json) }.matches(hex: sign.utf8))
        #expect(!mango.sign { $0.update(json + " ") }.matches(hex: sign.utf8))
    }

    @Test func `a command signs as Zadarma does`() {
        let query = "format=json&from=101&to=79000000102"
        let secret = KeyedDigest(hmac: .sha1, key: Array("0f1e2d3c4b5a69788796".utf8))
        let md5 = Digest.hash(query, .md5).hex
        #expect(md5 == "c49d6c0856e7e60abb7c26dfcf00f53d")
        let sign = secret.sign {
            $0.update("/v1/request/callback/")
            $0.update(query)
            $0.update(md5)
        }
        #expect(Base64.encode(sign.hex) == "OTkzYTY1OGM0NGE5YzhhODIyYzU3ZTJlMDAzNjU3NDM1NzRiYWM5OQ==")
    }

    @Test func `a notification signs as Zadarma does, in both its forms`() {
        let secret = KeyedDigest(hmac: .sha1, key: Array("0f1e2d3c4b5a69788796".utf8))
        let sign = secret.sign("79000000101790000000102026-11-02 10:15:20")
        #expect(Base64.encode(sign.hex) == "NWUzMGE0YWUyNTE0N2ExYzZiMGFkMTZiZjg5NmUyZjFjOTI4ZjIxMA==")
        #expect(sign.base64 == "XjCkriUUehxrCtFr+Jbi8cko8hA=")
        #expect(sign.matches(base64: "XjCkriUUehxrCtFr+Jbi8cko8hA=".utf8))
        for text in ["NWUzMGE0YWUyNTE0N2ExYzZiMGFkMTZiZjg5NmUyZjFjOTI4ZjIxMA==", "XjCkriUUehxrCtFr+Jbi8cko8hA=", "", "XjCkriUU"] {
            Array(text.utf8).withUnsafeBytes { bytes in
                #expect(sign.matches(base64OfHex: bytes) == (text == Base64.encode(sign.hex)))
                #expect(sign.matches(exactBase64: bytes) == (text == sign.base64))
            }
        }
    }

    @Test(arguments: 0..<12)
    func `a text is a value's base64 only if it is written exactly so`(count: Int) {
        let value = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 5) }
        let text = Array(Base64.encode(value).utf8)
        func isEncoding(_ text: [UInt8]) -> Bool {
            text.withUnsafeBytes { text in value.withUnsafeBytes { Base64.isEncoding(text, of: $0) } }
        }
        #expect(isEncoding(text) && !isEncoding(text + [0x3D]))
        for place in text.indices {
            var other = text
            other[place] ^= 1
            #expect(!isEncoding(other))
        }
    }

    @Test func `one changed digit, a short or a worded sign is no match`() {
        let digest = Digest.hash("abc", .sha1)
        #expect(digest.matches(hex: "A9993E364706816ABA3E25717850C26C9CD0D89D".utf8))
        #expect(!digest.matches(hex: "a9993e364706816aba3e25717850c26c9cd0d89e".utf8))
        #expect(!digest.matches(hex: "a9993e36".utf8))
        #expect(!digest.matches(hex: "not hexadecimal".utf8))
        #expect(!digest.matches(hex: "".utf8))
    }

    @Test func `equality looks at every byte and at the length`() {
        #expect(ConstantTime.equal("secret", "secret"))
        #expect(!ConstantTime.equal("secret", "secreT"))
        #expect(!ConstantTime.equal("secret", "secret1"))
        #expect(ConstantTime.equal("", ""))
    }
}
