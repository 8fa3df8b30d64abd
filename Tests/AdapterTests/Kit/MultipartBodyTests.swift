import AdapterKit
import Testing
import TestSupport

@Suite struct MultipartBodyTests {
    private let type = "multipart/form-data; boundary=\"B:1\""

    private func read<Result>(_ text: String, _ body: (MultipartBody) throws -> Result) throws -> Result {
        try Array(text.utf8).withUnsafeBytes { try body(MultipartBody($0, contentType: type)) }
    }

    @Test func `parts are found by name, with exact bytes`() throws {
        let text = """
            preamble\r\n--B:1\r\nContent-Disposition: form-data; name="event"\r\n\r\nNOTIFY_START\r\n--B:1  \r\n\
            content-type: text/plain\r\ncontent-disposition: form-data; name="a[\\"b]"; filename="../x;y"\r\n\r\n\
            line\r\n--B:2\r\n\r\n--B:1\r\nContent-Disposition: form-data; name=empty\r\n\r\n\r\n--B:1--\r\nepilogue
            """
        try read(text) { body in
            #expect(body.names == ["event", "a[\"b]", "empty"])
            #expect(body.string("event") == "NOTIFY_START")
            #expect(body.string("a[\"b]") == "line\r\n--B:2\r\n")
            #expect(body.parts[1].filename == "../x;y")
            #expect(body.bytes(of: "empty") == [])
            #expect(body.bytes(of: "none") == nil)
        }
    }

    @Test func `an empty head's line break may begin the delimiter`() throws {
        try read("--B:1\r\nContent-Disposition: form-data; name=a\r\n\r\n--B:1--") { #expect($0.bytes(of: "a") == []) }
        try read("--B:1--") { #expect($0.parts.isEmpty) }
    }

    @Test(arguments: [
        "", "--B:1", "--B:1\r\n", "--B:1x\r\n", "--B:1\r\nContent-Disposition: form-data; name=a\r\n\r\nvalue",
        "--B:1\r\nContent-Type: text/plain\r\n\r\nx\r\n--B:1--",
        "--B:1\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--B:1",
        "--B:1\n\nx\n--B:1--",
    ])
    func `a body without its ends is refused`(text: String) {
        #expect(throws: FieldError.self) { try read(text) { _ in } }
    }

    @Test(arguments: ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a\nb\""])
    func `a boundary must be there and well formed`(type: String) {
        #expect(throws: FieldError(.badBoundary)) {
            try [UInt8]().withUnsafeBytes { _ = try MultipartBody($0, contentType: type) }
        }
    }

    @Test func `parts and their heads are bounded`() {
        let part = "--B:1\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n"
        #expect(throws: FieldError.self) { try read(String(repeating: part, count: 129) + "--B:1--") { _ in } }
        let head = "--B:1\r\nX: " + String(repeating: "y", count: 5000) + "\r\n\r\n\r\n--B:1--"
        #expect(throws: FieldError.self) { try read(head) { _ in } }
    }

    @Test func `the content type chooses the reader`() throws {
        func field(_ contentType: String?) throws -> String? {
            try Array("a=1".utf8).withUnsafeBytes { try SubmittedFields.parse($0, contentType: contentType).string("a") }
        }
        #expect(try field(nil) == "1")
        #expect(try field("Application/X-WWW-Form-Urlencoded; charset=utf-8") == "1")
        #expect(throws: FieldError(.unknownType)) { try field("application/json") }
        #expect(throws: FieldError.self) { try field(type) }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func `damaged bodies never trap`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        let whole = Array(
            "--B:1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B:1\r\nContent-Disposition: form-data; name=b\r\n\r\n\r\n--B:1--"
                .utf8)
        for _ in 0..<3000 {
            random.mutated(whole, alphabet: Array("\r\n-;=\"\\B:".utf8)).withUnsafeBytes { bytes in
                guard let body = try? MultipartBody(bytes, contentType: type) else { return }
                for name in body.names { #expect(body.bytes(of: name) != nil) }
            }
        }
    }

    @Test(arguments: [
        ("form-data; name=\"a;b\"; filename=c", "form-data", "a;b"), ("x;name = y ", "x", "y"), (";;name=z;name=w", "", "z"),
        ("x; name=\"q\\\"\\\\\"", "x", "q\"\\"), ("x; name", "x", nil), ("", "", nil),
    ])
    func `a header's parameters lose their quotes`(text: String, value: String, name: String?) {
        let header = HeaderParameters(text)
        #expect(header.value == value)
        #expect(header["name"] == name)
    }
}
