import AdapterKit
import Testing
import TestSupport

@Suite struct XMLTreeTests {
    private func tree(_ text: String, limits: XMLTree.Limits = XMLTree.Limits()) throws(XMLError) -> XMLTree {
        try XMLTree(Array(text.utf8), limits: limits)
    }

    // MARK: Reading

    @Test func `elements and attributes are found by local name, whatever the prefix`() throws {
        for text in [
            #"<x:Event xmlns:x="u" xmlns:type="v" x:type="x:A"><x:call id='7'><x:callId>half</x:callId></x:call></x:Event>"#,
            #"<Event type="x:A"><call id="7"><callId>half</callId></call></Event>"#,
        ] {
            let root = try tree(text).root
            #expect(root.isNamed("Event") && root.name == "Event")
            #expect(root.attribute("type") == "x:A")
            #expect(root["call"]["callId"].text == "half")
            #expect(root["call"].attribute("id") == "7" && root["call"].attribute("di") == nil)
            #expect(root["call"].isNamed(among: ["call"]) && !root.isNamed(among: ["call"]))
        }
    }

    @Test func `what is absent answers nil to everything, and so do its children`() throws {
        let nothing = try tree("<a><b>1</b></a>").root["c"]["d"]
        #expect(!nothing.exists && nothing.name.isEmpty && nothing.text == nil && nothing.int == nil)
        #expect(nothing.attribute("x") == nil && nothing.children.isEmpty && !nothing.isNamed("d") && !nothing.equals(""))
        #expect(!XMLTree().root.exists)
    }

    @Test func `children stand in their order, and a path takes the first`() throws {
        let root = try tree("<a> <b>1</b><c/><b><d>2</d></b> </a>").root
        #expect(root.children.map(\.name) == ["b", "c", "b"])
        #expect(root["b"].int == 1 && root["c"].exists && root["c"].text == nil)
        #expect(root.children[2]["d"].text == "2")
        #expect(root.text == nil, "between elements is no text")
    }

    @Test(arguments: [
        ("<a>  x y \r\n</a>", "x y"), ("<a>&lt;&amp;&gt;&quot;&apos;&#65;&#x1F600;&#xe9;</a>", "<&>\"'A😀é"),
        ("<a><![CDATA[<b>&amp;]]]]><![CDATA[>]]></a>", "<b>&amp;]]>"), ("<a>x<!-- y --><?z w?>v</a>", "xv"),
        ("<a>1\r\n2\r3</a>", "1\n2\n3"), ("<a>[]] ]></a>", "[]] ]>"), ("<a>Привет</a>", "Привет"),
        ("<a>.&#13;<![CDATA[ x ]]></a>", ".\r x"),
    ])
    func `text is what it means`(text: String, meaning: String) throws {
        #expect(try tree(text).root.text == meaning)
    }

    @Test func `an attribute's value is what it means`() throws {
        let root = try tree("<a b='1\t2\r\n3&#10;4&amp;\"' c=\"'\" d=''/>").root
        #expect(root.attribute("b") == "1 2 3\n4&\"" && root.attribute("c") == "'" && root.attribute("d") == "")
    }

    @Test func `numbers and words are compared without the spaces around them`() throws {
        let root = try tree("<a><n> 1793603720000\n</n><w>&#82;eleased</w><v> Released </v><e> </e></a>").root
        #expect(root["n"].int == 1_793_603_720_000 && root["w"].int == nil && root["e"].text == nil)
        #expect(root["w"].equals("Released") && root["v"].equals("Released") && !root["v"].equals("Release"))
    }

    @Test(arguments: [
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>", "\u{FEFF}<?xml version='1.0'?>\n<!-- c --><?p?><a/>\n<!-- d -->\n",
        "<?xml version='1.1' encoding='UTF-8' standalone='yes' ?><a></a>", "<a  b = '1'\n/>", "<a:b.c-d_1/>", "<я/>", "<a></a >",
    ])
    func `these are documents`(text: String) throws { #expect(try tree(text).root.exists) }

    @Test func `the memory is used again, and what somebody holds stays`() throws {
        var tree = XMLTree()
        func parse(_ text: String) throws { try Array(text.utf8).withUnsafeBytes { try tree.parse($0) } }
        try parse("<a><b>first</b></a>")
        let held = tree.root["b"]
        try parse("<a><b>second</b></a>")
        #expect(held.text == "first" && tree.root["b"].text == "second")
        #expect(throws: XMLError.self) { try parse("<a><b>third</a>") }
        #expect(!tree.root.exists && held.text == "first")
    }

    // MARK: Refusing

    @Test(arguments: [
        ("", XMLError.Code.truncated), ("  ", .truncated), ("<a>", .truncated), ("<a", .truncated), ("<a b", .truncated),
        ("<a b='", .truncated), ("<a><!-- ", .truncated), ("<a><![CDATA[x", .truncated), ("<a></a", .truncated),
        ("<?xml version='1.0'", .truncated), ("<!-- x", .truncated), ("<a>&amp", .badReference),
        ("x", .unexpectedByte), ("<a b=1/>", .unexpectedByte), ("<a b='<'/>", .unexpectedByte), ("<a>]]></a>", .unexpectedByte),
        ("<a b='1'c='2'/>", .unexpectedByte), ("<a><!-- -- --></a>", .unexpectedByte), ("<a><!ELEMENT b></a>", .unexpectedByte),
        ("<!ELEMENT a>", .unexpectedByte), ("<a><?xml version='1.0'?></a>", .unexpectedByte),
        ("<?xml encoding='UTF-8'?><a/>", .unexpectedByte),
        (" <?xml version='1.0'?><a/>", .unexpectedByte), ("<a><?b", .truncated), ("<a><?b!?></a>", .unexpectedByte),
        ("<1/>", .badName), ("<a:/>", .badName), ("<:a/>", .badName), ("<a:b:c/>", .badName), ("<a -b='1'/>", .badName),
        ("< a/>", .badName),
        ("<a>&nbsp;</a>", .badReference), ("<a>&</a>", .badReference), ("<a>&#;</a>", .badReference),
        ("<a>&#xD800;</a>", .badReference),
        ("<a>&#0;</a>", .badReference), ("<a>&#x110000;</a>", .badReference), ("<a b='&x;'/>", .badReference),
        ("<a>&#xFFFE;</a>", .badReference),
        ("<a>&#99999999999;</a>", .badReference), ("<a>\u{0}</a>", .badCharacter), ("<a b='\u{7}'/>", .badCharacter),
        ("<a>\u{FFFF}</a>", .badUTF8), ("<a></b>", .mismatchedTag), ("<x:a></y:a>", .mismatchedTag), ("<a></ab>", .mismatchedTag),
        ("<ab></a>", .mismatchedTag), ("<a b='1' b='2'/>", .duplicateAttribute), ("<a/><b/>", .trailingBytes),
        ("<a/>x", .trailingBytes),
        ("<!DOCTYPE a><a/>", .doctype), ("<?xml version='1.0'?>\n<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>", .doctype),
        ("<?xml version='1.0' encoding='windows-1251'?><a/>", .badEncoding),
    ])
    func `these are none, each for its reason`(text: String, code: XMLError.Code) {
        let error = #expect(throws: XMLError.self) { try tree(text) }
        #expect(error?.code == code, "\(text)")
    }

    @Test(arguments: [[0xFF, 0xFE, 0x3C, 0x00], [0xFE, 0xFF, 0x00, 0x3C]] as [[UInt8]])
    func `another encoding than UTF-8 is refused`(bytes: [UInt8]) {
        #expect(throws: XMLError(.badEncoding, at: 0)) { try XMLTree(bytes) }
    }

    @Test(arguments: [[0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF8], [0xD0], [0xD0, 0x3C]] as [[UInt8]])
    func `bytes that are not UTF-8 are refused in texts, values and names`(bytes: [UInt8]) {
        for (before, after) in [
            ("<a>", "</a>"), ("<a b='", "'/>"), ("<a", "/>"), ("<a><!--", "--></a>"), ("<a><![CDATA[", "]]></a>"),
        ] {
            let error = #expect(throws: XMLError.self) { try XMLTree(Array(before.utf8) + bytes + Array(after.utf8)) }
            #expect(error?.code == .badUTF8)
        }
    }

    // MARK: Bounds

    @Test func `depth, elements, attributes and bytes are bounded`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "<a>", count: depth) + String(repeating: "</a>", count: depth)
        }
        #expect(try tree(nested(32)).root.exists)
        #expect(throws: XMLError(.tooDeep, at: 96)) { try tree(nested(33)) }
        #expect(throws: XMLError.self) { try tree(nested(200_000), limits: .init(elementCount: .max)) }

        let many = "<a>" + String(repeating: "<b/>", count: 4095) + "</a>"
        #expect(try tree(many).root.children.count == 4095)
        #expect(throws: XMLError(.tooMany, at: 3 + 4 * 4095)) { try tree(many.replacing("</a>", with: "<b/></a>")) }

        let attributes = (0..<32).map { " a\($0)='1'" }.joined()
        #expect(try tree("<a\(attributes)/>").root.attribute("a31") == "1")
        #expect(throws: XMLError(.tooMany, at: 3 + attributes.utf8.count)) { try tree("<a\(attributes) b='1'/>") }

        #expect(throws: XMLError(.tooLarge, at: 10)) { try tree("<a>1234</a>", limits: .init(byteCount: 10)) }
        #expect(try tree("<a>123</a>", limits: .init(byteCount: 10)).root.int == 123)
    }
}
