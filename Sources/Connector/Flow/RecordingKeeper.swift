/// Decides which recordings are fetched, when, and what is written down of it: a value without clock, threads or network.
///
/// It is shown the change feed in order and says what to begin; whoever does the work tells how it ended. A recording is known from
/// the change that says it can be fetched until one that says what became of it, so that nothing is begun twice. `cursor` stays
/// behind the oldest of them: who begins there after a crash forgets nothing.
package struct RecordingKeeper: Sendable {
    package struct Policy: Sendable {
        /// Recordings that are fetched at once.
        package var concurrency = 4
        /// How often one is tried.
        package var attemptLimit = 10
        /// The pause after the first failure; each further one is three times as long.
        package var firstPause = Duration.seconds(5)
        package var longestPause = Duration.seconds(3 * 3600)
        /// The pause where nothing can be fetched now, through no fault of the recording: no connection, no room on the disk.
        package var obstaclePause = Duration.seconds(60)
        /// A recording that could be fetched so long ago is given up unasked: no provider keeps its address for long.
        package var horizon = Duration.seconds(7 * 86_400)
        /// How long the feed may take to show what was written down.
        package var echoPatience = Duration.seconds(600)
        /// Recordings known at once. Beyond it the feed is not read on.
        package var capacity = 10_000

        package init() {}
    }

    /// A recording's name: the provider's, in its connection.
    package struct Name: Hashable, Sendable {
        package var connection: ConnectionID
        package var reference: String

        package init(connection: ConnectionID, reference: String) {
            self.connection = connection
            self.reference = reference
        }
    }

    /// One attempt to be made.
    package struct Attempt: Hashable, Sendable {
        package var name: Name
        package var call: CallID
        /// Nothing was written down of this recording yet: say that it is being fetched.
        package var isFirst: Bool
        /// It could be fetched too long ago: nobody is to be asked.
        package var isTooLate = false
    }

    /// How an attempt ended.
    package enum Outcome: Sendable {
        case stored(RecordingFile)
        /// - Parameters:
        ///   - problem: for the record: no secret, no address.
        ///   - isFinal: trying again does not help.
        ///   - after: not before so long.
        case failed(problem: String, isFinal: Bool = false, after: Duration? = nil)
        /// Nobody was asked, for the attempt `isTooLate`.
        case tooLate
        /// The connection is not loaded now; this is no attempt.
        case noConnection
        /// The store has no room; this is no attempt, and nothing else is begun for a while.
        case noRoom
        /// It is not wanted any more, or can never be had: its record says all there is to say.
        case dropped
    }

    private enum Stage {
        case waiting(due: Instant)
        case running
        /// Its end was written down; the feed will show it.
        case told(at: Instant)
    }

    private struct Item {
        let tenant: TenantID
        /// The change that told of it first.
        let position: Int64
        var call: CallID
        let readyAt: Instant
        var attempts: Int
        var isBegun: Bool
        var stage: Stage
    }

    private let policy: Policy
    private var items: [Name: Item] = [:]
    /// Up to where the feed was read, by tenant.
    private var positions: [TenantID: Int64] = [:]
    /// Where the feed is read from for a tenant that is new.
    private let start: Int64
    private var runningCount = 0
    private var blockedUntil = Instant.earliest

    /// - Parameter cursor: that of the keeper before; 0 for the whole feed.
    package init(cursor: Int64, policy: Policy = Policy()) {
        self.policy = policy
        start = cursor
    }

    // MARK: The feed

    /// Where the tenant's feed is to be read on.
    package func position(of tenant: TenantID) -> Int64 { positions[tenant] ?? start }

    /// Whether more of the feed can be taken.
    package var hasRoom: Bool { items.count < policy.capacity }

    /// Recordings that wait or are being fetched, and of those the ones being fetched.
    package var counts: (known: Int, running: Int) {
        let ended = items.values.count { if case .told = $0.stage { true } else { false } }
        return (items.count - ended, runningCount)
    }

    /// Up to where everything is done.
    package var cursor: Int64 {
        let read = positions.values.min() ?? start
        return items.values.lazy.map { $0.position - 1 }.min().map { min($0, read) } ?? read
    }

    /// Takes in the next change of a tenant's feed.
    package mutating func observe(_ change: StoredChange, of tenant: TenantID, at now: Instant) {
        positions[tenant] = max(position(of: tenant), change.position)
        guard PublishedCall.mayHaveRecordings(change.body), let call = PublishedCall(change.body) else { return }
        for recording in call.recordings {
            let name = Name(connection: call.connection, reference: recording.reference)
            if recording.isWanted, !call.isGone {
                know(recording, as: name, of: call.id, tenant, change.position, now)
            } else if !recording.isWanted || items[name]?.call == call.id {
                forget(name)
            }
        }
    }

    /// Takes in that the tenant's feed has nothing more up to `position`.
    package mutating func noteEnd(of tenant: TenantID, at position: Int64) {
        positions[tenant] = max(self.position(of: tenant), position)
    }

    private mutating func know(
        _ recording: PublishedRecording, as name: Name, of call: CallID, _ tenant: TenantID, _ position: Int64, _ now: Instant
    ) {
        if var item = items[name] {
            // After a restart the feed is read from the first change on: a later one knows how far the keeper before had come.
            item.call = call
            item.attempts = max(item.attempts, recording.attempts)
            item.isBegun = item.isBegun || recording.status == .fetching
            items[name] = item
            return
        }
        guard let readyAt = recording.readyAt else { return }
        items[name] = Item(
            tenant: tenant, position: position, call: call, readyAt: readyAt, attempts: max(0, recording.attempts),
            isBegun: recording.status == .fetching, stage: .waiting(due: now))
    }

    /// One that is being fetched is waited for: its end finds nothing to do.
    private mutating func forget(_ name: Name) {
        guard let item = items[name] else { return }
        if case .running = item.stage { return }
        items[name] = nil
    }

    // MARK: Attempts

    /// The attempts to begin now, those that wait longest first.
    package mutating func begin(at now: Instant) -> [Attempt] {
        forgetUnheard(at: now)
        guard now >= blockedUntil, runningCount < policy.concurrency else { return [] }
        let due = items.compactMap { name, item -> (due: Instant, position: Int64, name: Name)? in
            guard case .waiting(let due) = item.stage, due <= now else { return nil }
            return (due, item.position, name)
        }
        let next = due.sorted { ($0.due, $0.position, $0.name.reference) < ($1.due, $1.position, $1.name.reference) }
        return next.prefix(policy.concurrency - runningCount).compactMap { begin($0.name, at: now) }
    }

    private mutating func begin(_ name: Name, at now: Instant) -> Attempt? {
        guard let item = items[name] else { return nil }
        items[name]?.stage = .running
        items[name]?.isBegun = true
        runningCount += 1
        return Attempt(
            name: name, call: item.call, isFirst: !item.isBegun, isTooLate: item.readyAt.advanced(by: policy.horizon) <= now)
    }

    /// The feed has not shown what was written down: whatever became of it, the cursor waits no longer.
    private mutating func forgetUnheard(at now: Instant) {
        items = items.filter { _, item in
            guard case .told(let moment) = item.stage else { return true }
            return moment.advanced(by: policy.echoPatience) > now
        }
    }

    /// Takes in how an attempt ended.
    /// - Returns: what to write down, if anything: at most four reports of a recording.
    package mutating func end(_ attempt: Attempt, _ outcome: Outcome, at now: Instant) -> RecordingReport? {
        guard var item = items[attempt.name], case .running = item.stage else { return nil }
        runningCount -= 1
        defer { items[attempt.name] = item }
        switch outcome {
        case .stored(let file):
            item.attempts += 1
            item.stage = .told(at: now)
            return report(.available, attempt.name, item, file: file)
        case .failed(let problem, let isFinal, let after):
            item.attempts += 1
            guard !isFinal, item.attempts < policy.attemptLimit else {
                item.stage = .told(at: now)
                return report(.failed, attempt.name, item, problem: problem)
            }
            item.stage = .waiting(due: now.advanced(by: max(pause(after: item.attempts), after ?? .zero)))
            return Self.toldAttempts.contains(item.attempts) ? report(.fetching, attempt.name, item, problem: problem) : nil
        case .noConnection where !attempt.isTooLate:
            item.stage = .waiting(due: now.advanced(by: policy.obstaclePause))
        case .tooLate, .noConnection:
            item.stage = .told(at: now)
            let days = policy.horizon.components.seconds / 86_400
            return report(.failed, attempt.name, item, problem: "ready for more than \(days) days: not fetched any more")
        case .noRoom:
            blockedUntil = now.advanced(by: policy.obstaclePause)
            item.stage = .waiting(due: blockedUntil)
        case .dropped:
            item.stage = .told(at: now)
        }
        return nil
    }

    /// Takes in that the end of an attempt could not be written down: it is made again.
    package mutating func noteUntold(_ attempt: Attempt, at now: Instant) {
        guard case .told = items[attempt.name]?.stage else { return }
        if !attempt.isTooLate { items[attempt.name]?.attempts -= 1 }
        items[attempt.name]?.stage = .waiting(due: now.advanced(by: policy.obstaclePause))
    }

    /// Failures after which the record is told why, before the last one.
    private static let toldAttempts: Set<Int> = [1, 4]

    /// Three times as long after each failure.
    private func pause(after attempts: Int) -> Duration {
        var pause = policy.firstPause
        var failures = 1
        while failures < attempts, pause < policy.longestPause {
            pause *= 3
            failures += 1
        }
        return min(pause, policy.longestPause)
    }

    private func report(
        _ phase: RecordingReport.Phase, _ name: Name, _ item: Item, problem: String? = nil, file: RecordingFile? = nil
    ) -> RecordingReport {
        RecordingReport(key: name.reference, phase: phase, problem: problem, attempts: item.attempts, file: file)
    }
}
