import AdapterKit
import Connector
import Testing

struct ProviderReplyTests {
    @Test(arguments: [
        ("call 79000005678 failed", "call ••••••••••• failed"), ("code 1234", "code 1234"), ("12345", "•••••"),
        ("a\u{0}b\nc", "abc"),
    ])
    func `a vendor's message is told without numbers and control characters`(text: String, told: String) {
        #expect(ProviderFailure.tellable(text) == told)
    }

    @Test func `a long message is cut`() {
        #expect(ProviderFailure.tellable(String(repeating: "x", count: 10_000)).count == 200)
    }

    @Test(arguments: [("7", Duration.seconds(7) as Duration?), ("0", .zero), ("-1", nil), ("86401", nil), ("Mon, 23 Nov", nil)])
    func `Retry-After is seconds, a day at most`(value: String, duration: Duration?) {
        let response = OutgoingResponse(status: 429, headers: [HeaderField(name: "RETRY-AFTER", value: value)])
        #expect(response.retryAfter == duration)
    }
}
