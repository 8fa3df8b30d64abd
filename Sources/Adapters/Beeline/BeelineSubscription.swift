import Connector

/// What Beeline granted.
package struct BeelineGrant: Sendable, Equatable {
    package var id: String
    /// From the answer on; may be less than was asked for, and counts.
    package var duration: Duration

    package init(id: String, duration: Duration) {
        self.id = id
        self.duration = duration
    }
}

/// Keeps one subscription alive: says when to ask for it, and takes in what came of that. Pure: time is handed in, nothing is sent.
///
/// Renewed by asking again, ten minutes or a tenth of its time before its end, whichever is more, but not in its first half. Ended by
/// Beeline, it is asked for at once; one that does not last a minute, and a refusal, are followed by growing pauses.
/// ```swift
/// switch subscription.step(at: now) {
/// case .ask: …subscribe…; subscription.granted(grant, at: now)     // or .failed(failure, at: now)
/// case .wait(let until): …sleep until then, or until a termination comes…
/// }
/// ```
package struct BeelineSubscription: Sendable, Equatable {
    package enum Step: Sendable, Equatable {
        /// Subscribe now; `granted` or `failed` must follow.
        case ask
        /// Nothing to do before that moment; nil while an answer is awaited.
        case wait(until: Instant?)
    }

    private struct Held: Sendable, Equatable {
        var id: String
        var since: Instant
        var end: Instant
    }

    private var held: Held?
    private var due: Instant
    private var isAsking = false
    /// Ended while an answer is awaited: a grant of the same name is worth nothing.
    private var endedID: String?
    private var failureCount = 0

    /// A subscription that is to begin.
    package init(at now: Instant) { due = now }

    /// One that was granted before, by another process of ours perhaps, and is renewed in its time.
    package init(_ grant: BeelineGrant, since start: Instant) {
        held = Held(id: grant.id, since: start, end: start.advanced(by: grant.duration))
        due = start.advanced(by: Self.useful(grant.duration))
    }

    /// The subscription's present name; nil where there is none.
    package var id: String? { held?.id }

    /// When it began, as far as is known; nil where there is none.
    package var since: Instant? { held?.since }

    /// When it ends unless it is renewed; nil where there is none.
    package var end: Instant? { held?.end }

    /// Whether events come, as far as is known.
    package func isHeld(at now: Instant) -> Bool { held.map { now < $0.end } ?? false }

    package mutating func step(at now: Instant) -> Step {
        if isAsking { return .wait(until: nil) }
        guard now >= due else { return .wait(until: due) }
        isAsking = true
        return .ask
    }

    package mutating func granted(_ grant: BeelineGrant, at now: Instant) {
        isAsking = false
        defer { endedID = nil }
        guard endedID != grant.id else { return pause(from: now, atLeast: .zero) }
        let isRenewal = held?.id == grant.id
        held = Held(
            id: grant.id, since: isRenewal ? held?.since ?? now : now, end: now.advanced(by: grant.duration))
        if isRenewal { failureCount = 0 }
        due = now.advanced(by: Self.useful(grant.duration))
    }

    /// Until when it need not be renewed.
    private static func useful(_ duration: Duration) -> Duration {
        max(duration - max(.seconds(600), duration / 10), duration / 2)
    }

    package mutating func failed(_ failure: ProviderFailure, at now: Instant) {
        isAsking = false
        endedID = nil
        // Wrong credentials do not mend themselves within seconds.
        pause(from: now, atLeast: failure.kind == .unauthorized ? Self.longestPause : failure.retryAfter ?? .zero)
    }

    /// Beeline ended a subscription.
    /// - Parameter id: its name; nil where none was told. One that is not ours, or no longer, changes nothing.
    package mutating func terminated(_ id: String?, at now: Instant) {
        guard let held, id == nil || id == held.id else { return }
        let lasted = now.milliseconds(since: held.since)
        self.held = nil
        guard !isAsking else {
            endedID = held.id
            return
        }
        if lasted >= 60_000 {
            failureCount = 0
            due = now
        } else {
            pause(from: now, atLeast: .zero)
        }
    }

    /// 5 seconds, then twice as long each time, five minutes at most, unless more is asked for.
    private mutating func pause(from now: Instant, atLeast least: Duration) {
        let own = Duration.seconds(5 << min(failureCount, 6))
        failureCount += 1
        due = now.advanced(by: max(min(own, Self.longestPause), min(least, .seconds(3600))))
    }

    private static let longestPause = Duration.seconds(300)
}
