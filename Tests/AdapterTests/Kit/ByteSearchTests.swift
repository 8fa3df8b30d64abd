import AdapterKit
import Testing

@Suite struct ByteSearchTests {
    @Test(arguments: [
        ("Appeared", true), ("{\"call_state\":\"Appeared\"}", true), ("AAppeared", true), ("AppeareAppeared", true),
        ("Appeare", false),
        ("", false), ("appeared", false), ("Appear ed", false),
    ])
    func `a word is found wherever it stands`(text: String, isThere: Bool) {
        Array(text.utf8).withUnsafeBytes { #expect($0.holds("Appeared") == isThere) }
    }
}
