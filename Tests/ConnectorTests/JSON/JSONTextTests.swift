import Connector
import Testing

@Suite struct JSONTextTests {
    @Test func `fields are read where they lie, two deep and in any order`() throws {
        let call = try JSONText(
            #"{"entry_id":"MTk=","seq":2,"from":{"number":"79000001234"},"to":{"extension":101,"line":{"x":[1,{"y":true}]}},"was":false}"#
        ).root
        #expect(call["was"].bool == false)
        #expect(call["to"]["extension"].int == 101)
        #expect(call["to"]["line"]["x"].elements[1]["y"].bool == true)
        #expect(call["from"]["number"].string == "79000001234")
        #expect(call["entry_id"].equals("MTk="))
        #expect(call.members.map(\.name) == ["entry_id", "seq", "from", "to", "was"])
    }

    @Test func `what is absent, null or of another type reads as nothing`() throws {
        let root = try JSONText(#"{"a":null,"b":"x","c":[1]}"#).root
        #expect(root["a"].isNull && root["a"].exists && root["a"].string == nil)
        #expect(!root["z"].exists && !root["z"]["deeper"].exists && root["z"].elements.isEmpty)
        #expect(root["b"].int == nil && root["b"].bool == nil && !root["b"]["x"].exists)
        #expect(root["c"].members.isEmpty && root["c"].string == nil)
        #expect(!JSONText().root.exists)
    }

    @Test func `a field may be a number or a string that holds one`() throws {
        let root = try JSONText(#"{"a":101,"b":"101","c":"","d":"12x","e":1.5,"f":"-7"}"#).root
        #expect(root["a"].anyInt == 101 && root["b"].anyInt == 101 && root["f"].anyInt == -7)
        #expect(root["a"].anyText == "101" && root["b"].anyText == "101" && root["e"].anyText == "1.5")
        #expect(root["c"].anyInt == nil && root["d"].anyInt == nil && root["e"].anyInt == nil)
    }

    @Test func `of members with the same name the last one counts`() throws {
        let text = try JSONText(#"{"a":1,"b":2,"a":{"c":3},"\u0061":4}"#)
        #expect(text.root["a"].int == 4)
        #expect(text.root[dynamic: "a"].int == 4)
        #expect(text.root.members.count == 4)
    }

    @Test(arguments: [
        (#""\"\\\/\b\f\n\r\t""#, "\"\\/\u{8}\u{c}\n\r\t"), (#""\u041f\u0440""#, "Пр"), (#""\ud83d\ude00!""#, "😀!"),
        (#""Привет, 😀 world""#, "Привет, 😀 world"), (#""\u0000""#, "\0"), (#""""#, ""),
    ])
    func `strings mean what RFC 8259 says`(text: String, meaning: String) throws {
        #expect(try JSONText(text).root.string == meaning)
    }

    @Test(arguments: [#""\ud83d""#, #""\ud83dx""#, #""\ude00""#, #""\ud83d\ud83d""#, #""\ud83d\n""#])
    func `half a surrogate pair is a replacement character, not an error`(text: String) throws {
        #expect(try JSONText(text).root.string?.unicodeScalars.first == "\u{FFFD}")
    }

    @Test(arguments: [
        ("9223372036854775807", Int.max), ("-9223372036854775808", Int.min), ("0", 0), ("-0", 0), ("9223372036854775808", nil),
        ("-9223372036854775809", nil), ("99999999999999999999999999", nil), ("1.0", nil), ("1e3", nil),
    ])
    func `integers are exact or nothing`(text: String, value: Int?) throws {
        #expect(try JSONText(text).root.int == value)
        #expect(try JSONText(text).root.number == text)
    }

    @Test func `a number beyond a double's range has no value`() throws {
        #expect(try JSONText("1e999").root.double == nil)
        #expect(try JSONText("-2.5e-1").root.double == -0.25)
    }

    @Test(arguments: [
        ("", JSONError.Code.truncated, 0), (" ", .truncated, 1), ("{", .truncated, 1), ("[1", .truncated, 2),
        ("\"a", .truncated, 2),
        ("\"\\", .truncated, 1), ("\"\\u00", .truncated, 1), ("tru", .truncated, 3), ("-", .truncated, 1), ("1.", .truncated, 2),
        ("1e", .truncated, 2), ("[1,]", .unexpectedByte, 3), ("{,}", .unexpectedByte, 1), ("{\"a\":1,}", .unexpectedByte, 7),
        ("{\"a\"}", .unexpectedByte, 4), ("{a:1}", .unexpectedByte, 1), ("[1}", .unexpectedByte, 2),
        ("{\"a\":1]", .unexpectedByte, 6),
        ("]", .unexpectedByte, 0), ("nul1", .unexpectedByte, 3), ("[1 2]", .unexpectedByte, 3),
        ("\u{FEFF}{}", .unexpectedByte, 0),
        ("01", .badNumber, 1), ("-01", .badNumber, 2), ("-a", .badNumber, 1), ("1.e", .badNumber, 2), ("+1", .unexpectedByte, 0),
        (".5", .unexpectedByte, 0), ("NaN", .unexpectedByte, 0), ("\"\n\"", .controlByte, 1), ("\"\u{1f}\"", .controlByte, 1),
        ("\"\\x\"", .badEscape, 1), ("\"\\u00g0\"", .badEscape, 1), ("\"\\u+123\"", .badEscape, 1), ("1 1", .trailingBytes, 2),
        ("{}}", .trailingBytes, 2), ("{} x", .trailingBytes, 3), ("1a", .trailingBytes, 1),
    ])
    func `what is not JSON is refused with its place`(text: String, code: JSONError.Code, offset: Int) {
        #expect(throws: JSONError(code, at: offset)) { try JSONText(text) }
    }

    @Test(
        arguments: [
            [0x80], [0xC3], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xE2, 0x82],
            [0xF0, 0x80, 0x80, 0x80],
            [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xFF], [0xC3, 0x28], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]])
    func `bytes that are not UTF-8 are refused`(bytes: [UInt8]) {
        #expect(throws: JSONError(.badUTF8, at: 2)) { try JSONText([0x22, 0x61] + bytes + [0x22]) }
    }

    @Test func `depth has a limit, and the stack does not`() throws {
        func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
        #expect(try JSONText(nested(32)).root.isArray)
        #expect(throws: JSONError(.tooDeep, at: 32)) { try JSONText(nested(33)) }
        #expect(try JSONText(nested(200_000), limits: .init(depth: 300_000)).root.isArray)
    }

    @Test func `size has a limit`() {
        #expect(throws: JSONError(.tooLarge, at: 4)) { try JSONText("[1,2]", limits: .init(byteCount: 4)) }
    }

    @Test func `a text used again holds the new value, and nothing after an error`() throws {
        var text = try JSONText(#"{"a":1}"#)
        let kept = text.root
        try text.parse(Array("[true]".utf8))
        #expect(text.root.elements.first?.bool == true)
        #expect(kept["a"].int == 1)
        #expect(throws: JSONError.self) { try text.parse(Array("[".utf8)) }
        #expect(!text.root.exists)
    }

    @Test func `a value can be cut out as it stands`() throws {
        let root = try JSONText(#" {"a" : "x\u0041" , "b":[1, 2],"c":{}} "#).root
        #expect(String(decoding: root["a"].source, as: UTF8.self) == #""x\u0041""#)
        #expect(String(decoding: root["b"].source, as: UTF8.self) == "[1, 2]")
        #expect(root["z"].source.isEmpty)
    }
}
