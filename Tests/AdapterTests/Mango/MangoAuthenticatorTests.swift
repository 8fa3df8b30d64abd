import Connector
import MangoAdapter
import Testing

@Suite struct MangoAuthenticatorTests {
    let bench: MangoWorkbench

    init() throws { bench = try MangoWorkbench() }

    /// The reference's worked examples.
    @Test(arguments: [
        ("{}", "575ff80e3ea582711cd9320c47146e9bf7259f22ff1ce6cf03c6d4f720f703fa"),
        (#"{"text":"Привет"}"#, "380f40a60e27397c3563120e1844d075bc59639dc736646fb4d8c48dcedc718f"),
        (
            #"{"text":"\u041f\u0440\u0438\u0432\u0435\u0442"}"#,
            "87c17e68b026ab32136e23e15d32386cc3d30b86abcd74334a39a2c3b30e15dc"
        ),
        (
            #"{"command_id":"gw-call-0001","from":{"extension":"101"},"to_number":"79000005678"}"#,
            "2a8b717ce67e4543ee5bdd82622da913a7fc703fe265e82ba710655d6d045df7"
        ),
    ])
    func `the signature covers the JSON exactly as sent`(json: String, sign: String) {
        #expect(bench.authenticate(MangoWorkbench.body(json, sign: sign)) == .accept(.ok))
        #expect(bench.authenticate(MangoWorkbench.body(json, sign: sign.uppercased())) == .accept(.ok))
        #expect(status(MangoWorkbench.body(json + " ", sign: sign)) == 403)
    }

    @Test func `what is missing, wrong or unreadable is refused with its own status`() {
        #expect(status(MangoWorkbench.body("{}", key: nil)) == 401)
        #expect(status("vpbx_api_key=\(MangoWorkbench.key)&json=%7B%7D") == 401)
        #expect(status("") == 401)
        #expect(status(MangoWorkbench.body("{}", key: "another")) == 403)
        #expect(status(MangoWorkbench.body("{}", sign: "00")) == 403)
        #expect(status(MangoWorkbench.body("{}", sign: "")) == 403)
        #expect(status("json=%7") == 400)
    }

    @Test(arguments: ["/ping", "/ping/", "//ping"])
    func `a ping is greeted, but a wrongly signed one shows that the salt is wrong`(path: String) {
        #expect(bench.authenticate(MangoWorkbench.body("{}"), path: path) == .handshake(.ok))
        #expect(bench.authenticate("", path: path) == .handshake(.ok))
        #expect(status(MangoWorkbench.body("{}", sign: "00"), path: path) == 403)
    }

    private func status(_ body: String, path: String = "/events/call") -> Int? {
        guard case .refuse(let status, _) = bench.authenticate(body, path: path) else { return nil }
        return status
    }
}
