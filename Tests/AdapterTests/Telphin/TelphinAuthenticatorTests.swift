import AdapterKit
import Connector
import TelphinAdapter
import Testing

@Suite struct TelphinAuthenticatorTests {
    let bench: TelphinWorkbench

    init() throws { bench = try TelphinWorkbench() }

    @Test func `an event is taken from the body and from the query`() {
        #expect(bench.authenticate("EventType=dial-in&CallID=c") == .accept(.ok))
        #expect(bench.authenticate("", query: "EventType=dial-in&CallID=c") == .accept(.ok))
        #expect(bench.authenticate("anything=1") == .accept(.ok))
    }

    @Test(arguments: ["EventType=call_interactive", "eventtype=CALL_INTERACTIVE", "Event=call_interactive"])
    func `who asks what to do is told nothing, in XML`(body: String) {
        guard case .accept(let answer) = bench.authenticate(body) else {
            Issue.record("refused")
            return
        }
        #expect(answer.status == 200 && answer.contentType == "text/xml; charset=utf-8")
        let text = String(decoding: answer.body, as: UTF8.self)
        #expect(text == #"<?xml version="1.0" encoding="UTF-8"?><Response></Response>"#)
    }

    @Test func `a request without fields is greeted`() {
        #expect(bench.authenticate("") == .handshake(.ok))
        #expect(bench.authenticate("&&") == .handshake(.ok))
    }

    @Test func `what cannot be read is refused`() {
        for answer in [bench.authenticate("EventType=%4"), bench.authenticate("", query: "a=%zz")] {
            guard case .refuse(400, _) = answer else {
                Issue.record("\(answer)")
                continue
            }
        }
    }

    @Test func `the token in the address must be there`() {
        let token = TelphinAdapter.descriptor.settings.first { $0.name == CommonSettings.urlToken.name }
        #expect(token?.isRequired == true)
        #expect(token?.kind == .secret)
    }

    @Test(arguments: [["base_url": "apiproxy.telphin.ru"], ["queues": "700, sales"], ["queues": "700,,701x"]])
    func `a setting that cannot be used is named`(settings: [String: String]) {
        let error = #expect(throws: SettingsError.self) { try TelphinWorkbench(settings) }
        #expect(error?.setting == settings.keys.first)
    }
}
