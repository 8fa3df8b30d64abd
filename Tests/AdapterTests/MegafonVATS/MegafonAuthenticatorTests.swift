import Connector
import MegafonVATSAdapter
import Testing

@Suite struct MegafonAuthenticatorTests {
    let bench: MegafonWorkbench

    init() throws { bench = try MegafonWorkbench() }

    private static let understood = Authentication.accept(
        WebhookResponse(contentType: "application/json; charset=utf-8", body: Array("{}".utf8)))

    @Test(arguments: ["contact", "event", "history", "rating", "somethingnew"])
    func `what bears the token is answered with an empty object`(command: String) {
        #expect(bench.authenticate("cmd=\(command)&callid=C&crm_token=\(MegafonWorkbench.token)") == Self.understood)
        let json = #" {"cmd": "\#(command)", "callid": "C", "crm_token": "\#(MegafonWorkbench.token)"}"#
        #expect(bench.authenticate(json) == Self.understood)
    }

    @Test(arguments: [
        ("", 401), ("cmd=event&callid=C", 401), ("cmd=event&callid=C&crm_token=", 401),
        ("cmd=event&callid=C&crm_token=wrong", 401),
        ("cmd=event&callid=C&crm_token=crm-0f3c9a52-7d41-4b86-9e1c-2a5d8b7c6e1", 401),
        (#"{"cmd":"event","callid":"C","crm_token":null}"#, 401), (#"{"cmd":"event","callid":"C","crm_token":["x"]}"#, 401),
        ("callid=C&crm_token=crm-0f3c9a52-7d41-4b86-9e1c-2a5d8b7c6e10", 400),
        ("cmd=event&crm_token=crm-0f3c9a52-7d41-4b86-9e1c-2a5d8b7c6e10", 400),
        ("cmd=history&callid=&crm_token=crm-0f3c9a52-7d41-4b86-9e1c-2a5d8b7c6e10", 400),
        ("cmd=%", 400), ("{", 400), (#"{"cmd":}"#, 400),
    ])
    func `what is missing, wrong or unreadable is refused with its own status`(body: String, status: Int) {
        guard case .refuse(status, let reason) = bench.authenticate(body) else {
            Issue.record("\(bench.authenticate(body))")
            return
        }
        #expect(!reason.contains("crm-"))
    }

    @Test func `of two tokens the last one counts, as it does for the reader`() {
        #expect(bench.authenticate("cmd=event&callid=C&crm_token=wrong&crm_token=\(MegafonWorkbench.token)") == Self.understood)
        #expect(bench.authenticate("cmd=event&callid=C&crm_token=\(MegafonWorkbench.token)&crm_token=wrong") != Self.understood)
    }

    @Test func `a command to come needs no call`() {
        #expect(bench.authenticate("cmd=tomorrow&crm_token=\(MegafonWorkbench.token)") == Self.understood)
    }

    @Test(arguments: [
        ["crm_token": ""], ["time_zone": "Europe/Atlantis"], ["base_url": "demo.megapbx.ru"],
        ["base_url": "http://demo.megapbx.ru"],
        ["base_url": "https://demo.megapbx.ru/crmapi"],
    ])
    func `a setting that cannot be used is named`(settings: [String: String]) {
        let error = #expect(throws: SettingsError.self) { try MegafonWorkbench(settings) }
        #expect(error?.setting == settings.keys.first)
    }
}
