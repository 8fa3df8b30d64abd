import AdapterKit
import Testing

@Suite struct LookAlikesTests {
    @Test(arguments: [
        ("\u{421}\u{421}", "CC"), ("MissGroup\u{421}allCallback", "MissGroupCallCallback"), ("WEB", "WEB"), ("", ""), ("Ж", "Ж"),
    ])
    func `Cyrillic letters become the Latin ones they look like`(text: String, folded: String) {
        #expect(LookAlikes.folded(text) == folded)
    }
}
