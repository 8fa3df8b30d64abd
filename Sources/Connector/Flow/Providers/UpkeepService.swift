import Synchronization

/// Runs the keepers of all live connections: begins, ends and restarts them, and knows how each stands.
package final class UpkeepService: Sendable {
    /// What a keeper is given of the house.
    package struct Surroundings: Sendable {
        /// Where a connection's provider reaches it; `nil` where nobody told.
        package var address: @Sendable (ConnectionID) -> String?
        package var notes: @Sendable (ConnectionID) -> any ConnectionNotes
        package var makeRawID: @Sendable (Instant) -> RawID
        /// A connection's calls that have not ended.
        package var openCalls: @Sendable (ConnectionID) async -> [CommandTarget]
        /// Hears how much of a connection's was committed that came by no webhook. Any thread; must not block.
        package var onHeard: @Sendable (ConnectionID, _ count: Int, Instant) -> Void

        package init(
            address: @escaping @Sendable (ConnectionID) -> String?,
            notes: @escaping @Sendable (ConnectionID) -> any ConnectionNotes,
            makeRawID: @escaping @Sendable (Instant) -> RawID,
            openCalls: @escaping @Sendable (ConnectionID) async -> [CommandTarget] = { _ in [] },
            onHeard: @escaping @Sendable (ConnectionID, _ count: Int, Instant) -> Void = { _, _, _ in }
        ) {
            self.address = address
            self.notes = notes
            self.makeRawID = makeRawID
            self.openCalls = openCalls
            self.onHeard = onHeard
        }
    }

    /// How often the connections are looked at.
    static let lookInterval = Duration.seconds(1)
    /// How long a cancelled keeper is waited for. Whoever does not end by then is told of; his place stays his until he does.
    static let endPatience = Duration.seconds(5)

    let surroundings: Surroundings
    let clock: any Timekeeper
    let pause: Pause
    private let providers: ProviderClients
    private let journal: any Journal
    private let report: @Sendable (UpkeepNews) -> Void
    private let shifts = Mutex<[ConnectionID: KeeperShift]>([:])
    /// Keepers whose successors took over from them, until they end.
    private let relieved = Mutex<[KeeperShift]>([])

    /// - Parameter report: hears of what the operator should know; called on any thread, must not block.
    package init(
        providers: ProviderClients, journal: any Journal, surroundings: Surroundings, clock: any Timekeeper,
        pause: @escaping Pause = { try await Task.sleep(for: $0) }, report: @escaping @Sendable (UpkeepNews) -> Void
    ) {
        self.providers = providers
        self.journal = journal
        self.surroundings = surroundings
        self.clock = clock
        self.pause = pause
        self.report = report
    }

    /// How a connection's keeper stands; `nil` where it has none, or none works yet.
    package subscript(id: ConnectionID) -> UpkeepStatus? { shifts.withLock { $0[id] }?.status }

    /// All that are kept, by the names of their connections.
    package var all: [(connection: ConnectionID, status: UpkeepStatus)] {
        shifts.withLock { $0 }.map { ($0.key, $0.value.status) }.sorted { $0.0 < $1.0 }
    }

    /// Hands a decoder's news to the connection's keeper; from any thread, does not wait. Without a keeper nobody needs it: one that
    /// begins looks for itself.
    package func hear(_ signal: AdapterSignal) {
        guard let shift = shifts.withLock({ $0[signal.connection] }), !shift.isOver else { return }
        shift.signals.put(signal)
    }

    /// Works until it is cancelled, and ends when every keeper has, or has had his time.
    package func run() async {
        while !Task.isCancelled {
            await look()
            // Cancelled or not, the wait is over.
            _ = try? await pause(Self.lookInterval)
        }
        await end(shifts.withLock { $0.values.filter { !$0.isStuck } } + relieved.withLock { $0.filter { !$0.isOver } })
    }

    /// Ends the keepers whose connections are no longer what they were, then begins those that are new: a second one of a
    /// connection only when the first has ended, unless it takes over from the first. One that does not end is waited for once; the
    /// others do not wait with him.
    private func look() async {
        let lines = providers.all.filter { $0.keeper != nil }
        let wanted = Dictionary(lines.map { ($0.profile.id, $0) }) { first, _ in first }
        let old = shifts.withLock { shifts in
            shifts = shifts.filter { !($0.value.isStuck && $0.value.isOver) }
            return shifts.values.filter { wanted[$0.line.profile.id] !== $0.line && !$0.isStuck }
        }
        await end(old.filter { !relieve($0, by: wanted[$0.line.profile.id]) })
        for line in lines { begin(line) }
    }

    /// Makes room for a successor that takes over what its predecessor holds, while that is there.
    private func relieve(_ shift: KeeperShift, by line: ProviderLine?) -> Bool {
        guard shift.line.keeper?.handsOver == true, line?.keeper?.handsOver == true else { return false }
        shifts.withLock { shifts in
            if shifts[shift.line.profile.id] === shift { shifts[shift.line.profile.id] = nil }
        }
        relieved.withLock { relieved in
            relieved.removeAll(where: \.isOver)
            relieved.append(shift)
        }
        shift.cancel()
        return true
    }

    private func begin(_ line: ProviderLine) {
        guard let keeper = line.keeper else { return }
        let shift = shifts.withLock { shifts -> KeeperShift? in
            guard shifts[line.profile.id] == nil else { return nil }
            let shift = KeeperShift(line, at: clock.now())
            shifts[line.profile.id] = shift
            return shift
        }
        shift?.begin(keeper, for: self)
    }

    private func end(_ old: [KeeperShift]) async {
        await withTaskGroup(of: Void.self) { group in
            for shift in old {
                group.addTask { [self] in
                    let id = shift.line.profile.id
                    guard await shift.end(within: Self.endPatience, pause) else {
                        shift.noteStuck(at: clock.now())
                        return report(.stuck(id))
                    }
                    shifts.withLock { shifts in
                        if shifts[id] === shift { shifts[id] = nil }
                    }
                }
            }
        }
    }

    // MARK: For the shifts

    func tell(_ news: UpkeepNews) { report(news) }

    func append(_ records: [HeardRecord], of connection: ConnectionID) async -> Bool {
        let now = clock.now()
        let raws = records.map { record in
            let heard = record.receivedAt ?? now
            return RawRecord(
                id: surroundings.makeRawID(heard), connection: connection, receivedAt: heard, source: record.source, method: "",
                path: record.path, body: record.body)
        }
        let isCommitted = await withCheckedContinuation { continuation in
            let isQueued = journal.append(raws) { continuation.resume(returning: $0 == .committed) }
            if !isQueued { continuation.resume(returning: false) }
        }
        if isCommitted { surroundings.onHeard(connection, raws.count, now) }
        return isCommitted
    }
}

/// What the operator should know of the keepers.
package enum UpkeepNews: Sendable, Equatable {
    /// How a connection's keeper stands has changed.
    case changed(ConnectionID, Upkeep)
    /// A keeper failed, so often since this was last told; it is begun anew after the pause.
    case failed(ConnectionID, ProviderFailure, failures: Int, pause: Duration)
    /// It works again.
    case recovered(ConnectionID)
    /// A keeper that was cancelled does not end.
    case stuck(ConnectionID)
}

/// How a connection's keeper stands.
package struct UpkeepStatus: Sendable, Equatable {
    /// The keeper's latest word.
    package var upkeep: Upkeep
    /// When its condition became what it is.
    package var since: Instant
    /// How often it was begun anew after a failure.
    package var restarts = 0
    /// Why it failed last; `nil` while it works.
    package var failure: ProviderFailure?
    /// When it is begun anew; `nil` while it works.
    package var nextAttemptAt: Instant?

    package init(
        upkeep: Upkeep, since: Instant, restarts: Int = 0, failure: ProviderFailure? = nil, nextAttemptAt: Instant? = nil
    ) {
        self.upkeep = upkeep
        self.since = since
        self.restarts = restarts
        self.failure = failure
        self.nextAttemptAt = nextAttemptAt
    }

    /// The condition as people should see it: a keeper that failed is in trouble, whatever it said before.
    package var condition: Upkeep.Condition {
        guard failure != nil else { return upkeep.condition }
        return upkeep.kept > 0 ? .impaired : .failing
    }

    /// What is the matter, in a sentence.
    package var summary: String {
        guard let failure else { return upkeep.summary }
        return "\(failure)" + (upkeep.wanted > 0 ? "; \(upkeep.summary)" : "")
    }

    package var remedy: String? {
        guard let failure else { return upkeep.remedy }
        return failure.kind == .unauthorized ? "check the connection's credentials" : upkeep.remedy
    }
}
