import Connector
import Testing
import ZadarmaAdapter

@Suite struct ZadarmaAuthenticatorTests {
    let bench: ZadarmaWorkbench

    init() throws { bench = try ZadarmaWorkbench() }

    private static let start =
        "event=NOTIFY_START&caller_id=79000000101&called_did=79000000010&call_start=2026-11-02+10%3A15%3A20"

    /// The reference's worked example, in both forms.
    @Test(arguments: ["NWUzMGE0YWUyNTE0N2ExYzZiMGFkMTZiZjg5NmUyZjFjOTI4ZjIxMA==", "XjCkriUUehxrCtFr+Jbi8cko8hA="])
    func `both forms of the signature are taken`(signature: String) {
        #expect(bench.authenticate(bench.raw(Self.start, signature: signature)) == .accept(.ok))
        #expect(status(Self.start.replacing("0101", with: "0199"), signature) == 403)
        #expect(status(Self.start, signature.lowercased()) == 403)
    }

    @Test(arguments: [
        ("event=NOTIFY_INTERNAL&caller_id=1&called_did=2&call_start=3&internal=9", "123"),
        ("event=NOTIFY_END&caller_id=1&called_did=2&call_start=3&internal=9&duration=7", "123"),
        ("event=NOTIFY_IVR&caller_id=1&called_did=2&call_start=3", "123"),
        ("event=NOTIFY_ANSWER&caller_id=1&destination=2&call_start=3&internal=9", "123"),
        ("event=NOTIFY_OUT_START&internal=1&destination=2&call_start=3&caller_id=9", "123"),
        ("event=NOTIFY_OUT_END&internal=1&destination=2&call_start=3&caller_id=9", "123"),
        ("event=NOTIFY_RECORD&pbx_call_id=1&call_id_with_rec=2", "12"),
        ("event=SMS&result=%7B%22a%22%3A+1%7D", #"{"a": 1}"#),
        ("event=SPEECH_RECOGNITION&result=x&call_id=9", "x"), ("event=NUMBER_LOOKUP&result=x", "x"),
        ("event=CALL_TRACKING&result=x", "x"),
        // A hidden caller's empty number, and a field that is not there, count as nothing.
        ("event=NOTIFY_START&caller_id=&called_did=2&call_start=3", "23"), ("event=NOTIFY_START&called_did=2&call_start=3", "23"),
        // Kinds that are not known are tried against every signed text that is.
        ("event=NOTIFY_INTERNAL_END&caller_id=1&called_did=2&call_start=3", "123"),
        ("event=TOMORROW&internal=1&destination=2&call_start=3", "123"), ("event=DOCUMENT&result=x", "x"),
    ])
    func `each event has its own signed text`(body: String, text: String) {
        #expect(bench.authenticate(bench.raw(body, signature: ZadarmaWorkbench.sign(text))) == .accept(.ok))
        #expect(status(body, ZadarmaWorkbench.sign(text + "0")) == 403)
        #expect(status(body, nil) == 401)
    }

    @Test func `the signature of nothing proves nothing`() {
        #expect(status("event=NOTIFY_START", ZadarmaWorkbench.sign("")) == 403)
        #expect(status("event=TOMORROW", ZadarmaWorkbench.sign("")) == 403)
    }

    @Test func `what cannot be read or names no event is refused`() {
        #expect(status("event=%", "x") == 400)
        #expect(status("", nil) == 401)
        #expect(status("caller_id=1", "x") == 401)
        #expect(status("{}", "x", type: "application/json") == 400)
        #expect(status("x", "x", type: "multipart/form-data") == 400)
    }

    @Test func `a multipart body is read`() {
        let body =
            "--b\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nSMS\r\n--b\r\nContent-Disposition: form-data; name=\"result\"\r\n\r\nx\r\n--b--\r\n"
        let raw = bench.raw(body, signature: ZadarmaWorkbench.sign("x"), type: "multipart/form-data; boundary=b")
        #expect(bench.authenticate(raw) == .accept(.ok))
    }

    @Test func `the address check gets its value back, by GET and by POST`() {
        let answer = Authentication.handshake(WebhookResponse(body: Array("6f1d2c3b4a".utf8)))
        #expect(bench.authenticate(bench.raw("", method: "GET", query: "zd_echo=6f1d2c3b4a")) == answer)
        #expect(bench.authenticate(bench.raw("zd_echo=6f1d2c3b4a")) == answer)
    }

    @Test(arguments: ["", "%3Cscript%3E", "a+b", "%D0%AF", String(repeating: "a", count: 65)])
    func `only short plain text is echoed`(value: String) {
        guard case .refuse(400, _) = bench.authenticate(bench.raw("", method: "GET", query: "zd_echo=\(value)")) else {
            Issue.record("echoed")
            return
        }
    }

    @Test func `an unknown time zone is an error with a hint`() {
        #expect(throws: SettingsError.self) { try ZadarmaWorkbench(timeZone: "Europe/Atlantis") }
    }

    private func status(_ body: String, _ signature: String?, type: String? = nil) -> Int? {
        guard case .refuse(let status, _) = bench.authenticate(bench.raw(body, signature: signature, type: type)) else {
            return nil
        }
        return status
    }
}
