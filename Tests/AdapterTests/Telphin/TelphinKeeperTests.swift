import Connector
import TestSupport
import Testing

@testable import TelphinAdapter

/// How the extensions are told where to send their events.
@Suite struct TelphinKeeperTests {
    private static let credentials = ["client_id": "app-0001", "client_secret": TelphinClientTests.secret]
    private static let token = #"{"access_token":"t"}"#
    private static let phones = #"[{"id":1,"name":"0000*101","type":"ivr"},{"id":2,"name":"0000*102","type":"ivr"}]"#

    private func answer(_ status: Int, _ body: String) -> Result<OutgoingResponse, OutgoingError> {
        .success(OutgoingResponse(status: status, body: Array(body.utf8)))
    }

    private func keeper(_ outgoing: CannedOutgoing) throws -> any ConnectionKeeper {
        try #require(TelphinWorkbench(Self.credentials).adapter.makeClient(outgoing)?.keeper)
    }

    @Test func `an extension that fails hinders no other, is tried again, and the address is not told`() async throws {
        let outgoing = CannedOutgoing([
            answer(200, Self.token), answer(200, Self.phones), answer(200, "[]"),
            answer(400, #"{"message":"no room for \#(KeeperBench.address)"}"#), answer(200, "[]"), answer(201, "{}"),
            answer(200, Self.phones), answer(200, "[]"), answer(201, "{}"),
            answer(200, #"[{"url":"\#(KeeperBench.address)","event_type":"hangup"}]"#),
        ])
        let bench = KeeperBench()
        try await bench.running(try keeper(outgoing)) {
            #expect(await bench.pause.waitForSleepers())
            let problem = "the provider answered 400: no room for *** (400)"
            #expect(
                bench.upkeep
                    == Upkeep(
                        .impaired, "1 of 2 extensions tell of their calls; \(problem)",
                        remedy: "it is tried again by itself; calls of these extensions are missed meanwhile", wanted: 2, kept: 1,
                        items: [.init(name: "101", isKept: false, problem: problem)]))
            #expect(bench.pause.ends == [bench.now.advanced(by: TelphinKeeper.shortestPause)])
            bench.pause.advance(by: TelphinKeeper.shortestPause)
            #expect(await bench.reported(2))
            #expect(bench.upkeep == Upkeep(.good, "2 of 2 extensions tell of their calls", wanted: 2, kept: 2))
            #expect(await bench.pause.waitForSleepers())
            #expect(bench.pause.ends == [bench.now.advanced(by: TelphinKeeper.interval)])
        }
        #expect(outgoing.requests.count == 10)
        #expect(outgoing.requests[5].text.contains(KeeperBench.address))
    }

    @Test func `a gateway that does not know its own address says what to do`() async throws {
        let outgoing = CannedOutgoing([])
        let bench = KeeperBench(address: nil)
        try await bench.running(try keeper(outgoing)) {
            #expect(await bench.stands { $0.condition == .impaired && $0.remedy?.contains("public_url") == true })
        }
        #expect(outgoing.requests.isEmpty)
    }

    @Test(arguments: [(401, ProviderFailure.Kind.unauthorized), (429, .limited)])
    func `what concerns all extensions ends the attempt`(status: Int, kind: ProviderFailure.Kind) async throws {
        let refused = answer(status, "{}")
        let outgoing = CannedOutgoing([
            answer(200, Self.token), answer(200, Self.phones), refused, answer(200, Self.token), refused,
        ])
        let keeper = try keeper(outgoing)
        let bench = KeeperBench()
        let failure = await #expect(throws: ProviderFailure.self) { try await keeper.run(bench.context) }
        #expect(failure?.kind == kind)
        #expect(bench.upkeep == nil)
    }

    @Test func `a server that does not answer again and again ends the attempt`() async throws {
        let many = (1...9).map { #"{"id":\#($0),"name":"0000*10\#($0)","type":"ivr"}"# }.joined(separator: ",")
        let silence = Result<OutgoingResponse, OutgoingError>.failure(.made(.timeout))
        let outgoing = CannedOutgoing([answer(200, Self.token), answer(200, "[\(many)]"), silence, silence, silence])
        let keeper = try keeper(outgoing)
        let bench = KeeperBench()
        let failure = await #expect(throws: ProviderFailure.self) { try await keeper.run(bench.context) }
        #expect(failure?.kind == .unavailable)
        #expect(outgoing.requests.count == 5)
    }
}
