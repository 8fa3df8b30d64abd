import AdapterKit
import Connector
import TestSupport
import Testing

@Suite struct TrunkKeeperTests {
    private static func trunks(_ count: Int) -> [TrunkAccount] {
        (0..<count).map { number in
            var trunk = TrunkAccount(
                id: TrunkID(ConnectionProfile.test.id, account: "a\(number)"), login: "a\(number)", password: "made-up",
                domain: "sip.example", registrars: [.init(host: "sip.example")])
            trunk.numbers = ["+7900000010\(number)"]
            return trunk
        }
    }

    @Test func `each trunk is kept, and each change of state is told`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        let trunks = Self.trunks(3)
        try await bench.running(TrunkKeeper(control: control, trunks: trunks)) {
            #expect(await eventually { control.kept.withLock { $0.count } == 3 })
            #expect(bench.upkeep?.condition == .starting)
            let reporters = control.reporters.withLock { $0 }
            let end = bench.now.advanced(by: .seconds(90))
            for trunk in trunks { reporters[trunk.id]?(TrunkState(.registered(until: end), registrar: "sip.example")) }
            #expect(await bench.stands { $0.condition == .good })
            #expect(bench.upkeep?.summary == "all 3 trunks stand")
            #expect(bench.upkeep?.items.map(\.until) == [end, end, end])
            reporters[trunks[1].id]?(TrunkState(.refused(status: 403, reason: "Forbidden", retryAt: nil)))
            #expect(await bench.stands { $0.condition == .impaired })
            let upkeep = try #require(bench.upkeep)
            #expect(upkeep.summary == "2 of 3 trunks stand")
            #expect(upkeep.kept == 2)
            #expect(upkeep.wanted == 3)
            // What does not stand comes first.
            #expect(upkeep.items.first?.name == "+79000000101")
            #expect(upkeep.items.first?.problem == "403 Forbidden")
            #expect(upkeep.remedy?.contains("password") == true)
            for trunk in trunks { reporters[trunk.id]?(TrunkState(.unreachable(reason: "nobody answers", retryAt: nil))) }
            #expect(await bench.stands { $0.condition == .failing })
        }
    }

    @Test func `a trunk that cannot be kept is tried again, after growing pauses`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        control.failure.withLock { $0 = ProviderFailure(.rejected, code: "name", text: "another trunk has its name") }
        try await bench.running(TrunkKeeper(control: control, trunks: Self.trunks(1))) {
            #expect(await bench.stands { $0.condition == .failing })
            #expect(bench.upkeep?.items.first?.problem == "another trunk has its name")
            #expect(await eventually { bench.pause.ends == [bench.now.advanced(by: .seconds(5))] })
            bench.pause.advance(by: .seconds(5))
            #expect(await eventually { bench.pause.ends == [bench.now.advanced(by: .seconds(10))] })
            control.failure.withLock { $0 = nil }
            bench.pause.advance(by: .seconds(10))
            #expect(await eventually { control.kept.withLock { $0.count } == 1 })
        }
    }

    @Test func `a trunk makes no calls by itself`() async throws {
        let client = TrunkClient(TrunkKeeper(control: ScriptedControl(), trunks: Self.trunks(1)))
        let order = ProviderOrder(
            id: CommandID(time: Instant(unixSeconds: 0), rest: 1), action: .hangup, deadline: .seconds(1))
        let failure = await #expect(throws: ProviderFailure.self) { try await client.perform(order) }
        #expect(failure?.kind == .unsupported)
    }
}
