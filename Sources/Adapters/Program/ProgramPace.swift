// How much a program that does not answer may cost those who wait beside it. Decision 014.

/// How long the ledger's thread may wait for one connection's program.
///
/// A store of waiting time: twice the time of one answer at first and at most, filled again by a tenth of the time that passes. Who
/// asks must find the time of one whole answer in it; what the answer took is then taken out. A quick answer costs nothing. So a
/// program that never answers is asked twice, then once in ten times its deadline, and over any time `t` it holds the ledger up for
/// at most two answers and `t / 10`.
struct ProgramPatience {
    /// Answers that take no longer are free.
    static let quick = Duration.milliseconds(20)

    private let answerWithin: Duration
    private var left: Duration
    private var filledAt: ContinuousClock.Instant

    init(answerWithin: Duration, at now: ContinuousClock.Instant) {
        self.answerWithin = answerWithin
        left = answerWithin * 2
        filledAt = now
    }

    /// Whether there is time for one answer.
    mutating func allows(at now: ContinuousClock.Instant) -> Bool {
        left = min(answerWithin * 2, left + max(.zero, now - filledAt) / 10)
        filledAt = now
        return left >= answerWithin
    }

    /// - Parameter wholly: quick or not, as where a program had to be started.
    mutating func spend(_ time: Duration, wholly: Bool) {
        if wholly || time > Self.quick { left -= time }
    }
}

/// When a program that ended may be started again: at once, then after 1, 2, 4 … 60 seconds, until it answers well.
struct ProgramBackoff {
    private var failures = 0
    private var notBefore: ContinuousClock.Instant?

    func mayStart(at now: ContinuousClock.Instant) -> Bool { notBefore.map { now >= $0 } ?? true }

    mutating func failed(at now: ContinuousClock.Instant) {
        failures = min(failures + 1, 8)
        let pause = failures == 1 ? 0 : min(60, 1 << (failures - 2))
        notBefore = now.advanced(by: .seconds(pause))
    }

    mutating func succeeded() { self = ProgramBackoff() }
}
