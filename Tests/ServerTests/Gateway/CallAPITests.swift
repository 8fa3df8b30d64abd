import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

@Suite struct CallAPITests {
    @Test func `pages of the call log come newest first and end`() async throws {
        let bench = try GatewayWorkbench()
        let ids = (1...5).map { bench.addCall($0).description }
        try await bench.serve { address in
            var query = "?limit=2"
            var seen: [String?] = []
            for _ in 0..<3 {
                let page = try RawClient.get(address, "/api/v1/calls\(query)").json()
                seen += (page["calls"]?.elements ?? []).map { $0["id"]?.string }
                query = "?limit=2&cursor=\(page["next_cursor"]?.string ?? "")"
            }
            #expect(seen == ids.reversed())
        }
    }

    @Test(arguments: [
        ("?direction=outbound", [2]), ("?number=%2B79000009999", [3]), ("?number=+79000009999", [3]), ("?employee=17", []),
        ("?started_from=2026-03-02T09:00:03Z", [3]), ("?started_to=2026-03-02T09:00:02Z", [1]),
        ("?updated_since=2026-03-02T12:00:02.5%2B03:00", [3]), ("?connection=none", []), ("?state=ringing", []),
        ("?disposition=answered&line=%2B74950000001", [3, 2, 1]),
    ]) func `a filter leaves what matches`(query: String, expected: [Int]) async throws {
        let bench = try GatewayWorkbench()
        let ids = [
            bench.addCall(1), bench.addCall(2, direction: .outbound), bench.addCall(3, external: "+79000009999"),
        ].map(\.description)
        try await bench.serve { address in
            let page = try RawClient.get(address, "/api/v1/calls\(query)").json()
            #expect((page["calls"]?.elements ?? []).map { $0["id"]?.string } == expected.map { ids[$0 - 1] })
        }
    }

    @Test func `CSV and NDJSON stream the whole selection, page by page`() async throws {
        let bench = try GatewayWorkbench()
        for number in 1...1203 { bench.addCall(number, name: number == 1 ? "=HYPERLINK(1), \\\"x\\\"" : "Anna") }
        try await bench.serve { address in
            let csv = try RawClient.get(address, "/api/v1/calls", headers: "Accept: text/csv\r\n")
            #expect(csv.header("Content-Type") == "text/csv; charset=utf-8; header=present")
            let lines = csv.text.split(separator: "\r\n")
            #expect(lines.count == 1204)
            #expect(lines[0].hasPrefix("id,started_at,answered_at"))
            #expect(lines[1].contains(",+79000001234,79000001234,Anna,+74950000001,site,17,7000,120000,,127000,"))
            #expect(lines[1203].contains("\"'=HYPERLINK(1), \"\"x\"\"\""))
            let ndjson = try RawClient.get(
                address, "/api/v1/calls?direction=inbound", headers: "Accept: application/x-ndjson\r\n")
            let records = ndjson.text.split(separator: "\n")
            #expect(records.count == 1203)
            #expect(try Set(records.map { try JSONValue(parsing: String($0))["id"]?.string }).count == 1203)
        }
    }

    @Test func `a call has its revision as ETag`() async throws {
        let bench = try GatewayWorkbench()
        let id = bench.addCall(1, revision: 4)
        try await bench.serve { address in
            let path = "/api/v1/calls/\(id)"
            let answer = try RawClient.get(address, path)
            #expect(answer.status == 200)
            #expect(answer.header("ETag") == "\"4\"")
            for tag in ["\"4\"", "W/\"4\"", "\"3\", \"4\"", "*"] {
                let same = try RawClient.get(address, path, headers: "If-None-Match: \(tag)\r\n")
                #expect(same.status == 304)
                #expect(same.body.isEmpty)
            }
            #expect(try RawClient.get(address, path, headers: "If-None-Match: \"5\"\r\n").status == 200)
        }
    }

    @Test func `merged, deleted, foreign and unknown calls answer 301, 410 and 404`() async throws {
        let bench = try GatewayWorkbench()
        let survivor = bench.addCall(1)
        let loser = bench.addCall(2, mergedInto: survivor)
        let deleted = bench.addCall(3, isDeleted: true)
        let foreign = bench.addCall(4, tenant: "other")
        try await bench.serve { address in
            let merged = try RawClient.get(address, "/api/v1/calls/\(loser)/events")
            #expect(merged.status == 301)
            #expect(merged.header("Location") == "/api/v1/calls/\(survivor)/events")
            #expect(try RawClient.get(address, "/api/v1/calls/\(deleted)").status == 410)
            for id in [foreign.description, "call_x", "evt_01932f0a-7d3c-7abc-9def-0123456789ab"] {
                #expect(try RawClient.get(address, "/api/v1/calls/\(id)").status == 404)
            }
        }
    }

    @Test func `events are shown in their public shape, the explanation as it stands`() async throws {
        let bench = try GatewayWorkbench()
        let id = bench.addCall(1)
        let ending = CallEvent.make("end", type: .ended, at: 5, ending: EndReport(reason: .noAnswer))
        var batch = DerivedBatch()
        batch.events = [EventRow(id: ending.id, call: id, rawPosition: 1, body: ending.encoded())]
        bench.journal.submit(batch)
        try await bench.serve { address in
            let events = try JSONValue(parsing: RawClient.get(address, "/api/v1/calls/\(id)/events").text)
            let event = try #require(events["events"]?.elements.first)
            #expect(event["id"]?.string == ending.id.description)
            #expect(event["call_id"]?.string == id.description)
            #expect(event["seq"]?.int == 1)
            #expect(event["type"]?.string == "call.ended")
            #expect(event["occurred_at"]?.string == ending.occurredAt.description)
            #expect(event["inbound_id"]?.string == ending.rawID.description)
            #expect(event["data"]?["end"]?["reason"]?.string == "no_answer")
            #expect(event["participant_id"] == .null)
            #expect(event["adapter"] == ["name": "bell", "version": "1"])
            let explanation = try RawClient.get(address, "/api/v1/calls/\(id)/explain")
            #expect(explanation.text == "{\"call_id\":\"\(id)\"}")
        }
    }

    @Test func `an event tells which of the record's participants it is about`() async throws {
        let bench = try GatewayWorkbench()
        let client = Party.external(number: "79000001234")
        let employee = Party.user(extension: "101", endpoint: "sip:101")
        let told: [(CallEvent, Participant.Kind?)] = [
            (
                .make(
                    "menu", type: .routeStep,
                    leg: LegReport(key: "l1", phase: .answered, from: client, to: .ivr(ref: "Main menu"))), .ivr
            ),
            (.make("ring", type: .ringing, at: 5, leg: LegReport(key: "l2", phase: .ringing, from: client, to: employee)), .user),
            // Who is called is known from another event of the leg.
            (.make("answer", type: .answered, at: 9, leg: LegReport(key: "l2", phase: .answered, from: client)), .user),
            (.make("out", at: 10, leg: LegReport(key: "l3", phase: .ringing, from: client)), .external),
            (.make("note", at: 20, custom: [CustomField("a", "b")]), nil),
            (.make("end", type: .ended, at: 30, ending: EndReport(reason: .normal, answered: true, user: employee)), .user),
        ]
        let ledger = CallLedger(reader: try bench.journal.makeReader(), numbering: PlainNumbering())
        var batch = DerivedBatch()
        let profile = ConnectionProfile(id: ConnectionID("bell"), provider: "bell")
        for (event, _) in told {
            try ledger.apply([event], of: .telling(event, to: profile), profile: profile, into: &batch)
        }
        bench.journal.submit(batch)
        let id = try #require(batch.calls.first).id
        try await bench.serve { address in
            let call = try RawClient.get(address, "/api/v1/calls/\(id)").json()
            let kinds = Dictionary(
                uniqueKeysWithValues: (call["participants"]?.elements ?? []).map { ($0["id"]?.string ?? "", $0["kind"]?.string) })
            let events = try RawClient.get(address, "/api/v1/calls/\(id)/events").json()["events"]?.elements ?? []
            let found = events.map { $0["participant_id"]?.string.map { kinds[$0] ?? "stranger" } ?? nil }
            #expect(found == told.map { $0.1?.rawValue })
        }
    }

    @Test func `the gateway's own events have no adapter`() async throws {
        let bench = try GatewayWorkbench()
        let id = bench.addCall(1)
        var closing = CallEvent.make("end", type: .ended, at: 5, ending: EndReport(reason: .unknown, isStale: true))
        closing.source = .system
        var batch = DerivedBatch()
        batch.events = [EventRow(id: closing.id, call: id, rawPosition: 1, body: closing.encoded())]
        bench.journal.submit(batch)
        try await bench.serve { address in
            let events = try RawClient.get(address, "/api/v1/calls/\(id)/events").json()
            #expect(events["events"]?[0]?["adapter"] == .null)
        }
    }

    @Test func `an event that cannot be read is named, not left out`() async throws {
        let bench = try GatewayWorkbench()
        let id = bench.addCall(1)
        let ending = CallEvent.make("end", type: .ended, at: 5, ending: EndReport(reason: .noAnswer))
        var batch = DerivedBatch()
        batch.events = [EventRow(id: ending.id, call: id, rawPosition: 1, body: Array("{}".utf8))]
        bench.journal.submit(batch)
        try await bench.serve { address in
            let answer = try RawClient.get(address, "/api/v1/calls/\(id)/events")
            #expect(answer.status == 500)
            #expect(try answer.code == "event-unreadable")
            #expect(answer.text.contains(ending.id.description))
            #expect(bench.log.text.contains(ending.id.description))
        }
    }
}
