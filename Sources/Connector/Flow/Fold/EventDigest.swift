/// What a call's events say, gathered so that the fold need not look at them again.
///
/// Events are taken in the history's canonical order; taking the next one in that order is all it costs to go on.
struct EventDigest: Sendable {
    /// The ending that counts, with what its event says beside it.
    struct Ending {
        var report: EndReport
        var occurredAt: Instant
        var receivedAt: Instant
        var direction: Direction?
        /// Of what it is the end: of a leg, or of what the vendor takes for a call. One that was passed on may be several.
        var part: String
        var source: CallSource

        /// When the part ended.
        var moment: Instant { report.endedAt ?? occurredAt }

        /// The vendor's news stand before its log, and both before the gateway's own closing.
        var rank: Int { report.isStale ? 0 : source == .history ? 1 : 2 }
    }

    /// By start, then by name.
    private(set) var legs: [LegTimeline] = []
    /// Of several endings the one that counts: of the part that ended last.
    private(set) var ending: Ending?
    /// What counts of each part.
    private var endings: [Ending] = []
    /// The vendor's word whether anybody talked: `true` where it says so of any part, `false` where it denies it of some.
    private(set) var answeredByWord: Bool?
    private(set) var origin: Origin?
    private(set) var direction: Direction?
    private(set) var externalNumber: String?
    private(set) var externalName: String?
    private(set) var line: String?
    private(set) var tracking: TrackingReport?
    private(set) var timeZone: String?
    private(set) var earliest = Instant.latest
    private(set) var statedStart: Instant?
    private(set) var statedAnswer: Instant?
    private(set) var firstReceived = Instant.latest
    private(set) var lastReceived = Instant.earliest
    /// The names of the call and of its legs, sorted.
    private(set) var keys: [ExternalKey] = []
    /// Sorted by their words.
    private(set) var sources: [CallSource] = []
    private(set) var custom: [CustomField] = []
    private(set) var presses: [(at: Instant, report: DigitsReport)] = []
    private(set) var recordings: [(at: Instant, report: RecordingReport)] = []
    private(set) var hasTranscript = false

    /// Takes in the next event.
    mutating func take(_ event: borrowing CallEvent) {
        if let report = event.leg { take(report, at: event.occurredAt, of: event.id) }
        take(event.facts)
        if let report = event.ending { take(report, of: event) }
        if let report = event.digits { presses.append((event.occurredAt, report)) }
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
    }

    /// A leg's start only ever moves back.
    private static func precedes(_ left: LegTimeline, _ right: LegTimeline) -> Bool {
        left.startedAt == right.startedAt ? left.key < right.key : left.startedAt < right.startedAt
    }

    private mutating func take(_ key: ExternalKey) {
        guard !keys.contains(key) else { return }
        keys.insert(key, at: keys.firstIndex { key < $0 } ?? keys.endIndex)
    }

    private mutating func take(_ facts: CallFacts) {
        // What made a call begin is said by some events only; trunk and device are what everybody else supposes.
        if let said = facts.origin, origin == nil || (origin?.isSupposed == true && !said.isSupposed) { origin = said }
        direction = direction ?? facts.direction
        externalNumber = externalNumber ?? facts.externalNumber
        externalName = externalName ?? facts.externalName
        line = line ?? facts.line
        tracking = tracking ?? facts.tracking
        timeZone = timeZone ?? facts.timeZone
        if let start = facts.startedAt { statedStart = min(statedStart ?? start, start) }
    }

    /// Of one part the word of the highest rank counts, of equal ones that received last: vendors correct themselves.
    private mutating func take(_ report: EndReport, of event: borrowing CallEvent) {
        if report.answered != false, let answer = report.answeredAt { statedAnswer = min(statedAnswer ?? answer, answer) }
        let told = Ending(
            report: report, occurredAt: event.occurredAt, receivedAt: event.receivedAt, direction: event.facts.direction,
            part: event.leg?.key ?? event.keys.first?.value ?? "", source: event.source)
        if let known = endings.firstIndex(where: { $0.part == told.part }) {
            guard (told.rank, told.receivedAt) >= (endings[known].rank, endings[known].receivedAt) else { return }
            endings[known] = told
        } else {
            endings.append(told)
        }
        ending = endings.max { (min($0.rank, 1), $0.moment) < (min($1.rank, 1), $1.moment) }
        let words = endings.compactMap(\.report.answered)
        answeredByWord = words.contains(true) ? true : words.first
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

extension Origin {
    fileprivate var isSupposed: Bool { self == .trunk || self == .device || self == .unknown }
}
