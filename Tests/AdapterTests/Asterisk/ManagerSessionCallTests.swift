import Connector
import TestSupport
import Testing

@testable import AsteriskAdapter
@testable import VendorSimulators

/// What becomes of calls where servers fall over, journals refuse and events are lost: over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ManagerSessionCallTests {
    private static let kinds = AsteriskDouble.scenarios

    @Test func `calls of every kind are in the log as they were`() async throws {
        let plan = DoublePlan(Self.kinds, calls: 48, rate: 60, isMixed: true, seed: 11)
        try await ManagerStand.run({ $0.speed = 40 }, playing: plan) { stand in
            await stand.wait { $0.truths.count == 48 }
            await stand.wait { (try? $0.calls().count { $0["state"] == "ended" }) == 48 }
            try stand.expectTruths()
        }
    }

    @Test(arguments: [true, false])
    func `calls that were on when the server fell over ended then, and those that came after are followed`(
        isAnnounced: Bool
    ) async throws {
        try await ManagerStand.run {
            $0.faults.away = .milliseconds(100)
        } _: { stand in
            await stand.waitForConnection()
            stand.server.change { double, now in
                for seed in UInt64(0)..<6 { double.begin(.inboundAnswered, seed: seed, at: now) }
            }
            await stand.wait { $0.openCount == 6 && $0.records.count >= 6 }
            stand.server.change { double, _ in if isAnnounced { double.restart() } else { double.crash() } }
            await stand.wait { $0.truths.count == 6 && $0.connections == 2 && $0.isConnected && $0.openCount == 0 }
            stand.server.change { double, now in double.begin(.inboundAnswered, seed: 77, at: now) }
            await stand.wait { $0.openCount == 1 }
            await stand.wait { (try? $0.calls().count) == 7 }
            let calls = try stand.calls()
            #expect(calls.count { $0["state"] == "ended" } == 6)
            #expect(calls.count { $0["ended_by"] == "system" } == 6)
        }
    }

    @Test func `a journal that refuses for a while loses nothing, and reading goes on`() async throws {
        let plan = DoublePlan(Self.kinds, calls: 40, rate: 400, isMixed: true, seed: 5)
        try await ManagerStand.run(
            {
                $0.speed = 200
                $0.faults.writeTimeout = .milliseconds(100)
            }, playing: plan
        ) { stand in
            stand.journalTakes.withLock { $0 = false }
            await stand.wait { $0.truths.count == 40 && $0.refusals.withLock { $0 } > 3 }
            #expect(stand.records.isEmpty)
            await stand.wait { $0.openCount == 0 }
            stand.journalTakes.withLock { $0 = true }
            await stand.wait { (try? $0.calls().count { $0["state"] == "ended" }) == 40 }
            try stand.expectTruths()
            #expect(stand.drops.isEmpty)
        }
    }

    @Test(arguments: [2, 3] as [UInt64])
    func `events that are lost are made up for by the next list`(_ seed: UInt64) async throws {
        var rhythm = ManagerStand.rhythm
        rhythm.auditInterval = .milliseconds(300)
        let plan = DoublePlan(Self.kinds, calls: 60, rate: 200, isMixed: true, seed: seed)
        try await ManagerStand.run(
            {
                $0.speed = 60
                $0.faults.lostShare = 0.1
            }, seed: seed, playing: plan, rhythm: rhythm
        ) { stand in
            await stand.wait { $0.truths.count == 60 }
            for _ in 0..<1_000_000 where stand.openCount > 0 { await Task.yield() }
            await stand.wait { $0.openCount == 0 }
            await stand.wait { (try? $0.calls().allSatisfy { $0["state"] == "ended" }) == true }
            let calls = try stand.calls()
            #expect(calls.count <= 60)
            // Of a call that lasts for a moment all may be lost.
            #expect(calls.count > 50)
        }
    }

    @Test func `calls of before that the gateway forgot are told to be over`() async throws {
        let old = CommandTarget(keys: [ExternalKey(.linkedid, "1795000000.1")])
        try await ManagerStand.run(openCalls: [old]) { stand in
            await stand.waitForConnection()
            await stand.wait { !$0.records.isEmpty }
            #expect(stand.openCount == 0)
            #expect(String(decoding: stand.records[0].body, as: UTF8.self).hasPrefix("Conversation: 1795000000.1\r\n"))
        }
    }

    @Test func `a list's row of a leg that has hung up meanwhile is out of date`() throws {
        let leg = "Channel: PJSIP/trunk-00000001\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\nCallerIDNum: +79000000011\r\n"
        var watch = ManagerWatch(plan: PhonePlan())
        watch.connected()
        func tell(_ text: String) throws { _ = try watch.take(Array(text.utf8), at: .base) }
        try tell("Asterisk Call Manager/11.0.0\r\n")
        try tell("Event: CoreShowChannelsComplete\r\nEventList: Complete\r\n\r\n")
        try tell("Event: Newchannel\r\nChannelState: 4\r\n\(leg)\r\n")
        #expect(watch.switchboard.count == 1)
        watch.beginList()
        try tell("Event: Hangup\r\nCause: 16\r\n\(leg)\r\n")
        #expect(watch.switchboard.count == 0)
        try tell("Event: CoreShowChannel\r\nChannelState: 4\r\n\(leg)Duration: 00:00:05\r\n\r\n")
        #expect(watch.switchboard.count == 0)
        try tell("Event: CoreShowChannelsComplete\r\nEventList: Complete\r\n\r\n")
        #expect(watch.switchboard.count == 0)
    }

    @Test func `what was read is handed over in order, whatever is put back`() async throws {
        let outlet = RecordOutlet()
        for number in 0..<1000 { outlet.put([Array("\(number)".utf8)], at: .base) }
        let bench = KeeperBench()
        await outlet.drainRest(into: bench.context)
        #expect(bench.heard.withLock { $0.map { String(decoding: $0.body, as: UTF8.self) } } == (0..<1000).map(String.init))
    }
}
