import AdapterKit
import Testing
import TestSupport

@Suite struct FormBodyTests {
    private func read<Result>(_ text: String, _ body: (FormBody) throws -> Result) throws -> Result {
        try FormBody.withQuery(text, body)
    }

    @Test func `values are exactly the bytes they name`() throws {
        try read("a=%D0%9F+%2B%3d%26&b=1%002&c=%ff&json=%7B%22x%22%3A1%7D") { form in
            #expect(form.string("a") == "П +=&")
            #expect(form.bytes(of: "b") == [0x31, 0, 0x32])
            #expect(form.bytes(of: "c") == [0xFF])
            #expect(form.string("c") == "\u{FFFD}")
            #expect(form.string("json") == #"{"x":1}"#)
        }
    }

    @Test func `names are found whole, encoded or not, with PHP's brackets`() throws {
        try read("wait_dtmf%5Bname%5D=menu&wait_dtmf[digits]=5&wait=1&=nameless") { form in
            #expect(form.string("wait_dtmf[name]") == "menu")
            #expect(form.int("wait_dtmf[digits]") == 5)
            #expect(form.string("wait") == "1")
            #expect(form.string("wai") == nil)
            #expect(form.string("") == "nameless")
            #expect(form.names == ["wait_dtmf[name]", "wait_dtmf[digits]", "wait", ""])
        }
    }

    @Test func `empty fields are passed over, and the last of a name counts`() throws {
        try read("&&a=1&&b&a=2&c=x=y&") { form in
            #expect(form.string("a") == "2")
            #expect(form.string("b") == "")
            #expect(form.string("c") == "x=y")
            #expect(form.int("c") == nil)
        }
        try read("") { #expect($0.names.isEmpty) }
    }

    @Test(arguments: [("a=%", 2), ("a=%4", 2), ("%zz=1", 0), ("a=1&b=%4g", 6), ("a=%+1", 2)])
    func `a percent sign without its digits is an error with its place`(text: String, offset: Int) {
        #expect(throws: FieldError(.badPercent, at: offset)) { try read(text) { _ in } }
    }

    @Test func `the count of fields is bounded`() throws {
        try read(String(repeating: "a&", count: 255)) { #expect($0.names.count == 255) }
        #expect(throws: FieldError.self) { try read(String(repeating: "&", count: 256)) { _ in } }
    }

    @Test func `the memory is used again, and nothing of an earlier form is left`() throws {
        var form = FormBody()
        func parse(_ text: String) throws { try Array(text.utf8).withUnsafeBytes { try form.parse($0) } }
        try parse("first=a+long+value+of+an+earlier+form&second=2")
        try parse("first=1")
        #expect(form.string("first") == "1" && form.names == ["first"])
        #expect(throws: FieldError.self) { try parse("first=1&second=%") }
        #expect(form.names.isEmpty && form.bytes(of: "first") == nil)
    }

    @Test func `fields are read as bytes, text and numbers without a key of text`() throws {
        try read("a=%2B7&n=42&e=&a=x") { form in
            #expect(form.fields.text("a") == "x" && form.fields.text("e") == nil && form.fields.text("z") == nil)
            #expect(form.fields.integer("n") == 42 && form.fields.integer("a") == nil)
            let count = form.fields.withBytes(of: "e") { $0.count }
            #expect(count == 0 && form.fields.holds("e") && !form.fields.holds("z"))
            #expect(form.fields.names(except: ["n", "a"]) == ["e"])
        }
    }

    @Test func `a form of every length is decoded whole, whatever stands at the words' edges`() throws {
        for length in 0..<40 {
            for mark in ["%41", "+", "=", "é", "A"] {
                let value = String(repeating: "x", count: length) + mark + "yz"
                let expected = String(repeating: "x", count: length) + (mark == "%41" ? "A" : mark == "+" ? " " : mark) + "yz"
                try read("k=\(value)&l=\(value)") { form in
                    #expect(form.string("k") == expected && form.string("l") == expected)
                }
            }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `random fields survive, and damaged ones never trap`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        let letters = Array("ab &=%+[]я😀\u{0}\"0")
        func text() -> String {
            String((0..<Int.random(in: 0..<8, using: &random)).map { _ in letters.randomElement(using: &random)! })
        }
        for _ in 0..<1500 {
            let fields = (0..<5).map { place in (name: "\(place)" + text(), value: text()) }
            let encoded = FormEncoding.encode(fields)
            try read(encoded) { form in
                for (name, value) in fields { #expect(form.string(name) == value) }
                #expect(form.names == fields.map(\.name))
            }
            let damaged = random.mutated(Array(encoded.utf8), alphabet: Array("%&=+g".utf8))
            damaged.withUnsafeBytes { bytes in
                guard let form = try? FormBody(bytes) else { return }
                for name in form.names { #expect(form.bytes(of: name) != nil || name.contains("\u{FFFD}")) }
            }
        }
    }

    @Test func `spaces become plus signs, and all but the unreserved is encoded`() {
        #expect(FormEncoding.encode([("a b", "1+1=2"), ("я", "~._-")]) == "a+b=1%2B1%3D2&%D1%8F=%7E._-")
    }
}
