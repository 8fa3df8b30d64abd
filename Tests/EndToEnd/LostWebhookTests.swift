import AdapterKit
import Connector
import DoubleServer
import Glibc
import HTTPClient
import Network
import TestSupport
import Testing
import VendorSimulators

extension EndToEnd {
    /// Webhooks that never arrive: Zadarma's double, the gateway's own process and a CRM, over real sockets.
    struct LostWebhookTests {
        private static let outcomes = [
            "79000000101": "answered", "79000000102": "answered", "79000000103": "answered", "79000000104": "answered",
            "79000000105": "answered", "79000000217": "busy", "79000000219": "no_answer", "79000000319": "no_answer",
        ]

        @Test(.timeLimit(.minutes(3)))
        func `calls whose webhooks are lost come back out of the vendor's history, each once and as it was`() async throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey(scope: "read,command")
            var gateway = try premises.open()
            // The vendor's calls begin an hour ago and are over when the gateway asks for them.
            let vendor = try ZadarmaOnWire(gateway: gateway.port, at: Instant(unixSeconds: Int64(time(nil)) - 3600))
            try await vendor.serve { address in
                try premises.write(
                    "zadarma",
                    """
                    adapter: zadarma
                    settings: {key: env:KOMMUTATOR_TEST_ZADARMA_KEY, secret: file:secrets/zadarma-secret, base_url: "\(address)"}
                    """)
                #expect(gateway.log.count(of: "event=connections.loaded", reaching: 2, within: .seconds(20)) == 2)
                try Self.order(CRMClient(gateway, key: key))
                vendor.waitForCallbacks(Self.outcomes.count)
                gateway.kill(SIGTERM)
                #expect(gateway.waitForEnd() == .exited(0))
                vendor.clock.advance(by: .seconds(900))
                gateway = try premises.open()
                let crm = try CRMClient(gateway, key: key)
                try Self.waitForHistory(crm)
                try Self.expectTruth(crm)
                gateway.kill(SIGTERM)
                #expect(gateway.waitForEnd() == .exited(0))
            }
        }

        private static func order(_ crm: CRMClient) throws {
            for number in outcomes.keys.sorted() {
                let answer = try crm.post(
                    "/calls", ["Idempotency-Key: \(number)"],
                    body: #"{"from":{"extension":"101"},"to":"\#(number)","connection":"zadarma"}"#)
                #expect(answer.status == 202, "\(answer.text)")
            }
        }

        private static func waitForHistory(_ crm: CRMClient) throws {
            var next: String?
            for _ in 0..<60 {
                let state = try crm.json("/connections/zadarma")["reconciliation"]
                if state?["rows"]?.int == outcomes.count, state?["running"]?.bool == false { return try crm.waitForLedger() }
                next = try crm.page(after: next, wait: 1).next
            }
            throw SystemFailure("no history: \(try crm.json("/connections/zadarma"))")
        }

        private static func expectTruth(_ crm: CRMClient) throws {
            let calls = try crm.all("calls", at: "/calls?connection=zadarma")
            #expect(calls.count == outcomes.count)
            for call in calls {
                let number = call["external_party"]?["number"]?["raw"]?.string ?? "none"
                #expect(call["disposition"]?.string == outcomes[number], "\(number)")
                #expect(call["direction"]?.string == "outbound" && call["state"]?.string == "ended")
                #expect(call["sources"]?.elements.contains("history") == true)
                if outcomes[number] == "answered" { #expect(call["owner_user_id"]?.string == "zadarma/101") }
            }
            #expect(Set(calls.compactMap { $0["external_party"]?["number"]?["raw"]?.string }).count == outcomes.count)
            let days = try crm.json("/connections/zadarma/completeness")["days"]?.elements ?? []
            func sum(_ name: String) -> Int { days.reduce(0) { $0 + ($1[name]?.int ?? 0) } }
            #expect(sum("seen_by_history") == outcomes.count && sum("missing") == 0)
            #expect(sum("recovered") > 0 && sum("recovered") + sum("seen_by_webhook") == outcomes.count)
        }
    }
}

/// Zadarma's API made up, behind a socket, whose webhooks are mostly lost.
private final class ZadarmaOnWire: Sendable {
    let clock: ManualClock
    private let stage: DoubleStage<ContinuousClock>
    private let outgoing: OutgoingHTTP
    private let callbacks = Guarded(0)
    private let bell = Bell()

    init(gateway port: UInt16, at start: Instant) throws {
        clock = ManualClock(start)
        let settings = AdapterSettings(
            connection: ConnectionID("zadarma"),
            values: ["key": VendorCall.Secrets.zadarmaKey, "secret": VendorCall.Secrets.zadarmaSecret])
        let faults = DoubleFaults(lostShare: 0.8, repeatedShare: 0.3)
        outgoing = try OutgoingHTTP()
        let (callbacks, bell) = (callbacks, bell)
        stage = DoubleStage(
            try ZadarmaDouble(settings: settings, faults: faults, seed: 11), faults: faults,
            gateway: "http://127.0.0.1:\(port)/hooks/zadarma", over: outgoing, clock: ContinuousClock(), timekeeper: clock,
            speed: nil, seed: 11
        ) { news in
            guard case .answered(_, "/v1/request/callback/", 200) = news else { return }
            callbacks.withLock { $0 += 1 }
            bell.ring()
        }
    }

    func waitForCallbacks(_ count: Int) { bell.wait(within: .seconds(30)) { callbacks.withLock { $0 >= count } } }

    /// Serves for the length of `body`.
    func serve(_ body: (String) async throws -> Void) async throws {
        let server = try DoubleServer(stage, on: SocketAddress("127.0.0.1:0"), timekeeper: clock)
        let (addresses, ready) = AsyncStream.makeStream(of: String.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.run { ready.yield($0) } }
            for await address in addresses {
                try await body(address)
                break
            }
            group.cancelAll()
        }
        await outgoing.shutdown()
    }
}
