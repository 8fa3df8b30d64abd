import Digests
import Testing

@Suite struct EncodingTests {
    /// RFC 4648 §10.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ])
    func `base64 equals the published ones`(plain: String, encoded: String) {
        #expect(Base64.encode(plain) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
        #expect(Base64.decode(encoded.filter { $0 != "=" }, .tolerant) == Array(plain.utf8))
    }

    @Test(arguments: ["Zg", "Zg=", "Zg===", "Z", "Zh==", "Zm9=", "Zm 9v", "Zm9v\n", "Zm_-", "=Zg=", "Zg==Zg=="])
    func `strict base64 has one text for each value`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `tolerant base64 takes the alphabet for URLs, spaces and missing padding`() {
        #expect(Base64.decode("-_-_", .tolerant) == Base64.decode("+/+/"))
        #expect(Base64.decode(" Zm\r\n9v Yg ", .tolerant) == Array("foob".utf8))
        #expect(Base64.decode("Z", .tolerant) == nil)
        #expect(Base64.decode("Zm!v", .tolerant) == nil)
    }

    @Test func `random bytes survive base64 and hexadecimal`() {
        for count in 0..<100 {
            let bytes = randomBytes(count)
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Hex.decode(Hex.encode(bytes)) == bytes)
        }
    }

    @Test(arguments: ["a", "0g", "zz", " 00", "00 "])
    func `hexadecimal is pairs of digits and nothing else`(text: String) {
        #expect(Hex.decode(text) == nil)
    }
}
