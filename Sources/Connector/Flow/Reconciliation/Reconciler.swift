import Synchronization

/// Asks each provider for its history on a schedule and puts the rows into the inbox: calls whose webhooks were lost come back, and what
/// was guessed is put right. Measures how complete the call log is, and tells of connections that fell silent.
///
/// What follows from a row is the ledger's business: here nothing is decided but when to ask, and what of the answer is new.
package final class Reconciler: Sendable {
    private let store: any PullStateStore
    private let reading: any JournalReading
    private let roster: any ConnectionRoster
    private let client: @Sendable (ConnectionID) -> (any ProviderClient)?
    private let heardAt: @Sendable (ConnectionID) -> Instant?
    private let timekeeper: any Timekeeper
    private let pause: Pause
    private let report: @Sendable (ReconciliationNews) -> Void
    private let intake: HistoryIntake
    private let lanes = Mutex<[ConnectionID: Lane]>([:])
    /// Of the journal, which may be asked every second while it cannot be read.
    private let readTrouble = Mutex(TroublePace())
    /// Since when the gateway listens.
    private let startedAt: Instant

    /// Providers asked at once.
    private static let concurrency = 4
    /// Pages of one part of a pull: a provider whose log does not end is at fault.
    private static let pageLimit = 2000
    /// How often a page is asked for again that the provider did not want to give yet, and how long he may take.
    private static let pagePatience = 5
    private static let longestRest = Duration.seconds(120)
    /// How often it is looked whether something is due.
    private static let tick = Duration.seconds(1)
    /// How often completeness is counted beside the pulls, and whether a connection is silent.
    private static let measureEvery = Duration.seconds(300)
    private static let listenEvery = Duration.seconds(60)
    /// How often the usual rates are learned anew.
    private static let learnEvery = Duration.seconds(3600)

    /// What is known of one connection.
    private struct Lane {
        var state: PullState
        var isRunning = false
        /// Nothing was pulled since the start: what was missed meanwhile is asked for at once.
        var isFresh = true
        /// What the provider asked for when he last refused.
        var retryAfter: Duration?
        var trouble = TroublePace()
        var days: [SeenCalls] = []
        var measuredAt: Instant?
        /// When that was last tried.
        var countedAt: Instant?
        var silence = SilenceWatch()
        var listenedAt: Instant?
        var hours = HourlyCalls()
        var usual: UsualRate?
        var learnedAt: Instant?
        /// Of the journal: the newest webhook at the start.
        var lastWebhook: Instant?
    }

    /// - Parameters:
    ///   - client: the way to a connection's provider; `nil` where he can only be listened to.
    ///   - heardAt: when a connection's webhook last came, since the start.
    ///   - pause: how something is waited for.
    ///   - report: hears of what the operator should know; called on any thread, must not block.
    package init(
        journal: any Journal, store: any PullStateStore, reading: any JournalReading, roster: any ConnectionRoster,
        client: @escaping @Sendable (ConnectionID) -> (any ProviderClient)?,
        heardAt: @escaping @Sendable (ConnectionID) -> Instant? = { _ in nil }, timekeeper: any Timekeeper,
        pause: @escaping Pause = { try await Task.sleep(for: $0) },
        report: @escaping @Sendable (ReconciliationNews) -> Void = { _ in }
    ) {
        self.store = store
        self.reading = reading
        self.roster = roster
        self.client = client
        self.heardAt = heardAt
        self.timekeeper = timekeeper
        self.pause = pause
        self.report = report
        intake = HistoryIntake(journal: journal, reading: reading, pause: pause)
        startedAt = timekeeper.now()
    }

    // MARK: Running

    /// Works until it is cancelled; a pull that is under way is then broken off, and made again after the next start.
    package func run() async {
        await withDiscardingTaskGroup { group in
            while !Task.isCancelled {
                for connection in await due() { group.addTask { await self.pull(connection) } }
                await measureAndListen()
                do { try await pause(Self.tick) } catch { break }
            }
            group.cancelAll()
        }
    }

    /// Connections whose pull is due, as many as may run, each marked as running.
    private func due() async -> [LiveConnection] {
        let now = timekeeper.now()
        var due: [(at: Instant, connection: LiveConnection)] = []
        for connection in roster.connections() where isActive(connection) {
            guard await know(connection), let next = nextPull(of: connection, at: now), next <= now else { continue }
            due.append((next, connection))
        }
        due.sort { ($0.at, $0.connection.profile.id) < ($1.at, $1.connection.profile.id) }
        return lanes.withLock { lanes in
            let free = Self.concurrency - lanes.values.count(where: \.isRunning)
            let begun = due.prefix(max(0, free)).map(\.connection)
            for connection in begun { lanes[connection.profile.id]?.isRunning = true }
            return begun
        }
    }

    private func isActive(_ connection: LiveConnection) -> Bool {
        connection.profile.reconciling.isEnabled && connection.adapter.descriptor.capabilities.contains(.history)
            && client(connection.profile.id) != nil
    }

    private func nextPull(of connection: LiveConnection, at now: Instant) -> Instant? {
        lanes.withLock { lanes in
            guard let lane = lanes[connection.profile.id], !lane.isRunning else { return nil }
            if lane.isFresh, lane.state.failure == nil { return now }
            return PullSchedule(connection.profile.reconciling).next(lane.state, after: lane.retryAfter, at: now)
        }
    }

    /// Reads what the journal keeps of a connection, where that has not been done.
    /// - Returns: whether it is known; else it is tried again at the next look.
    private func know(_ connection: LiveConnection) async -> Bool {
        let id = connection.profile.id
        if lanes.withLock({ $0[id] != nil }) { return true }
        do {
            let (state, webhook) = try await reading.read { try ($0.pullState(of: id), $0.lastWebhook(of: id)) }
            lanes.withLock { lanes in
                var lane = Lane(state: state ?? PullState(connection: id))
                lane.lastWebhook = webhook
                if lanes[id] == nil { lanes[id] = lane }
            }
            noteReadable(for: id)
            return true
        } catch {
            noteUnreadable(error, for: id)
            return false
        }
    }

    /// Counts calls; `nil` where the journal cannot be read, which is told at a growing pace.
    private func count(_ query: SeenQuery) async -> [SeenCalls]? {
        do {
            let seen = try await reading.read { try $0.seenCalls(query) }
            noteReadable(for: query.connection)
            return seen
        } catch {
            // What ends with the gateway has not failed.
            if !Task.isCancelled { noteUnreadable(error, for: query.connection) }
            return nil
        }
    }

    private func noteReadable(for id: ConnectionID) {
        if readTrouble.withLock({ $0.recovered() }) { report(.pullRecovered(id)) }
    }

    private func noteUnreadable(_ error: any Error, for id: ConnectionID) {
        if let failures = readTrouble.withLock({ $0.failed(at: timekeeper.now()) }) {
            report(.pullFailing(id, reason: "the journal cannot be read: \(error)", failures: failures))
        }
    }

    // MARK: One pull

    /// Pulls what is due of a connection's history, now.
    package func pull(_ connection: LiveConnection) async {
        guard await know(connection) else { return }
        let id = connection.profile.id
        lanes.withLock { lanes in
            lanes[id]?.isRunning = true
            lanes[id]?.isFresh = false
        }
        defer { lanes.withLock { $0[id]?.isRunning = false } }
        guard var state = lanes.withLock({ $0[id]?.state }) else { return }
        do {
            try await pull(connection, &state)
            await keep(state, retryAfter: nil)
            if lanes.withLock({ $0[id]?.trouble.recovered() }) ?? false { report(.pullRecovered(id)) }
        } catch {
            // What ends with the gateway has not failed.
            guard !Task.isCancelled else { return }
            state.failed(Self.reason(of: error), at: timekeeper.now())
            await keep(state, retryAfter: (error as? ProviderFailure)?.retryAfter)
            tell(state)
        }
        await measure(connection)
    }

    private func pull(_ connection: LiveConnection, _ state: inout PullState) async throws {
        guard let client = client(connection.profile.id) else {
            throw ProviderFailure(.unsupported, code: "history", text: "this provider has no log that can be asked for")
        }
        let begin = timekeeper.now()
        let plan = PullSchedule(connection.profile.reconciling).pull(state, at: begin)
        // Before anything of it is in the inbox: the ledger asks how far the history may have come.
        state.reach = max(state.reach ?? begin, begin)
        try await save(state)
        for slice in plan.slices {
            try await pull(slice, of: connection, by: client, &state)
            state.note(slice)
            await keep(state, retryAfter: nil)
        }
        state.succeeded(plan, at: timekeeper.now())
    }

    private func pull(
        _ slice: HistoryWindow, of connection: LiveConnection, by client: any ProviderClient, _ state: inout PullState
    ) async throws {
        var page = 0
        for _ in 0..<Self.pageLimit {
            try Task.checkCancellation()
            let answer = try await ask(client, slice, page)
            for body in answer.bodies {
                state.rowCount += try await intake.take(body, path: answer.path, of: connection, at: timekeeper.now())
            }
            if !answer.hasMore { return }
            page = answer.next ?? page + 1
        }
        throw ProviderFailure(.rejected, code: "pages", text: "the provider's log does not end")
    }

    /// Where the provider is asked too often, the page is asked for again when he wants it to be.
    private func ask(_ client: any ProviderClient, _ slice: HistoryWindow, _ page: Int) async throws -> HistoryPage {
        for _ in 0..<Self.pagePatience {
            do throws(ProviderFailure) {
                return try await client.history(slice, page: page)
            } catch {
                let after = error.retryAfter ?? .seconds(10)
                guard error.kind == .limited, after <= Self.longestRest else { throw error }
                try await pause(after)
            }
        }
        return try await client.history(slice, page: page)
    }

    /// What is told of an error: a provider's words are free of secrets and numbers already.
    private static func reason(of error: any Error) -> String {
        switch error {
        case let failure as ProviderFailure: failure.description
        case let error as HistoryIntakeError: error.description
        default: "the journal could not be asked"
        }
    }

    private func tell(_ state: PullState) {
        guard let failure = state.failure,
            let failures = lanes.withLock({ $0[state.connection]?.trouble.failed(at: failure.at) }) ?? nil
        else { return }
        report(.pullFailing(state.connection, reason: failure.reason, failures: failures))
    }

    // MARK: State

    /// Keeps what counts from now on. Where it cannot be written down, the next start pulls a little more.
    private func keep(_ state: PullState, retryAfter: Duration?) async {
        lanes.withLock { lanes in
            lanes[state.connection]?.state = state
            lanes[state.connection]?.retryAfter = retryAfter
        }
        _ = await isSaved(state)
    }

    private func save(_ state: PullState) async throws {
        guard await isSaved(state) else { throw HistoryIntakeError(reason: "the journal takes nothing now") }
    }

    private func isSaved(_ state: PullState) async -> Bool {
        await withCheckedContinuation { continuation in
            let isQueued = store.save(state) { continuation.resume(returning: $0 == .committed) }
            if !isQueued { continuation.resume(returning: false) }
        }
    }

    // MARK: Completeness

    /// Counts the calls of the last two days.
    private func measure(_ connection: LiveConnection) async {
        let profile = connection.profile
        let now = timekeeper.now()
        guard let state = lanes.withLock({ $0[profile.id]?.state }) else { return }
        let day = SeenQuery.Unit.day
        let today = Instant(milliseconds: now.milliseconds / day.rawValue * day.rawValue)
        let query = SeenQuery(
            tenant: profile.tenant, connection: profile.id, from: today.advanced(by: .milliseconds(-day.rawValue)),
            to: today.advanced(by: .milliseconds(day.rawValue)), unit: day, known: PullSchedule(profile.reconciling).known(state))
        // Metrics alone live of it: what cannot be read now is read the next time, at the usual pace.
        lanes.withLock { $0[profile.id]?.countedAt = now }
        guard let days = await count(query) else { return }
        let news = lanes.withLock { lanes -> [ReconciliationNews] in
            let isFirst = lanes[profile.id]?.measuredAt == nil
            let known = lanes[profile.id]?.days ?? []
            lanes[profile.id]?.days = days
            lanes[profile.id]?.measuredAt = now
            return isFirst
                ? []
                : days.compactMap { seen in
                    let before = known.first { $0.begin == seen.begin }?.recovered ?? 0
                    return seen.recovered > before
                        ? .recovered(profile.id, day: seen.begin, calls: seen.recovered - before) : nil
                }
        }
        news.forEach(report)
    }

    private func measureAndListen() async {
        let now = timekeeper.now()
        for connection in roster.connections() {
            let id = connection.profile.id
            guard await know(connection) else { continue }
            let (measures, listens) = lanes.withLock { lanes in
                (
                    Self.isDue(lanes[id]?.countedAt, Self.measureEvery, now),
                    Self.isDue(lanes[id]?.listenedAt, Self.listenEvery, now)
                )
            }
            if measures { await measure(connection) }
            if listens { await listen(connection) }
        }
        forget(except: Set(roster.connections().map(\.profile.id)))
    }

    private static func isDue(_ last: Instant?, _ pace: Duration, _ now: Instant) -> Bool {
        last.map { $0.advanced(by: pace) <= now || $0 > now } ?? true
    }

    /// Connections that are no more; what is under way ends by itself.
    private func forget(except live: Set<ConnectionID>) {
        lanes.withLock { lanes in lanes = lanes.filter { live.contains($0.key) || $0.value.isRunning } }
    }

    // MARK: Silence

    /// Looks whether a connection is heard as often as usual.
    package func listen(_ connection: LiveConnection) async {
        let now = timekeeper.now()
        let id = connection.profile.id
        guard await know(connection) else { return }
        lanes.withLock { $0[id]?.listenedAt = now }
        guard let usual = await usual(connection) else { return }
        let heard = heardAt(id)
        let news = lanes.withLock { lanes -> SilenceWatch.News? in
            guard let lane = lanes[id] else { return nil }
            // What came while the gateway was down nobody could hear.
            let last = [heard, lane.lastWebhook, startedAt].compactMap(\.self).max() ?? startedAt
            return lanes[id]?.silence.look(usual, heardAt: last, at: now)
        }
        switch news {
        case .silent(let since, let expected)?: report(.silent(id, since: since, expected: Int(expected.rounded())))
        case .recovered(let since)?: report(.heardAgain(id, silentSince: since))
        case nil: break
        }
    }

    private func usual(_ connection: LiveConnection) async -> UsualRate? {
        let profile = connection.profile
        let now = timekeeper.now()
        guard let lane = lanes.withLock({ $0[profile.id] }) else { return nil }
        if let usual = lane.usual, !Self.isDue(lane.learnedAt, Self.learnEvery, now) { return usual }
        var hours = lane.hours
        let from = hours.isReadFrom(at: now)
        // Where it cannot be read, what was learned before counts on.
        guard
            let seen = await count(
                SeenQuery(tenant: profile.tenant, connection: profile.id, from: from, to: now, unit: .hour))
        else { return lane.usual }
        hours.take(seen, from: from, at: now)
        let usual = UsualRate(hours.all, at: now)
        lanes.withLock { lanes in
            lanes[profile.id]?.hours = hours
            lanes[profile.id]?.usual = usual
            lanes[profile.id]?.learnedAt = now
        }
        return usual
    }
}

extension Reconciler: ReconciliationView {
    package func reconciliation(of id: ConnectionID) -> ReconciliationStatus? {
        guard let connection = roster.connections().first(where: { $0.profile.id == id }) else { return nil }
        let plan = connection.profile.reconciling
        var status = ReconciliationStatus(
            connection: id, plan: plan, isActive: isActive(connection), state: PullState(connection: id))
        guard let lane = lanes.withLock({ $0[id] }) else { return status }
        status.state = lane.state
        status.isRunning = lane.isRunning
        status.days = lane.days
        status.silence = lane.silence
        if status.isActive {
            status.nextAt = PullSchedule(plan).next(lane.state, after: lane.retryAfter, at: timekeeper.now())
        }
        return status
    }
}
