import Connector
import Network
import TestSupport
import Testing

@testable import Gateway

/// What a test says of the reconciling.
private struct FixedReconciliation: ReconciliationView {
    let status: ReconciliationStatus

    func reconciliation(of connection: ConnectionID) -> ReconciliationStatus? {
        connection == status.connection ? status : nil
    }
}

@Suite struct CompletenessAPITests {
    private static let bell = ConnectionID("bell")

    /// Three days of calls: by webhook, by both, by history alone.
    private func bench() throws -> GatewayWorkbench {
        let bench = try GatewayWorkbench()
        var batch = DerivedBatch()
        let now = bench.clock.now()
        for day in 0..<3 {
            for (number, sources) in [[CallSource.webhook], [.history, .webhook], [.history], [.history, .system]].enumerated() {
                let at = now.advanced(by: .seconds(Int64(day) * -86_400 + Int64(number)))
                batch.calls.append(
                    CallRow(
                        id: CallID(time: at, rest: UInt128(day * 10 + number)), tenant: .standard, connection: Self.bell,
                        revision: 1, startedAt: at, updatedAt: at, direction: .inbound, disposition: .answered, state: .ended,
                        line: nil, number: nil, mergedInto: nil, isDeleted: false, sources: sources))
            }
        }
        bench.journal.submit(batch)
        _ = bench.journal.save(
            PullState(
                connection: Self.bell, since: now.advanced(by: .seconds(-90_000)), through: now, succeededAt: now, rowCount: 9)
        ) { _ in }
        return bench
    }

    @Test func `each day tells how its calls were seen, and what should be in the history by now and is not`() async throws {
        let bench = try bench()
        try await bench.serve { address in
            for path in ["/api/v1/completeness", "/api/v1/connections/bell/completeness"] {
                let answer = try RawClient.get(address, path).json()
                let days = answer["days"]?.elements ?? []
                #expect(days.map { $0["day"]?.string } == ["2026-02-28", "2026-03-01", "2026-03-02"])
                #expect(days.map { $0["seen_by_webhook"]?.int } == [2, 2, 2])
                #expect(days.map { $0["seen_by_history"]?.int } == [3, 3, 3])
                #expect(days.map { $0["recovered"]?.int } == [2, 2, 2])
                // The oldest day is not known whole, and of the newest rows may still come.
                #expect(days.map { $0["missing"]?.int } == [0, 1, 0])
                #expect(answer["time_zone"]?.string == "UTC")
                #expect(answer["connections"]?[0]?["known_until"]?.string == bench.clock.now().description)
            }
        }
    }

    @Test func `a row that cannot be read is missing on the day it came`() async throws {
        let bench = try bench()
        let raw = RawRecord(
            id: RawID(bits: 7), connection: Self.bell, receivedAt: bench.clock.now(), source: .history, body: Array("?".utf8))
        #expect(bench.journal.append([raw]) { _ in })
        var batch = DerivedBatch()
        batch.decodings = [DecodingRow(position: 1, state: .undecoded, reason: "no row")]
        bench.journal.submit(batch)
        try await bench.serve { address in
            let days = try RawClient.get(address, "/api/v1/completeness").json()["days"]?.elements ?? []
            #expect(days.last?["unread_rows"]?.int == 1 && days.last?["missing"]?.int == 1)
        }
    }

    @Test(arguments: [
        ("?from=2026-03-01T00:00:00Z&to=2026-03-02T00:00:00Z", ["2026-03-01"]),
        ("?from=2026-03-01T23:00:00Z&to=2026-03-02T01:00:00Z", ["2026-03-01", "2026-03-02"]),
        ("?from=2026-01-01T00:00:00Z&to=2026-02-01T00:00:00Z", []),
    ])
    func `whole days are told`(query: String, expected: [String]) async throws {
        let bench = try bench()
        try await bench.serve { address in
            let answer = try RawClient.get(address, "/api/v1/completeness\(query)").json()
            #expect(answer["days"]?.elements.compactMap { $0["day"]?.string } == expected)
        }
    }

    @Test(arguments: [
        "?from=2026-03-02T00:00:00Z&to=2026-03-01T00:00:00Z", "?from=2025-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "?from=x",
        "?day=1",
    ])
    func `a time that is none is a bad request`(query: String) async throws {
        let bench = try bench()
        try await bench.serve { address in
            let answer = try RawClient.get(address, "/api/v1/completeness\(query)")
            #expect(answer.status == 400)
        }
    }

    @Test func `another tenant's connection is not there`() async throws {
        let bench = try bench()
        try await bench.serve { address in
            let path = "/api/v1/connections/bell/completeness"
            #expect(try RawClient.get(address, path, key: GatewayWorkbench.otherSecret).status == 404)
            let all = try RawClient.get(address, "/api/v1/completeness", key: GatewayWorkbench.otherSecret).json()
            #expect(all["connections"]?.elements.count == 0 && all["days"]?.elements.count == 0)
        }
    }

    // MARK: One connection

    @Test func `a connection shows its pulls and whether it is heard, as described`() async throws {
        let bench = try bench()
        var status = ReconciliationStatus(
            connection: Self.bell, plan: ReconcilingPlan(), isActive: true, state: PullState(connection: Self.bell))
        status.state.failure = .init(at: bench.clock.now(), reason: "the key is wrong (401)", count: 3)
        status.nextAt = bench.clock.now()
        let usual = UsualRate(
            (1...672).map { SeenCalls(begin: bench.clock.now().advanced(by: .seconds(-3600 * $0)), seenByWebhook: 60) },
            at: bench.clock.now())
        _ = status.silence.look(usual, heardAt: bench.clock.now().advanced(by: .seconds(-3600)), at: bench.clock.now())
        bench.reconciliation.withLock { $0 = FixedReconciliation(status: status) }
        let routes = GatewayAPI(bench.services).routes
        let description = OpenAPIDescription(routes: routes, version: "0").json
        let check = SchemaCheck(schemas: description["components"]?["schemas"] ?? .null)
        try await bench.serve { address in
            let answer = try RawClient.get(address, "/api/v1/connections/bell").json()
            #expect(check.problems(of: answer, named: "Connection") == [])
            #expect(answer["reconciliation"]?["failure"]?["reason"]?.string == "the key is wrong (401)")
            #expect(answer["hearing"]?["state"]?.string == "silent")
            let all = try RawClient.get(address, "/api/v1/completeness").json()
            #expect(all["connections"]?[0]?["reconciled"]?.bool == true)
        }
    }

    @Test func `silence makes a connection yellow that would be green`() {
        let file = ConnectionDirectory(path: "x", adapters: [BellAdapter.self], environment: ["BELL_KEY": "k"])
        let entry = file.read("adapter: bell\nsettings: {key: env:BELL_KEY}", file: "bell.yaml", as: Self.bell)
        let connection = ProviderConnection(entry, counters: ConnectionCounters(), since: 1)
        let traces = ConnectionHealth.Traces(lastReceivedAt: .base)
        #expect(ConnectionHealth(of: connection, traces).status == .green)
        let silent = ConnectionHealth(of: connection, traces, isSilent: true)
        #expect(silent.status == .yellow && silent.reason.contains("silent"))
    }
}
