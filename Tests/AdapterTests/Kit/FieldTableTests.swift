import AdapterKit
import Testing

@Suite struct FieldTableTests {
    private func read(_ text: String, into fields: inout FieldTable) throws {
        try Array(text.utf8).withUnsafeBytes { try fields.readFormOrJSON($0) }
    }

    @Test func `members of an object are fields`() throws {
        var fields = FieldTable()
        try read(#" {"a":"x\u0041","b":-1.50,"c":true,"d":null,"e":{"f":[1]},"g":"","a":"last"}"#, into: &fields)
        #expect(fields.names == ["a", "b", "c", "e", "g", "a"])
        #expect(fields.text("a") == "last")
        #expect(fields.text("b") == "-1.50")
        #expect(fields.text("c") == "true")
        #expect(fields.text("e") == #"{"f":[1]}"#)
        #expect(!fields.holds("d"))
        #expect(fields.text("g") == nil && fields.holds("g"))
    }

    @Test(arguments: ["{", "{}x", #"{"a":}"#, "{\"a\":\"\u{1}\"}"])
    func `what begins as an object and is none leaves no fields`(text: String) throws {
        var fields = FieldTable()
        try read("a=1", into: &fields)
        #expect(throws: FieldError.self) { try read(text, into: &fields) }
        #expect(fields.names.isEmpty)
    }

    @Test func `the count of members is bounded`() {
        let members = (0..<257).map { "\"m\($0)\":1" }.joined(separator: ",")
        var fields = FieldTable()
        #expect(throws: FieldError(.tooMany)) { try read("{\(members)}", into: &fields) }
    }

    @Test func `a form may follow an object in the same memory`() throws {
        var fields = FieldTable()
        try read(#"{"a":"a long value of an earlier object","b":2}"#, into: &fields)
        try read("a=1", into: &fields)
        #expect(fields.names == ["a"] && fields.text("a") == "1")
    }

    @Test func `names are found in any case where the vendor's case varies`() throws {
        var strict = FieldTable()
        var loose = FieldTable(ignoringCase: true)
        try read("CallID=1&callId=2&call_id=3&CallIDs=4&%D0%AF=5", into: &strict)
        try read("CallID=1&callId=2&call_id=3&CallIDs=4&%D0%AF=5", into: &loose)
        #expect(strict.text("callid") == nil)
        #expect(loose.text("callid") == "2")
        #expect(loose.text("CALL_ID") == "3")
        #expect(loose.text("я") == nil && loose.text("Я") == "5")
    }
}
