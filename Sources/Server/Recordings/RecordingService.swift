import Connector
import Synchronization

/// The way to one connection's recordings.
package struct RecordingSource: Sendable {
    /// `nil` where the provider can only be listened to.
    package var client: (any ProviderClient)?
    /// The server that the connection's settings name: the only one that may have a private address.
    package var home: WebOrigin?

    package init(client: (any ProviderClient)?, home: WebOrigin? = nil) {
        self.client = client
        self.home = home
    }
}

/// What the service knows of the connections, at this moment.
package struct RecordingSources: Sendable {
    package var tenants: @Sendable () -> Set<TenantID>
    /// `nil` where no such connection is loaded.
    package var source: @Sendable (ConnectionID) -> RecordingSource?

    package init(
        tenants: @escaping @Sendable () -> Set<TenantID>, source: @escaping @Sendable (ConnectionID) -> RecordingSource?
    ) {
        self.tenants = tenants
        self.source = source
    }
}

/// What the operator should know of recordings.
package enum RecordingNews: Sendable, Equatable {
    /// A recording was given up.
    case failed(ConnectionID, problem: String)
    /// The store takes nothing now; everything waits.
    case noRoom(reason: String)
    /// The feed cannot be read, so often since this was last told; it is tried again.
    case feedFailing(reason: String, failures: Int)
    /// Recordings whose time is over could not be removed, so often since this was last told; it is tried again.
    case expiryFailing(reason: String, failures: Int)
}

/// What was done since the start, and what is under way.
package struct RecordingStatistics: Sendable, Equatable {
    package var known = 0
    package var running = 0
    package var stored = 0
    package var storedBytes: Int64 = 0
    package var failedAttempts = 0
    package var givenUp = 0
}

/// Fetches recordings when they are ready: follows the change feed, works as `RecordingKeeper` says, and writes what becomes of them
/// into the inbox.
package final class RecordingService: Sendable {
    private let journal: any Journal
    private let signal: ChangeSignal
    let sources: RecordingSources
    let timekeeper: any Timekeeper
    private let makeRawID: @Sendable (Instant) -> RawID
    let report: @Sendable (RecordingNews) -> Void
    private let policy: RecordingKeeper.Policy
    private let retention: Duration?
    private let pace: Duration
    let store: any RecordingStore
    let disk = DiskQueue("recordings.disk")
    private let fetcher: RecordingFetcher
    let feed: RecordingFeed
    private let counts = Mutex(RecordingStatistics())

    /// How long it waits at most for something to fall due, and where nothing can.
    private static let longestWait = Duration.seconds(1)
    private static let idleWait = Duration.seconds(15)

    /// - Parameters:
    ///   - cursorPath: the file that keeps the place in the feed.
    ///   - retention: how long a recording is kept; `nil` for good.
    ///   - pace: pause between two looks at the feed.
    package init(
        journal: any Journal, store: any RecordingStore, outgoing: any Outgoing, cursorPath: String, signal: ChangeSignal,
        sources: RecordingSources, timekeeper: any Timekeeper, policy: RecordingKeeper.Policy = .init(),
        retention: Duration? = nil, pace: Duration = .milliseconds(250), makeRawID: @escaping @Sendable (Instant) -> RawID,
        report: @escaping @Sendable (RecordingNews) -> Void
    ) {
        self.journal = journal
        self.signal = signal
        self.sources = sources
        self.timekeeper = timekeeper
        self.policy = policy
        self.retention = retention
        self.pace = pace
        self.makeRawID = makeRawID
        self.report = report
        self.store = store
        fetcher = RecordingFetcher(outgoing: outgoing, store: store)
        feed = RecordingFeed(journal: journal, cursorPath: cursorPath)
    }

    package var statistics: RecordingStatistics { counts.withLock { $0 } }

    // MARK: Running

    private enum Event: Sendable {
        case woken
        case ended(RecordingKeeper.Attempt, Finding)
    }

    /// How an attempt ended, and the name by which its call is told of it.
    private struct Finding: Sendable {
        var outcome: RecordingKeeper.Outcome
        var key: ExternalKey?
        /// A file of this machine that is of no use once the store's is in the record.
        var spent: String?
    }

    /// Works until it is cancelled; what is under way is then broken off and begun anew after the next start.
    package func run() async {
        var trouble = TroublePace()
        while !Task.isCancelled {
            do {
                try await work()
            } catch {
                if let failures = trouble.failed(at: timekeeper.now()) {
                    report(.feedFailing(reason: "\(error)", failures: failures))
                }
                do { try await Task.sleep(for: Self.longestWait) } catch { return }
            }
        }
    }

    private func work() async throws {
        var keeper = RecordingKeeper(cursor: try await feed.loadCursor(), policy: policy)
        var saved = keeper.cursor
        try await withThrowingTaskGroup(of: Event.self) { group in
            defer { group.cancelAll() }
            var isWaiting = false
            while !Task.isCancelled {
                let seen = signal.position
                let isAbreast = try await read(into: &keeper)
                for attempt in keeper.begin(at: timekeeper.now()) {
                    group.addTask { .ended(attempt, await self.perform(attempt)) }
                }
                note(keeper)
                if keeper.cursor != saved {
                    saved = keeper.cursor
                    try await feed.save(saved)
                }
                let patience = isAbreast && keeper.counts.known == 0 ? Self.idleWait : Self.longestWait
                if !isWaiting { group.addTask { await self.wait(beyond: seen, atMost: patience) } }
                isWaiting = true
                switch try await group.next() {
                case .ended(let attempt, let finding)?: await end(attempt, finding, &keeper)
                case .woken?, nil: isWaiting = false
                }
            }
        }
    }

    private func wait(beyond position: Int64, atMost patience: Duration) async -> Event {
        await signal.wait(beyond: position, atMost: patience)
        // Cancelled or not, the wait is over.
        _ = try? await Task.sleep(for: pace)
        return .woken
    }

    /// Shows the keeper what is new, as far as it has room.
    /// - Returns: whether the ledger is abreast of what was in the journal at the start: before that nothing is read.
    private func read(into keeper: inout RecordingKeeper) async throws -> Bool {
        guard try await feed.isCaughtUp() else { return false }
        for tenant in sources.tenants().sorted() {
            while keeper.hasRoom, !Task.isCancelled {
                let page = try await feed.page(of: tenant, after: keeper.position(of: tenant))
                for change in page.changes { keeper.observe(change, of: tenant, at: timekeeper.now()) }
                guard let end = page.end else { continue }
                keeper.noteEnd(of: tenant, at: end)
                break
            }
        }
        return true
    }

    private func note(_ keeper: RecordingKeeper) {
        counts.withLock { ($0.known, $0.running) = keeper.counts }
    }

    // MARK: One attempt

    private func perform(_ attempt: RecordingKeeper.Attempt) async -> Finding {
        var finding = Finding(outcome: .dropped)
        do {
            guard let call = try await feed.latest(of: attempt.call), let key = call.key,
                let wanted = call.recordings.first(where: { $0.reference == attempt.name.reference && $0.isWanted })
            else { return finding }
            finding.key = key
            guard let source = sources.source(attempt.name.connection) else {
                finding.outcome = .noConnection
                return finding
            }
            guard let client = source.client else { return finding }
            guard !attempt.isTooLate else {
                finding.outcome = .tooLate
                return finding
            }
            if attempt.isFirst { await tellBegin(attempt.name, attempts: wanted.attempts, key) }
            switch try await client.recordingPlace(attempt.name.reference) {
            case .remote(let request):
                finding.outcome = .stored(try await fetcher.fetch(request, home: source.home, keptUntil: keptUntil))
            case .local(let original):
                finding.outcome = .stored(try await fetcher.take(original.path, keptUntil: keptUntil))
                finding.spent = original.isSpent ? original.path : nil
            }
        } catch {
            finding.outcome = outcome(of: error)
        }
        return finding
    }

    /// Until when what is stored now is kept.
    private var keptUntil: Instant? { retention.map { timekeeper.now().advanced(by: $0) } }

    private func tellBegin(_ name: RecordingKeeper.Name, attempts: Int, _ key: ExternalKey) async {
        // Where it is not taken, the record stays as it is until the end of the attempt.
        _ = await tell(RecordingReport(key: name.reference, phase: .fetching, attempts: attempts), name, key)
    }

    private func outcome(of error: any Error) -> RecordingKeeper.Outcome {
        switch error {
        case let problem as RecordingFetcher.Problem:
            return .failed(problem: problem.text, isFinal: problem.isFinal, after: problem.after)
        case let failure as ProviderFailure:
            return .failed(
                problem: failure.description, isFinal: failure.kind == .unsupported || failure.kind == .invalid,
                after: failure.retryAfter)
        case let error as OutgoingError:
            let isFinal = [.tooLarge, .forbidden, .invalidRequest].contains(error.code)
            return .failed(problem: error.description, isFinal: isFinal)
        case let error as RecordingStoreError:
            report(.noRoom(reason: error.description))
            return .noRoom
        default: return .failed(problem: "the request ended without an answer")
        }
    }

    private func end(_ attempt: RecordingKeeper.Attempt, _ finding: Finding, _ keeper: inout RecordingKeeper) async {
        // What ends with the gateway has not failed.
        guard !Task.isCancelled else { return }
        let now = timekeeper.now()
        let told = keeper.end(attempt, finding.outcome, at: now)
        count(finding.outcome, gaveUp: told?.phase == .failed)
        if let told, told.phase == .failed {
            report(.failed(attempt.name.connection, problem: told.problem ?? "unknown"))
        }
        guard let told, let key = finding.key else { return }
        if await tell(told, attempt.name, key) {
            if told.phase == .available, let spent = finding.spent { await fetcher.remove(spent) }
        } else if told.phase != .fetching {
            keeper.noteUntold(attempt, at: now)
        }
    }

    private func count(_ outcome: RecordingKeeper.Outcome, gaveUp: Bool) {
        counts.withLock { counts in
            switch outcome {
            case .stored(let file):
                counts.stored += 1
                counts.storedBytes += file.byteCount
            case .failed: counts.failedAttempts += 1
            case .tooLate, .noConnection, .noRoom, .dropped: break
            }
            if gaveUp { counts.givenUp += 1 }
        }
    }

    /// Writes a report into the inbox.
    /// - Returns: whether it is committed.
    func tell(_ told: RecordingReport, _ name: RecordingKeeper.Name, _ key: ExternalKey) async -> Bool {
        let now = timekeeper.now()
        let record = SystemRecord.recording(told, of: key, in: name.connection, id: makeRawID(now), at: now)
        return await withCheckedContinuation { continuation in
            let isQueued = journal.append([record]) { continuation.resume(returning: $0 == .committed) }
            if !isQueued { continuation.resume(returning: false) }
        }
    }
}
