/// What a call's events say, gathered so that the fold need not look at them again.
///
/// Events are taken in the history's canonical order; taking the next one in that order is all it costs to go on.
struct EventDigest: Sendable {
    /// The ending that counts, with what its event says beside it.
    struct Ending {
        var report: EndReport
        var occurredAt: Instant
        var receivedAt: Instant
        /// When the part began, where its end tells that.
        var startedAt: Instant?
        /// `nil` where the vendor's history says it: that is no word about the call as a whole.
        var direction: Direction?
        /// Of what it is the end: of a leg, or of what the vendor takes for a call. One that was passed on may be several.
        var part: String
        /// It is one of several legs of what the vendor takes for one call.
        var isOfLeg: Bool
        /// The vendor's history tells of it, which may not know when that was.
        var isPast: Bool

        /// When the part ended.
        var moment: Instant { report.endedAt ?? occurredAt }

        /// Of what the vendor takes for calls, by his history, and news only tell of the end of one before it.
        func isOfLaterPart(than told: Ending) -> Bool {
            guard let end = report.endedAt, !told.isOfLeg else { return false }
            return end > told.moment.advanced(by: CallLikeness.tolerance)
        }
    }

    /// By start, then by name.
    private(set) var legs: [LegTimeline] = []
    /// Legs that the vendor's history alone tells of.
    private var pastLegs: Set<String> = []
    /// The vendor's words that the call, or a part of it, is over: what counts of each part. News stand before the history.
    private var endings: [Ending] = []
    /// The vendor's word that a leg is over: the latest.
    private var legEnding: Ending?
    /// The gateway's own closing.
    private var closing: Ending?
    /// The vendor's word whether anybody talked: `true` where it says so of any part, `false` where it denies it of some.
    private(set) var answeredByWord: Bool?
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
    /// Who talked by the vendor's history, which knows no legs: each report's talks in their order.
    private(set) var pastTalks: [[TalkReport]] = []
    /// Employees' short numbers by their logins.
    private var logins: [EmployeeLogin] = []
    private(set) var firstReceived = Instant.latest
    private(set) var lastReceived = Instant.earliest
    /// The names of the call and of its legs, sorted.
    private(set) var keys: [ExternalKey] = []
    /// Sorted by their words.
    private(set) var sources: [CallSource] = []
    private(set) var custom: [CustomField] = []
    private(set) var presses: [(at: Instant, report: DigitsReport)] = []
    private(set) var recordings: [(at: Instant, report: RecordingReport)] = []
    private(set) var decisions: [(at: Instant, report: RouteReport)] = []
    private(set) var hasTranscript = false

    /// Takes in the next event.
    mutating func take(_ event: borrowing CallEvent) {
        if let report = event.leg, isTaken(report.key, isPast: event.source == .history) {
            take(report, at: event.occurredAt, of: event.id)
        }
        take(event.facts, isPast: event.source == .history)
        if let report = event.ending { take(report, of: event) }
        if let report = event.digits { presses.append((event.occurredAt, report)) }
        if let report = event.route { decisions.append((event.occurredAt, report)) }
        if let report = event.recording { recordings.append((event.occurredAt, report)) }
        earliest = min(earliest, event.occurredAt)
        firstReceived = min(firstReceived, event.receivedAt)
        lastReceived = max(lastReceived, event.receivedAt)
        for key in event.keys { take(key) }
        if !sources.contains(event.source) {
            sources.append(event.source)
            sources.sort { $0.rawValue < $1.rawValue }
        }
        for field in event.custom { take(field) }
        if event.type == .transcriptReady { hasTranscript = true }
    }

    private mutating func take(_ report: LegReport, at moment: Instant, of event: EventID) {
        var place = legs.firstIndex { $0.key == report.key } ?? legs.endIndex
        if place == legs.endIndex {
            legs.append(LegTimeline(key: report.key))
            take(ExternalKey(.leg, report.key))
        } else if !isKnownUniquelyReferenced(&legs[place]) {
            legs[place] = legs[place].copy()
        }
        legs[place].insert(report, at: moment, of: event)
        while place > 0, Self.precedes(legs[place], legs[place - 1]) {
            legs.swapAt(place, place - 1)
            place -= 1
        }
        while place + 1 < legs.count, Self.precedes(legs[place + 1], legs[place]) {
            legs.swapAt(place, place + 1)
            place += 1
        }
    }

    /// Whether news of the leg count: those of the history do where nothing else tells of it, and give way as soon as something does.
    private mutating func isTaken(_ leg: String, isPast: Bool) -> Bool {
        if isPast {
            guard pastLegs.contains(leg) || !legs.contains(where: { $0.key == leg }) else { return false }
            pastLegs.insert(leg)
        } else if !pastLegs.isEmpty, pastLegs.remove(leg) != nil {
            legs.removeAll { $0.key == leg }
        }
        return true
    }

    private static func precedes(_ left: LegTimeline, _ right: LegTimeline) -> Bool {
        left.startedAt == right.startedAt ? left.key < right.key : left.startedAt < right.startedAt
    }

    private mutating func take(_ key: ExternalKey) {
        guard !keys.contains(key) else { return }
        keys.insert(key, at: keys.firstIndex { key < $0 } ?? keys.endIndex)
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
        if let login = facts.login, !logins.contains(where: { $0.login == login.login }) { logins.append(login) }
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
        if report.answered != false, !report.talks.isEmpty, !pastTalks.contains(report.talks) { pastTalks.append(report.talks) }
        let told = Ending(
            report: report, occurredAt: event.occurredAt, receivedAt: event.receivedAt,
            startedAt: event.facts.startedAt, direction: isPast ? nil : event.facts.direction,
            part: event.leg?.key ?? event.keys.first?.value ?? "",
            isOfLeg: event.leg != nil, isPast: isPast
        )
        if report.isStale {
            closing = closing ?? told
        } else if report.scope == .call {
            take(told)
        } else {
            legEnding = told
        }
        let words = endings.compactMap(\.report.answered) + [legEnding?.report.answered].compactMap(\.self)
        answeredByWord = words.contains(true) ? true : words.first
    }

    /// Of one part news stand before the history, of equal words the one received last: vendors correct themselves.
    private mutating func take(_ told: Ending) {
        guard let known = endings.firstIndex(where: { $0.part == told.part }) else { return endings.append(told) }
        let isBetter = endings[known].isPast == told.isPast ? told.receivedAt >= endings[known].receivedAt : !told.isPast
        if isBetter { endings[known] = told }
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
    /// When the call began, by the vendor's word; its history counts where nothing else says so, and where the news that do are of a
    /// later part of what he takes for several calls.
    var statedStart: Instant? {
        guard let toldStart else { return pastStart }
        guard endings.contains(where: { !$0.isPast && !$0.isOfLeg }) else { return toldStart }
        let untold = endings.lazy.filter(\.isPast).compactMap(\.startedAt).min() ?? toldStart
        return untold < toldStart.advanced(by: .zero - CallLikeness.tolerance) ? untold : toldStart
    }

    /// The ending that counts; `nil` while the call goes on, as far as is known.
    ///
    /// The vendor's word that the call is over comes first. Where he ends legs only, the last of them ends the call, at once or when
    /// his history or the gateway's closing confirms it. These two stand alone where legs were left open; the history of an employee's
    /// part only where nobody else talks on.
    var ending: Ending? {
        let past = last(isPast: true)
        if let told = last(isPast: false) { return past.map { $0.isOfLaterPart(than: told) } == true ? past : told }
        guard let legEnding, allLegsEnded else { return past ?? closing }
        return isFinal(legEnding) || past != nil || closing != nil ? legEnding : nil
    }

    /// Of several parts the one that ended last ends the call.
    private func last(isPast: Bool) -> Ending? {
        var last: Ending?
        for ending in endings where ending.isPast == isPast && ending.moment >= last?.moment ?? .earliest { last = ending }
        guard isPast, let last, last.report.endedAt == nil, closing == nil, someoneTalksOn else { return last }
        return nil
    }

    /// Whether an employee is on the phone of whose part the history does not tell: it tells of parts, and this one goes on.
    private var someoneTalksOn: Bool {
        let told = endings.lazy.filter(\.isPast).flatMap { ending in
            [employee(ending.report.user)?.extension].compactMap(\.self) + ending.report.talks.map(\.user)
        }
        return legs.contains { leg in
            guard leg.isAnswered, !leg.isEnded else { return false }
            let people = [leg.firstFrom, leg.to].compactMap { $0?.extension }
            return !people.isEmpty && !people.contains { told.contains($0) }
        }
    }

    private var allLegsEnded: Bool { legs.allSatisfy(\.isEnded) }

    /// The employee under his short number, where any event of the call has told it beside his login.
    func employee(_ party: Party?) -> Party? {
        guard case .user(let name, let endpoint) = party, let known = logins.first(where: { $0.login == name }) else {
            return party
        }
        return .user(extension: known.extension, endpoint: endpoint)
    }

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
