import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite struct InboxTests {
    private func fill(_ bench: GatewayWorkbench, _ address: SocketAddress, count: Int) throws {
        for number in 0..<count {
            _ = try RawClient.post(
                address, "/hooks/bell", body: "number=\(number)&sign=abcdef&from=79000001234", key: nil,
                headers: "X-Bell: hush\r\n")
        }
    }

    @Test func `the inbox pages newest first and masks secrets and numbers`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            try fill(bench, address, count: 3)
            let page = try RawClient.get(address, "/api/v1/inbox?limit=2").json()
            #expect(
                page["requests"]?.elements.map { $0["body"]?.string }
                    == ["number=2&sign=***&from=7900***1234", "number=1&sign=***&from=7900***1234"])
            let next = try RawClient.get(address, "/api/v1/inbox?limit=2&cursor=\(page["next_cursor"]?.string ?? "")").json()
            #expect(next["requests"]?.elements.count == 1)
            #expect(next["has_more"]?.bool == false)
        }
    }

    @Test func `a state and a connection narrow the inbox; a foreign one is not found`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            try fill(bench, address, count: 2)
            var batch = DerivedBatch()
            batch.decodings = [DecodingRow(position: 1, state: .undecoded, reason: "odd")]
            bench.journal.submit(batch)
            let page = try RawClient.get(address, "/api/v1/inbox?state=undecoded&connection=bell").json()
            #expect(page["requests"]?.elements.map { $0["reason"]?.string } == ["odd"])
            let other = GatewayWorkbench.otherSecret
            #expect(try RawClient.get(address, "/api/v1/inbox", key: other).json()["requests"]?.elements == [])
            #expect(try RawClient.get(address, "/api/v1/inbox?connection=bell", key: other).status == 404)
            let id = bench.journal.rawRecords[0].id
            #expect(try RawClient.get(address, "/api/v1/inbox/\(id)").status == 200)
            #expect(try RawClient.get(address, "/api/v1/inbox/\(id)", key: other).status == 404)
        }
    }

    @Test func `a replay asks for an Idempotency-Key and is done once for it`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let path = "/api/v1/inbox/replay"
            let body = #"{"state":"undecoded"}"#
            let without = try RawClient.post(address, path, body: body)
            #expect(without.status == 400)
            #expect(try without.code == "idempotency-key-missing")
            let key = "Idempotency-Key: one\r\n"
            let first = try RawClient.post(address, path, body: body, headers: key)
            let second = try RawClient.post(address, path, body: body, headers: key)
            #expect(first.status == 200)
            #expect(first.text == second.text)
            #expect(bench.replayer.requests.withLock { $0.count } == 1)
            let other = try RawClient.post(address, path, body: "{}", headers: key)
            #expect(other.status == 422)
            #expect(try other.code == "idempotency-key-reused")
            let selection = bench.replayer.requests.withLock { $0.first?.selection }
            #expect(selection == ReplaySelection(connections: [ConnectionID("bell")], state: .undecoded))
        }
    }

    @Test func `a dry run needs no key and changes nothing`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            try fill(bench, address, count: 1)
            let id = bench.journal.rawRecords[0].id
            let answer = try RawClient.post(address, "/api/v1/inbox/\(id)/replay?dry_run=true")
            #expect(answer.status == 200)
            #expect(try answer.json()["dry_run"]?.bool == true)
            #expect(bench.replayer.requests.withLock { $0.map(\.dryRun) } == [true])
        }
    }

    @Test(arguments: [(LedgerError.Code.busy, "ledger-busy"), (.begunAnew, "ledger-busy"), (.ending, "ending")])
    func `a replay that the ledger cannot do now is a problem to come back with, and is tried anew then`(
        code: LedgerError.Code, expected: String
    ) async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let key = "Idempotency-Key: one\r\n"
            bench.replayer.refusal.withLock { $0 = LedgerError(code: code, message: "as asked", hint: "none") }
            let refused = try RawClient.post(address, "/api/v1/inbox/replay", body: "{}", headers: key)
            #expect(refused.status == 503)
            #expect(try refused.code == expected)
            #expect(refused.header("Retry-After") != nil)
            bench.replayer.refusal.withLock { $0 = nil }
            #expect(try RawClient.post(address, "/api/v1/inbox/replay", body: "{}", headers: key).status == 200)
        }
    }

    @Test func `a request older than requests are kept is gone, whoever asks; a younger one was never there`() async throws {
        let bench = try GatewayWorkbench()
        let now = bench.clock.now()
        let old = RawID(time: now.advanced(by: .zero - GatewayWorkbench.rawRetention), rest: 1)
        let young = RawID(time: now.advanced(by: .seconds(1) - GatewayWorkbench.rawRetention), rest: 1)
        try await bench.serve { address in
            for key in [GatewayWorkbench.adminSecret, GatewayWorkbench.otherSecret] {
                let answer = try RawClient.get(address, "/api/v1/inbox/\(old)", key: key)
                #expect(answer.status == 410)
                #expect(try answer.code == "request-removed")
                #expect(answer.text.contains("`retention.raw`"))
                #expect(try RawClient.post(address, "/api/v1/inbox/\(old)/replay?dry_run=true", key: key).status == 410)
                #expect(try RawClient.get(address, "/api/v1/inbox/\(young)", key: key).status == 404)
            }
        }
    }

    @Test func `an unknown field of the body is named`() async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            let answer = try RawClient.post(
                address, "/api/v1/inbox/replay?dry_run=true", body: #"{"stat":"x","received_from":5}"#)
            #expect(answer.status == 400)
            #expect(try answer.json()["errors"]?.elements.map { $0["field"]?.string } == ["stat", "received_from"])
            #expect(try RawClient.post(address, "/api/v1/inbox/replay?dry_run=true", body: "[").status == 400)
        }
    }
}

@Suite struct MaskingTests {
    @Test(arguments: [
        ("+79000001234", "+7900***1234"), ("79000001234", "7900***1234"), ("101", "101"), ("123456", "***56"),
    ]) func `a number keeps its ends only`(number: String, masked: String) {
        #expect(Masking.maskNumber(number) == masked)
    }

    @Test(arguments: [
        ("caller=+79000001234&x=1", "caller=+7900***1234&x=1"), ("%2279000001234%22", "%227900***1234%22"),
        ("\"to\":\"84950000001\"", "\"to\":\"8495***0001\""), ("at=1772442000", "at=1772442000"),
        ("id=a79000001234b", "id=a79000001234b"), ("1772442000123", "1772442000123"), ("9000001234", "9000***34"),
    ]) func `whole numbers are masked wherever they stand, times and names are not`(text: String, masked: String) {
        #expect(String(decoding: Masking.maskNumbers(in: Array(text.utf8)), as: UTF8.self) == masked)
    }

    @Test func `secrets of forms and of JSON are hidden`() {
        func form(_ text: String) -> String { String(decoding: InboxEncoding.maskFormSecrets(Array(text.utf8)), as: UTF8.self) }
        func json(_ text: String) -> String { String(decoding: InboxEncoding.maskJSONSecrets(Array(text.utf8)), as: UTF8.self) }
        #expect(form("vpbx_api_key=a&sign=b&json={}&") == "vpbx_api_key=***&sign=***&json={}&")
        #expect(json(#"{"a":[{"Token":"x","n":1}]}"#) == #"{"a":[{"Token":"***","n":1}]}"#)
        #expect(json(#"{"token":"x"#) == "(no JSON: JSON: truncated at byte 11, 11 bytes)")
    }

    @Test func `random bytes trap nothing`() {
        var generator = SeededRandom(seed: 11)
        for _ in 0..<2000 {
            let count = Int.random(in: 0...80, using: &generator)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = Masking.maskNumbers(in: bytes)
            _ = InboxEncoding.maskFormSecrets(bytes)
        }
    }

    @Test func `a log line cannot be forged by a value`() {
        let line = LogfmtLog.line(
            at: Instant(milliseconds: 0), .info, "webhook.refused", [LogField("reason", "a b\nlevel=error"), LogField("n", "1")])
        #expect(
            String(decoding: line, as: UTF8.self)
                == "time=1970-01-01T00:00:00.000Z level=info event=webhook.refused reason=\"a b\\nlevel=error\" n=1\n")
    }

    @Test func `a token that a provider says back is masked, and the paths it appends are not`() {
        func masked(_ text: String) -> String {
            String(decoding: InboxEncoding.maskToken(Array(text.utf8), of: ConnectionID("bell")), as: UTF8.self)
        }
        let token = "0123456789abcdef-_XYZ"
        #expect(masked("<uri>https://gw/hooks/bell/\(token)</uri>") == "<uri>https://gw/hooks/bell/***</uri>")
        #expect(masked("/hooks/bell/\(token)/events/call /hooks/bell/\(token)") == "/hooks/bell/***/events/call /hooks/bell/***")
        // A body is shown up to a limit, which may cut a token.
        #expect(masked("/hooks/bell/\(token.prefix(9))") == "/hooks/bell/***")
        for plain in ["/hooks/bell/events/call", "/hooks/other/\(token)", "/hooks/bell", "", "hooks/bell/\(token)"] {
            #expect(masked(plain) == plain)
        }
    }
}
