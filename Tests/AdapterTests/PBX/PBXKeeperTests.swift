import Connector
import TestSupport
import Testing

@testable import PBXAdapter

/// The keeper runs the PBX through a scripted `CallControl`.
@Suite struct PBXKeeperTests {
    private static let plan = CallPlan(
        connection: ConnectionProfile.test.id, settings: [:], section: SettingTree(.nothing, at: .init(line: 1, column: 1)))
    private static let end = PBXRecord.Fact.ended(PBXRecord.Ending(.normal))

    private static func record(_ call: String, _ sequence: Int, at moment: Instant) -> PBXRecord {
        PBXRecord(call: call, sequence: sequence, at: moment, end)
    }

    private static func open(_ call: String, since start: Instant?) -> CommandTarget {
        CommandTarget(keys: [ExternalKey(.sipCallID, "x@y"), ExternalKey(.call, call)], startedAt: start)
    }

    private static func records(_ bench: KeeperBench) -> [PBXRecord] {
        bench.heard.withLock { $0 }.compactMap { PBXRecord(encoded: $0.body) }
    }

    @Test func `what the PBX tells is heard in its order, as records of SIP`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        try await bench.running(PBXKeeper(control: control, plan: Self.plan)) {
            #expect(await eventually { control.runs.withLock { $0.count } == 1 })
            let run = try #require(control.runs.withLock { $0.first })
            for number in 1...600 { run.hear(Self.record("c-1", number, at: bench.now)) }
            #expect(await eventually { bench.heard.withLock { $0.count } == 600 })
        }
        #expect(Self.records(bench).map(\.sequence) == Array(1...600))
        let first = try #require(bench.heard.withLock { $0.first })
        #expect(first.source == .sip)
        #expect(first.path == "/pbx")
        #expect(first.receivedAt == bench.now)
    }

    @Test func `what it tells while it ends is still written down`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        control.lastWords.withLock { $0 = [Self.record("c-1", 9, at: bench.now)] }
        try await bench.running(PBXKeeper(control: control, plan: Self.plan)) {
            #expect(await eventually { control.runs.withLock { $0.count } == 1 })
        }
        #expect(Self.records(bench).map(\.sequence) == [9])
    }

    @Test func `calls that the process before left open are closed, as of when that lived last`() async throws {
        let note = #"{"alive_at":"2026-03-02T08:59:00.000Z"}"#
        let bench = KeeperBench(notes: MemoryNotes(note))
        let control = ScriptedControl()
        let lived = try #require(Instant(rfc3339: "2026-03-02T08:59:05.000Z"))
        control.live.withLock { $0 = ["c-2"] }
        bench.openCalls.withLock {
            $0 = [
                Self.open("c-1", since: lived.advanced(by: .seconds(-60))), Self.open("c-2", since: lived),
                Self.open("c-3", since: lived.advanced(by: .seconds(3))), Self.open("c-4", since: bench.now),
            ]
        }
        try await bench.running(PBXKeeper(control: control, plan: Self.plan)) {
            #expect(await eventually { control.runs.withLock { $0.count } == 1 })
        }
        let records = Self.records(bench)
        #expect(records.map(\.call) == ["c-1", "c-3"])
        // One that began after the last sign of life ends no earlier than it began.
        #expect(records.map(\.at) == [lived, lived.advanced(by: .seconds(3))])
        #expect(records.allSatisfy { $0.event == "call.interrupted" })
        #expect(bench.heard.withLock { $0.allSatisfy { $0.receivedAt == nil } })
    }

    @Test func `calls that the journal learns of a little later are closed, too`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        try await bench.running(PBXKeeper(control: control, plan: Self.plan)) {
            #expect(await eventually { control.runs.withLock { $0.count } == 1 && bench.pause.ends.count >= 2 })
            bench.openCalls.withLock { $0 = [Self.open("c-1", since: bench.now.advanced(by: .seconds(-9)))] }
            bench.pause.advance(by: .seconds(5))
            #expect(await eventually { bench.heard.withLock { $0.count } == 1 })
        }
        #expect(Self.records(bench).map(\.call) == ["c-1"])
    }

    @Test func `the note that it lives is renewed while there are calls, and only then`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        try await bench.running(PBXKeeper(control: control, plan: Self.plan)) {
            #expect(await eventually { control.runs.withLock { $0.count } == 1 && bench.pause.ends.count >= 2 })
            control.live.withLock { $0 = ["c-1"] }
            bench.pause.advance(by: PBXKeeper.pulse)
            #expect(await eventually { bench.notes.saves.withLock { $0 } == 1 })
            control.live.withLock { $0 = [] }
            #expect(await eventually { bench.pause.ends.count >= 2 })
            bench.pause.advance(by: PBXKeeper.pulse)
            #expect(await eventually { bench.pause.ends.count >= 2 })
        }
        #expect(bench.notes.saves.withLock { $0 } == 1)
        #expect(bench.notes.text?.contains("alive_at") == true)
    }

    @Test func `a PBX that cannot run is the keeper's failure`() async throws {
        let bench = KeeperBench()
        let control = ScriptedControl()
        let failure = ProviderFailure(.unavailable, code: "in-use", text: "port 5060 is taken")
        control.failure.withLock { $0 = failure }
        let thrown = await #expect(throws: ProviderFailure.self) {
            try await PBXKeeper(control: control, plan: Self.plan).run(bench.context)
        }
        #expect(thrown == failure)
    }

    @Test func `records beyond the bound are counted, and the operator is told`() async throws {
        let outlet = PBXOutlet(limit: 2)
        for number in 1...5 { outlet.put(Self.record("c-1", number, at: Instant(unixSeconds: 0))) }
        #expect(outlet.lost == 3)
        let bench = KeeperBench()
        await outlet.drainRest(into: bench.context)
        #expect(Self.records(bench).map(\.sequence) == [1, 2])
    }
}

/// Orders to the PBX, and what they are checked for.
@Suite struct PBXClientTests {
    private static let connection = ConnectionID("office")
    private static let target = CommandTarget(keys: [ExternalKey(.call, "c-1")])

    private static func client(_ control: ScriptedControl) -> PBXClient {
        PBXClient(control: control, plan: CallPlan(connection: connection, settings: [:], section: nil))
    }

    private static func order(_ action: Command.Action, _ target: CommandTarget? = target) -> ProviderOrder {
        ProviderOrder(
            id: CommandID(time: Instant(unixSeconds: 0), rest: 1), action: action, target: target, deadline: .seconds(5))
    }

    @Test(
        arguments: [
            .originate(Command.Origination(from: "101", to: "+79000000102", line: "+74950000001", record: true)), .hangup, .hold,
            .resume, .transfer(to: "102", kind: .blind), .transfer(to: "89000000102", kind: .attended), .record(start: true),
            .record(start: false), .dtmf("12*#a"),
        ] as [Command.Action])
    func `every command goes to the PBX`(action: Command.Action) async throws {
        let control = ScriptedControl()
        let isNew = action.capability == .originate
        let answer = try await Self.client(control).perform(Self.order(action, isNew ? nil : Self.target))
        #expect(control.orders.withLock { $0.map(\.action) } == [action])
        #expect(answer.call == ExternalKey(.call, "c-1"))
        #expect(PBXAdapter.descriptor.capabilities.contains(action.capability))
    }

    @Test(
        arguments: [
            (.originate(Command.Origination(from: "+79000000101", to: "102")), "from"),
            (.originate(Command.Origination(from: "101", to: "12x")), "to"),
            (.originate(Command.Origination(from: "101", to: "102", line: "site")), "line"),
            (.transfer(to: "", kind: .blind), "to"), (.dtmf("12e"), "digits"), (.dtmf(""), "digits"),
        ] as [(Command.Action, String)])
    func `what cannot be right never reaches the PBX`(action: Command.Action, field: String) async throws {
        let control = ScriptedControl()
        let failure = await #expect(throws: ProviderFailure.self) {
            try await Self.client(control).perform(Self.order(action))
        }
        #expect(failure?.kind == .invalid)
        #expect(failure?.code == field)
        #expect(control.orders.withLock { $0.isEmpty })
    }

    @Test func `a call that the PBX has no name for is none of its`() async throws {
        let control = ScriptedControl()
        let failure = await #expect(throws: ProviderFailure.self) {
            try await Self.client(control).perform(
                Self.order(.hangup, CommandTarget(keys: [ExternalKey(.sipCallID, "a@b")])))
        }
        #expect(failure?.kind == .invalid)
    }

    @Test func `a recording lies on this machine`() async throws {
        let client = Self.client(ScriptedControl(folder: "/data"))
        guard case .local(let place) = try await client.recordingPlace("2026/c-1.wav") else { throw Unexpected() }
        #expect(place == LocalRecording(path: "/data/2026/c-1.wav"))
        #expect(client.presence == ["101": .online])
    }

    @Test func `without a PBX that runs there is no client, and the plan is judged by whoever can`() throws {
        let section = SettingTree(.nothing, at: .init(line: 1, column: 1))
        let settings = AdapterSettings(connection: Self.connection, values: [:], section: section)
        #expect(try PBXAdapter(settings: settings).makeClient(ScriptedOutgoing()) == nil)
        let control = ScriptedControl()
        #expect(
            try PBXAdapter(settings: settings, context: AdapterContext(control: control)).makeClient(ScriptedOutgoing()) != nil)
        let refusal = SettingsError(setting: "pbx", problem: "is odd", hint: "mend it")
        control.refusal.withLock { $0 = refusal }
        #expect(throws: refusal) { try PBXAdapter(settings: settings, context: AdapterContext(plans: control)) }
    }
}

private struct Unexpected: Error {}
