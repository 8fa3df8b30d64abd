import Synchronization

/// One keeper at work for one connection as its file is now: the task, its signals, how it stands.
final class KeeperShift: Sendable {
    let line: ProviderLine
    let signals = SignalBox()
    private let state: Mutex<UpkeepStatus>
    private let trouble = Mutex(TroublePace())
    private let task = Mutex<Task<Void, Never>?>(nil)
    private let stuck = Atomic(false)
    /// Rings when the task is over.
    private let over = ChangeSignal()

    /// A keeper that worked for so long before it failed has not failed again and again.
    static let soundTime = Duration.seconds(600)
    static let shortestPause = Duration.seconds(5)
    static let longestPause = Duration.seconds(300)
    private static let longestWish = Duration.seconds(3600)

    init(_ line: ProviderLine, at now: Instant) {
        self.line = line
        state = Mutex(UpkeepStatus(upkeep: Upkeep(.starting, "has only begun"), since: now))
    }

    /// Whether the keeper has ended, and nobody begins it anew.
    var isOver: Bool { over.position > 0 }

    /// It was cancelled, and did not end in its time.
    var isStuck: Bool { stuck.load(ordering: .relaxed) }

    var status: UpkeepStatus { state.withLock { $0 } }

    /// A task of its own, since it ends with its connection rather than with whoever began it.
    func begin(_ keeper: any ConnectionKeeper, for service: UpkeepService) {
        task.withLock { task in
            guard task == nil else { return }
            task = Task { [self] in
                await work(keeper, for: service)
                over.publish(1)
            }
        }
    }

    /// Tells the keeper to end, and does not wait.
    func cancel() { task.withLock { $0?.cancel() } }

    /// Cancels the keeper.
    /// - Returns: whether it has ended.
    func end(within patience: Duration, _ pause: @escaping Pause) async -> Bool {
        task.withLock { $0?.cancel() }
        // Whoever ends the keepers may be cancelled himself, and waits all the same: a task of its own is not.
        return await Task { [over] in
            await withTaskGroup(of: Bool.self) { group in
                group.addTask {
                    await over.wait(beyond: 0)
                    return over.position > 0
                }
                group.addTask {
                    // A cancelled pause is an ended wait, whichever way it ends.
                    _ = try? await pause(patience)
                    return false
                }
                let isOver = await group.next() ?? false
                group.cancelAll()
                return isOver
            }
        }.value
    }

    private func work(_ keeper: any ConnectionKeeper, for service: UpkeepService) async {
        let id = line.profile.id
        let context = KeepingContext(
            profile: line.profile, address: service.surroundings.address(id), notes: service.surroundings.notes(id),
            clock: service.clock, pause: service.pause, signals: signals, report: { [self] in note($0, for: service) },
            openCalls: { await service.surroundings.openCalls(id) }, hear: { await service.append($0, of: id) })
        var failures = 0
        while !Task.isCancelled {
            let begun = service.clock.now()
            do {
                return try await keeper.run(context)
            } catch {
                // What was broken off has not failed.
                guard !Task.isCancelled else { return }
                let now = service.clock.now()
                failures = begun.advanced(by: Self.soundTime) <= now ? 1 : failures + 1
                let rest = Self.pause(after: failures, error)
                note(error, until: now.advanced(by: rest))
                if let times = trouble.withLock({ $0.failed(at: now) }) {
                    service.tell(.failed(id, error, failures: times, pause: rest))
                }
                do { try await service.pause(rest) } catch { return }
                state.withLock { status in
                    status.restarts += 1
                    status.nextAttemptAt = nil
                }
            }
        }
    }

    /// Twice as long after each failure. Wrong credentials do not mend themselves within seconds.
    static func pause(after failures: Int, _ failure: ProviderFailure) -> Duration {
        let own = failure.kind == .unauthorized ? longestPause : min(shortestPause * (1 << min(failures - 1, 6)), longestPause)
        return max(own, min(failure.retryAfter ?? .zero, longestWish))
    }

    // MARK: How it stands

    /// Its successor waits for its end: two at once would undo each other's work at the provider.
    func noteStuck(at now: Instant) {
        stuck.store(true, ordering: .relaxed)
        state.withLock { status in
            status.failure = ProviderFailure(.unavailable, code: "stuck", text: "the former keeper does not end")
            status.upkeep.kept = 0
            status.upkeep.remedy = "restart the gateway if this lasts"
            status.since = now
        }
    }

    private func note(_ failure: ProviderFailure, until moment: Instant) {
        state.withLock { status in
            status.failure = failure
            status.nextAttemptAt = moment
        }
    }

    /// A keeper's word: it works, and what failed before is over.
    private func note(_ upkeep: Upkeep, for service: UpkeepService) {
        let now = service.clock.now()
        let (isChanged, isRecovered) = state.withLock { status in
            let old = status.condition
            let isRecovered = status.failure != nil && upkeep.condition != .starting
            let isNews = upkeep.condition != status.upkeep.condition || upkeep.remedy != status.upkeep.remedy
            status.upkeep = upkeep
            if upkeep.condition != .starting { status.failure = nil }
            if status.condition != old { status.since = now }
            return (isNews, isRecovered)
        }
        if isRecovered, trouble.withLock({ $0.recovered() }) { service.tell(.recovered(line.profile.id)) }
        if isChanged { service.tell(.changed(line.profile.id, upkeep)) }
    }
}
