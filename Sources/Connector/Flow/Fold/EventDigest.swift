/// What a call's events say, gathered so that the fold need not look at them again.
///
/// Events are taken in the history's canonical order; taking the next one in that order is all it costs to go on.
struct EventDigest: Sendable {
    /// The ending that counts, with what its event says beside it.
    struct Ending {
        var report: EndReport
        var occurredAt: Instant
        var receivedAt: Instant
        /// `nil` where the vendor's history says it: that is no word about the call as a whole.
        var direction: Direction?
        /// The vendor's history tells of it, which may not know when that was.
        var isPast: Bool
    }

    /// In the order in which they were first told of.
    private(set) var legs: [LegTimeline] = []
    /// The vendor's word that the call is over: the earliest.
    private var toldEnding: Ending?
    /// The vendor's word that a leg is over: the latest.
    private var legEnding: Ending?
    /// What the vendor's history says of the end, and the gateway's own closing.
    private var pastEnding: Ending?
    private var closing: Ending?
    private(set) var origin: Origin?
    private(set) var direction: Direction?
    /// The direction by the vendor's history, where nothing else shows one.
    private(set) var pastDirection: Direction?
    private(set) var externalNumber: String?
    private(set) var externalName: String?
    private(set) var line: String?
    private(set) var tracking: TrackingReport?
    private(set) var timeZone: String?
    private(set) var earliest = Instant.latest
    private var toldStart: Instant?
    private var pastStart: Instant?
    private(set) var statedAnswer: Instant?
    /// When it was answered by the vendor's history, which often counts whole seconds.
    private(set) var pastAnswer: Instant?
    private(set) var firstReceived = Instant.latest
    private(set) var lastReceived = Instant.earliest
    private(set) var keys: [ExternalKey] = []
    private(set) var sources: [CallSource] = []
    private(set) var custom: [CustomField] = []
    private(set) var presses: [(at: Instant, report: DigitsReport)] = []
    private(set) var recordings: [(at: Instant, report: RecordingReport)] = []
    private(set) var hasTranscript = false

    /// Takes in the next event.
    mutating func take(_ event: borrowing CallEvent) {
        if let report = event.leg { take(report, at: event.occurredAt, of: event.id) }
        take(event.facts, isPast: event.source == .history)
        if let report = event.ending { take(report, of: event) }
        if let report = event.digits { presses.append((event.occurredAt, report)) }
        if let report = event.recording { recordings.append((event.occurredAt, report)) }
        earliest = min(earliest, event.occurredAt)
        firstReceived = min(firstReceived, event.receivedAt)
        lastReceived = max(lastReceived, event.receivedAt)
        for key in event.keys where !keys.contains(key) { keys.append(key) }
        if !sources.contains(event.source) { sources.append(event.source) }
        for field in event.custom { take(field) }
        if event.type == .transcriptReady { hasTranscript = true }
    }

    private mutating func take(_ report: LegReport, at moment: Instant, of event: EventID) {
        if let known = legs.firstIndex(where: { $0.key == report.key }) {
            legs[known].insert(report, at: moment, of: event)
        } else {
            var leg = LegTimeline(key: report.key)
            leg.insert(report, at: moment, of: event)
            legs.append(leg)
        }
    }

    private mutating func take(_ facts: CallFacts, isPast: Bool) {
        // What made a call begin is said by some events only; trunk and device are what everybody else supposes.
        if let said = facts.origin, origin == nil || (origin?.isSupposed == true && !said.isSupposed) { origin = said }
        if isPast { pastDirection = pastDirection ?? facts.direction } else { direction = direction ?? facts.direction }
        externalNumber = externalNumber ?? facts.externalNumber
        externalName = externalName ?? facts.externalName
        line = line ?? facts.line
        tracking = tracking ?? facts.tracking
        timeZone = timeZone ?? facts.timeZone
        guard let start = facts.startedAt else { return }
        if isPast { pastStart = min(pastStart ?? start, start) } else { toldStart = min(toldStart ?? start, start) }
    }

    private mutating func take(_ report: EndReport, of event: borrowing CallEvent) {
        let isPast = event.source == .history
        if report.answered != false, let answer = report.answeredAt {
            if isPast {
                pastAnswer = min(pastAnswer ?? answer, answer)
            } else {
                statedAnswer = min(statedAnswer ?? answer, answer)
            }
        }
        let ending = Ending(
            report: report, occurredAt: event.occurredAt, receivedAt: event.receivedAt,
            direction: isPast ? nil : event.facts.direction, isPast: isPast)
        if report.isStale {
            closing = closing ?? ending
        } else if isPast {
            pastEnding = pastEnding ?? ending
        } else if report.scope == .call {
            toldEnding = toldEnding ?? ending
        } else {
            legEnding = ending
        }
    }

    /// Of several values of one field the latest stands; sorted by name.
    private mutating func take(_ field: CustomField) {
        let place = custom.firstIndex { $0.name >= field.name } ?? custom.endIndex
        if place < custom.endIndex, custom[place].name == field.name {
            custom[place].value = field.value
        } else {
            custom.insert(field, at: place)
        }
    }
}

// MARK: - What counts

extension EventDigest {
    /// When the call began, by the vendor's word; its history counts where nothing else says so.
    var statedStart: Instant? { toldStart ?? pastStart }

    /// The ending that counts; `nil` while the call goes on, as far as is known.
    ///
    /// The vendor's word that the call is over comes first. Where he ends legs only, the last of them ends the call, at once or when
    /// his history or the gateway's closing confirms it. These two stand alone where legs were left open.
    var ending: Ending? {
        if let toldEnding { return toldEnding }
        guard let legEnding, allLegsEnded else { return pastEnding ?? closing }
        return isFinal(legEnding) || pastEnding != nil || closing != nil ? legEnding : nil
    }

    /// All legs have ended and nobody says that the call has: another leg is about to come, or the call is over.
    var awaitsLeg: Bool { legEnding != nil && allLegsEnded && ending == nil }

    private var allLegsEnded: Bool { legs.allSatisfy(\.isEnded) }

    /// Whether no leg is to come. One that handed the call on, and of which nothing was heard since, says that one is.
    private func isFinal(_ ending: Ending) -> Bool {
        guard ending.report.scope == .lastLeg else { return false }
        let last = legs.max { ($0.endedAt ?? .earliest, $0.key) < ($1.endedAt ?? .earliest, $1.key) }
        guard let last, last.isTransferredAway else { return true }
        return ending.occurredAt > last.endedAt ?? .latest
    }
}

extension Origin {
    fileprivate var isSupposed: Bool { self == .trunk || self == .device || self == .unknown }
}
