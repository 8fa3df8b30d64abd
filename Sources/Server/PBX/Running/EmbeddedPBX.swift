import Connector
import Media
import Network
import PBXPlan
import SIP
import Synchronization
import Threading

/// The PBX behind the port `CallControl`: one at a time, with any number of trunks, which may come before it.
package final class EmbeddedPBX: CallControl {
    private struct State {
        var running: (connection: ConnectionID, settings: PBXSettings, instance: PBXInstance, outlet: RecordOutlet)?
        /// Of the PBX that runs, where recordings can be made smaller.
        var encoder: RecordingEncoder?
        /// Which `run` has the PBX: the last one that came. One of before leaves it alone.
        var shift: UInt64 = 0
        var trunks: [TrunkID: KeptTrunk] = [:]
        var liveCalls: Set<String> = []
    }

    private let state = Mutex(State())
    private let plans: PlanDesk
    private let numbering: any NumberingPlan
    private let clock: any Timekeeper
    /// Where recordings and messages are kept.
    private let data: String
    /// The folder of the connections' files: prompts lie below it.
    private let adapters: String
    /// What starts encoders of recordings, and where they are looked for.
    private let children: (any ChildProcesses)?
    private let searchPath: String
    private let crm = Mutex<RingPlan?>(nil)
    private let resolver = TrunkResolver()

    /// How long a PBX waits for the next `run` after one was cancelled: a changed file is read in less.
    private static let grace = Duration.seconds(2)

    /// - Parameters:
    ///   - data: the gateway's folder for data; recordings get one below it.
    ///   - adapters: the folder of the connections' files.
    ///   - children: starts encoders, looked for along `searchPath`; without it recordings stay WAV.
    package init(
        numbering: any NumberingPlan, clock: any Timekeeper, data: String, adapters: String, plans: PlanDesk,
        children: (any ChildProcesses)? = nil, searchPath: String = ""
    ) {
        self.numbering = numbering
        self.clock = clock
        self.data = data
        self.adapters = adapters
        self.plans = plans
        self.children = children
        self.searchPath = searchPath
    }

    /// Whom the CRM wants rung is asked there from now on.
    package func ask(_ plan: RingPlan) { crm.withLock { $0 = plan } }

    /// What a plan's `responsible` may lead to: an employee, within 2 s.
    private static let ability = RoutingAbility(.answer, deadline: .seconds(2), targets: [.user])

    /// Of a connection's calls.
    private func lookup(for profile: ConnectionProfile) -> PBXLookup {
        { [self] question, answer in
            guard let plan = crm.withLock({ $0 }) else { return answer(nil) }
            if let decision = plan.decide(question, for: profile, Self.ability, then: { answer($0) }) { answer(decision) }
        }
    }

    package func check(_ plan: CallPlan) throws { try plans.check(plan) }

    package func check(_ trunk: TrunkAccount) throws(SettingsError) { try plans.check(trunk) }

    // MARK: Running

    package func run(
        _ plan: CallPlan, profile: ConnectionProfile, hear: @escaping @Sendable (PBXRecord) -> Void,
        report: @escaping @Sendable (Upkeep) -> Void
    ) async throws(ProviderFailure) {
        let dialPlan: DialPlan
        let settings: PBXSettings
        do {
            dialPlan = try plans.read(plan)
            settings = try await located(PBXSettings(plan, dialPlan, data: data, adapters: adapters), plan)
        } catch {
            throw ProviderFailure(.invalid, code: "plan", text: "\(error)")
        }
        let shift = state.withLock { state in
            state.shift += 1
            return state.shift
        }
        let known = try await takeOver(plan.connection, settings, dialPlan, hear)
        let instance = if let known { known } else { try begin(profile, settings, dialPlan, hear) }
        instance.bulletin.report(
            Upkeep(.good, "listens on \(instance.words)", wanted: dialPlan.extensions.count, kept: dialPlan.extensions.count),
            to: report)
        for trunk in state.withLock({ Array($0.trunks.values) }) { attach(trunk, to: instance) }
        await untilCancelled()
        await leave(shift)
    }

    /// With the public address, where the settings name it by a name.
    private func located(_ settings: PBXSettings, _ plan: CallPlan) async throws -> PBXSettings {
        guard settings.publicAddress == nil, let name = try PBXNetworking(plan.settings).publicAddress else { return settings }
        var settings = settings
        settings.publicAddress = try await resolver.address(of: name).get()
        return settings
    }

    /// The PBX that another `run` of this connection left a moment ago, where its sockets may stay.
    private func takeOver(
        _ connection: ConnectionID, _ settings: PBXSettings, _ plan: DialPlan, _ hear: @escaping @Sendable (PBXRecord) -> Void
    ) async throws(ProviderFailure) -> PBXInstance? {
        let found: (PBXInstance, RecordOutlet)? = state.withLock { state in
            guard let running = state.running, running.connection == connection, running.settings == settings else { return nil }
            return (running.instance, running.outlet)
        }
        guard let (instance, outlet) = found else {
            // Another one's sockets must be free first.
            if let other = state.withLock({ $0.running?.connection }) {
                guard other == connection else {
                    throw ProviderFailure(
                        .unavailable, code: "one-pbx", text: "the PBX of \(other) runs already: one gateway has one PBX")
                }
                await end()
            }
            return nil
        }
        outlet.hear(hear)
        state.withLock(\.encoder)?.follow(plan.recordingFormat)
        await instance.ask { $0.follow(plan) }
        return instance
    }

    private func begin(
        _ profile: ConnectionProfile, _ settings: PBXSettings, _ plan: DialPlan, _ hear: @escaping @Sendable (PBXRecord) -> Void
    ) throws(ProviderFailure) -> PBXInstance {
        let outlet = RecordOutlet(hear)
        let bulletin = PBXBulletin()
        let encoder = children.map { children in
            RecordingEncoder(
                folder: settings.recordings, searchPath: searchPath, children: children, tell: { outlet.tell($0) },
                report: { bulletin.recordingsStay($0) })
        }
        do {
            try settings.prepareFolders()
            encoder?.follow(plan.recordingFormat)
            let cut = CutRecordings.records(in: settings.recordings, at: clock.now())
            let instance = try PBXInstance(
                settings: settings, plan: plan, numbering: numbering, clock: clock,
                messages: MessageShelf.look(into: settings.recordings), bulletin: bulletin,
                outlet: { [self] in take($0, outlet, encoder) }, lookup: lookup(for: profile))
            state.withLock { $0.running = (profile.id, settings, instance, outlet) }
            state.withLock { $0.encoder = encoder }
            for record in cut where encoder?.take(record) != true { outlet.tell(record) }
            return instance
        } catch {
            throw ProviderFailure(.unavailable, code: "pbx", text: "\(error)")
        }
    }

    /// Counts what is live, and hands the record on, of a recording once it is what it shall be.
    private func take(_ record: PBXRecord, _ outlet: RecordOutlet, _ encoder: RecordingEncoder?) {
        state.withLock { state in
            switch record.fact {
            case .created: state.liveCalls.insert(record.call)
            case .ended: state.liveCalls.remove(record.call)
            default: break
            }
        }
        if encoder?.take(record) != true { outlet.tell(record) }
    }

    private func untilCancelled() async {
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
    }

    /// Waits a moment for a successor; without one all ends.
    private func leave(_ shift: UInt64) async {
        guard state.withLock({ $0.shift }) == shift else { return }
        // The task is cancelled: a pause of its own is taken elsewhere.
        let wait = Task.detached { try? await Task.sleep(for: Self.grace) }
        await wait.value
        guard state.withLock({ $0.shift }) == shift else { return }
        await end()
    }

    private func end() async {
        let (running, encoder) = state.withLock { state in
            defer { (state.running, state.encoder) = (nil, nil) }
            return (state.running, state.encoder)
        }
        await running?.instance.close()
        await encoder?.close()
        state.withLock { $0.liveCalls = [] }
    }

    // MARK: Trunks

    package func keep(_ trunk: TrunkAccount, report: @escaping @Sendable (TrunkState) -> Void) async throws(ProviderFailure) {
        let kept = KeptTrunk(account: trunk, report: report)
        let (isNew, instance) = state.withLock { state in
            guard state.trunks[trunk.id] == nil else { return (false, PBXInstance?.none) }
            state.trunks[trunk.id] = kept
            return (true, state.running?.instance)
        }
        guard isNew else { throw ProviderFailure(.invalid, code: "trunk", text: "there is a trunk \(trunk.id) already") }
        report(TrunkState(.registering))
        if let instance { attach(kept, to: instance) }
        let found = Task { await resolve(kept) }
        await untilCancelled()
        found.cancel()
        let last = state.withLock { state in
            state.trunks[trunk.id] = nil
            return state.running?.instance
        }
        await last?.ask { $0.trunks.leave(trunk.id, now: $0.now) }
    }

    private func attach(_ trunk: KeptTrunk, to instance: PBXInstance) {
        instance.perform { core in
            let name = String(core.chance(), radix: 36)
            _ = core.trunks.add(TrunkLink(trunk.account, contactUser: name, chance: core.chance, report: trunk.report))
        }
        if let places = trunk.places.withLock({ $0 }) { tell(places, of: trunk, to: instance) }
    }

    private func tell(_ places: TrunkPlaces, of trunk: KeptTrunk, to instance: PBXInstance) {
        instance.perform { core in
            guard let link = core.trunks[trunk.account.id] else { return }
            instance.reach(places)
            let contact = places.targets.first.flatMap { instance.contact(named: link.contactUser, over: $0) }
            core.trunks.found(trunk.account.id, targets: places.targets, sources: places.sources, contact: contact, now: core.now)
        }
    }

    /// Finds a trunk's addresses, and looks again every few minutes; old ones are kept where the resolver fails.
    private func resolve(_ trunk: KeptTrunk) async {
        while !Task.isCancelled {
            let outcome = await resolver.find(trunk.account)
            let instance = state.withLock { $0.running?.instance }
            var pause = Duration.seconds(300)
            switch outcome {
            case .success(let places):
                trunk.places.withLock { $0 = places }
                if let instance { tell(places, of: trunk, to: instance) }
            case .failure(let failure):
                pause = .seconds(30)
                if trunk.places.withLock({ $0 == nil }) {
                    trunk.report(TrunkState(.unreachable(reason: failure.reason, retryAt: clock.now().advanced(by: pause))))
                }
            }
            try? await Task.sleep(for: pause)
        }
    }

    // MARK: Asking

    package func perform(_ order: ProviderOrder, on connection: ConnectionID) async throws(ProviderFailure) -> ProviderAnswer {
        guard let instance = instance(of: connection) else {
            throw ProviderFailure(.unavailable, code: "not-running", text: "the PBX does not run now")
        }
        let result: Result<ProviderAnswer, ProviderFailure> = await instance.ask { core in
            do throws(ProviderFailure) { return .success(try core.perform(order)) } catch { return .failure(error) }
        }
        return try result.get()
    }

    private func instance(of connection: ConnectionID) -> PBXInstance? {
        state.withLock { state in state.running.flatMap { $0.connection == connection ? $0.instance : nil } }
    }

    package func presence(of connection: ConnectionID) -> [String: EmployeePresence] {
        instance(of: connection)?.presence ?? [:]
    }

    /// What the PBX that runs counts, and of which connection it is; nil where none runs.
    package var statistics: (connection: ConnectionID, figures: PBXStatistics)? {
        let (running, encoder) = state.withLock { state in
            (state.running.map { ($0.connection, $0.instance) }, state.encoder)
        }
        guard let (connection, instance) = running else { return nil }
        var figures = instance.statistics
        let counts = encoder?.counts ?? RecordingEncoder.Counts()
        (figures.encodings, figures.encoded, figures.encodingFailures) = (counts.waiting, counts.encoded, counts.failed)
        return (connection, figures)
    }

    package func liveCalls(of connection: ConnectionID) -> Set<String> { state.withLock { $0.liveCalls } }

    package func recording(_ name: String, of connection: ConnectionID) throws(ProviderFailure) -> LocalRecording {
        guard !name.isEmpty, name.count <= 128, !name.contains("/"), !name.hasPrefix("."), name.hasSuffix(".wav") else {
            throw ProviderFailure(.invalid, code: "recording", text: "this is no name of a recording")
        }
        guard state.withLock(\.encoder)?.isPending(name) != true else {
            throw ProviderFailure(
                .unavailable, code: "recording", text: "the recording is being made smaller", retryAfter: .seconds(30))
        }
        // A message stays until its owner throws it away.
        return LocalRecording(
            path: RecordingFiles(folder: PBXSettings.recordings(in: data), name: name).current,
            isSpent: PBXRecordingName(name)?.box == nil)
    }
}

/// A trunk that is to be kept, whether or not a PBX runs.
private final class KeptTrunk: Sendable {
    let account: TrunkAccount
    let report: @Sendable (TrunkState) -> Void
    let places = Mutex<TrunkPlaces?>(nil)

    init(account: TrunkAccount, report: @escaping @Sendable (TrunkState) -> Void) {
        self.account = account
        self.report = report
    }
}

/// Where the records go: to whoever runs the PBX at the moment.
private final class RecordOutlet: Sendable {
    /// A closure in a `Mutex` by itself is wrapped once more at each look (Swift 6.3): in a struct it is not.
    private struct Hearer {
        let hear: @Sendable (PBXRecord) -> Void
    }

    private let current: Mutex<Hearer>

    init(_ hear: @escaping @Sendable (PBXRecord) -> Void) { current = Mutex(Hearer(hear: hear)) }

    func hear(_ hear: @escaping @Sendable (PBXRecord) -> Void) { current.withLock { $0 = Hearer(hear: hear) } }

    func tell(_ record: PBXRecord) { current.withLock(\.self).hear(record) }
}
