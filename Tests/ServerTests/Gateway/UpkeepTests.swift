import Connector
import TestSupport
import Testing

@testable import Gateway

/// What the API shows of what a connection keeps alive.
@Suite struct UpkeepTests {
    private static let since = Instant(unixSeconds: 1_772_442_000)

    private static func kept(_ condition: Upkeep.Condition, remedy: String? = nil) -> UpkeepStatus {
        let items = [
            Upkeep.Item(name: "102", isKept: false, problem: "no answer"),
            Upkeep.Item(name: "101", isKept: true, until: since),
        ]
        return UpkeepStatus(
            upkeep: Upkeep(condition, "1 of 2 are held", remedy: remedy, wanted: 2, kept: 1, items: items), since: since)
    }

    /// A connection that has heard its provider, and is green for that.
    private func serve(_ body: (GatewayWorkbench, _ connection: () throws -> JSONValue) throws -> Void) async throws {
        let bench = try GatewayWorkbench()
        try await bench.serve { address in
            _ = try RawClient.post(address, "/hooks/bell", body: "a", key: nil, headers: "X-Bell: hush\r\n")
            try body(bench) { try RawClient.get(address, "/api/v1/connections/bell").json() }
            let list = try RawClient.get(address, "/api/v1/connections").json()
            #expect(list["connections"]?[0]?["upkeep"]?["items"] == nil, "names stand where one connection is asked for")
        }
    }

    @Test func `a connection shows what it keeps alive, as the description says`() async throws {
        try await serve { bench, connection in
            bench.upkeep.withLock { $0 = Self.kept(.impaired, remedy: "wait") }
            let shown = try connection()
            let upkeep = try #require(shown["upkeep"])
            #expect(upkeep["condition"]?.string == "impaired")
            #expect(upkeep["summary"]?.string == "1 of 2 are held")
            #expect(upkeep["remedy"]?.string == "wait")
            #expect(upkeep["since"]?.string == "2026-03-02T09:00:00.000Z")
            #expect(upkeep["items"]?[0]?["problem"]?.string == "no answer")
            #expect(upkeep["items"]?[1]?["until"]?.string == "2026-03-02T09:00:00.000Z")
            let check = SchemaCheck(schemas: .object(Schemas.all))
            #expect(check.problems(of: shown, named: "Connection") == [])
        }
    }

    @Test func `its health is as good as what it keeps alive`() async throws {
        try await serve { bench, connection in
            func health() throws -> [String?] {
                let health = try connection()["health"]
                return [health?["status"]?.string, health?["reason"]?.string]
            }
            let first = try health()
            #expect(first == ["green", "hears the provider"])
            #expect(try connection()["upkeep"] == .null)
            for (condition, color) in [(Upkeep.Condition.starting, "green"), (.good, "green")] {
                bench.upkeep.withLock { $0 = Self.kept(condition) }
                #expect(try health() == [color, "hears the provider"])
            }
            bench.upkeep.withLock { $0 = Self.kept(.impaired, remedy: "set `public_url`") }
            #expect(try health() == ["yellow", "1 of 2 are held: set `public_url`"])
            bench.upkeep.withLock { $0 = Self.kept(.failing) }
            #expect(try health() == ["red", "1 of 2 are held"])
        }
    }

    @Test func `a keeper that failed is in trouble whatever it said before`() {
        var status = Self.kept(.good)
        status.failure = ProviderFailure(.unauthorized, code: "401", text: "no")
        #expect(status.condition == .impaired)
        #expect(status.sentence == "no (401); 1 of 2 are held: check the connection's credentials")
        status.upkeep = Upkeep(.starting, "has only begun")
        #expect(status.condition == .failing)
        #expect(status.summary == "no (401)")
    }
}
