/// When a connection's history is pulled next, and which part of it: a value without clock, threads or network.
package struct PullSchedule: Sendable {
    private let plan: ReconcilingPlan

    package init(_ plan: ReconcilingPlan) { self.plan = plan }

    // MARK: When

    private static let firstPause = Duration.seconds(60)
    private static let longestPause = Duration.seconds(3600)

    /// When the next pull is due: after the last good one, or after a pause that doubles with each failure.
    ///
    /// A clock that was set back makes nobody wait for longer than the pause.
    /// - Parameter after: what the provider asked for when he refused.
    package func next(_ state: PullState, after retryAfter: Duration? = nil, at now: Instant) -> Instant {
        if let failure = state.failure {
            let pause = max(pause(after: failure.count), retryAfter ?? .zero)
            return min(failure.at, now).advanced(by: pause)
        }
        return state.succeededAt.map { min($0, now).advanced(by: plan.every) } ?? now
    }

    private func pause(after failures: Int) -> Duration {
        min(Self.firstPause * (1 << min(max(failures, 1) - 1, 6)), Self.longestPause)
    }

    // MARK: What

    /// One pull: parts of at most a day, oldest first. Each begins some time before the end of the one before.
    package struct Pull: Sendable, Equatable {
        package var slices: [HistoryWindow]
        /// It reaches back a day.
        package var isWide: Bool
    }

    private static let slice = Duration.seconds(86_400)
    private static let sliceLimit = 64

    /// How far a part reaches back behind the end of the one before. A log may list legs by their beginnings: of a call that went on at
    /// that moment each part alone would have some of them, and none would have all.
    private var overlap: Duration { min(plan.window, Self.slice / 2) }

    /// What a pull at `now` asks for: the plan's window, more where the last pull is longer ago, and now and then a day.
    package func pull(_ state: PullState, at now: Instant) -> Pull {
        let isWide = state.wideAt.map { $0.advanced(by: ReconcilingPlan.wideEvery) <= now || $0 > now } ?? true
        let back = isWide ? max(plan.window, ReconcilingPlan.wideWindow) : plan.window
        var from = now.advanced(by: .zero - back)
        if let through = state.through { from = min(from, through.advanced(by: .zero - plan.window)) }
        from = max(from, now.advanced(by: .zero - max(plan.longest, back)))
        var slices: [HistoryWindow] = []
        while from < now, slices.count < Self.sliceLimit {
            let to = min(from.advanced(by: Self.slice), now)
            slices.append(HistoryWindow(from: from, to: to))
            from = to < now ? to.advanced(by: .zero - overlap) : now
        }
        return Pull(slices: slices, isWide: isWide)
    }

    // MARK: What is known

    /// The calls of these beginnings should be in the history by now; `nil` where none should.
    package func known(_ state: PullState) -> Range<Instant>? {
        guard let since = state.since, let through = state.through else { return nil }
        let end = through.advanced(by: .zero - plan.window)
        return since < end ? since..<end : nil
    }
}

extension PullState {
    /// Takes in that a part of the history came whole.
    mutating func note(_ slice: HistoryWindow) {
        if let known = through, since != nil, slice.from <= known {
            since = min(since ?? slice.from, slice.from)
            through = max(known, slice.to)
        } else {
            // A gap: what was known before is not known to be whole any more.
            since = slice.from
            through = slice.to
        }
    }

    mutating func succeeded(_ pull: PullSchedule.Pull, at now: Instant) {
        failure = nil
        succeededAt = now
        if pull.isWide { wideAt = now }
    }

    mutating func failed(_ reason: String, at now: Instant) {
        failure = Failure(at: now, reason: reason, count: (failure?.count ?? 0) + 1)
    }
}
