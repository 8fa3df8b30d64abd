import Connector
import Testing

@Suite struct JSONWriterTests {
    private func written(_ write: (inout JSONWriter) -> Void) -> String {
        var json = JSONWriter()
        write(&json)
        return String(decoding: json.finish(), as: UTF8.self)
    }

    @Test func `commas stand between members and nowhere else`() {
        let text = written { json in
            json.beginObject()
            json.field("a", 1)
            json.beginObject("b")
            json.endObject()
            json.beginArray("c")
            json.value("x")
            json.beginObject()
            json.field("y", true)
            json.endObject()
            json.null()
            json.endArray()
            json.field("d", nil as String?)
            json.name(dynamic: "e\"")
            json.value(Int64.min)
            json.field("f", json: "[1]".utf8)
            json.endObject()
        }
        #expect(text == #"{"a":1,"b":{},"c":["x",{"y":true},null],"d":null,"e\"":-9223372036854775808,"f":[1]}"#)
    }

    @Test func `only what must be escaped is escaped`() {
        let text = written { $0.value("\"\\/\u{8}\t\n\u{c}\r\u{1}\u{1f}\u{7f}Привет😀") }
        #expect(text == #""\"\\/\b\t\n\f\r\u0001\u001f"# + "\u{7f}Привет😀\"")
    }

    @Test(arguments: 0..<20)
    func `an escape is found at every place of a word`(place: Int) throws {
        let plain = String(repeating: "a", count: place) + "\"" + String(repeating: "я", count: place) + "\n"
        #expect(try JSONText(written { $0.value(plain) }).root.string == plain)
    }

    @Test func `numbers are written so that they read back`() throws {
        #expect(written { $0.value(0.1) } == "0.1")
        #expect(written { $0.value(UInt64.max) } == "18446744073709551615")
        #expect(written { $0.value(Double.nan) } == "null")
        #expect(try JSONText(written { $0.value(1e300) }).root.double == 1e300)
    }

    @Test func `a buffer's memory is used again, or written behind`() {
        var json = JSONWriter(reusing: Array("old".utf8))
        json.value(1)
        var lines = JSONWriter(appendingTo: json.finish() + [0x0A])
        lines.value(2)
        #expect(lines.finish() == Array("1\n2".utf8))
    }
}
