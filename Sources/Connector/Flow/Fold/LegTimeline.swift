/// One leg as its events tell it: moments in the vendor's order, and the spans between them.
///
/// Built from the set of the leg's reports; the order in which they came does not matter.
///
/// A class, because a fold looks at it from many places and copies none of it. `@unchecked Sendable`: whoever holds one that others
/// may hold too makes a copy before changing it, as `EventDigest` does.
final class LegTimeline: @unchecked Sendable {
    /// The leg from one report to the next.
    struct Moment: Sendable {
        var at: Instant
        var sequence: Int
        var report: LegReport
        var eventID: EventID
    }

    /// A while in which the leg was in one state with the same parties.
    struct Span: Sendable {
        enum Kind: Sendable, Equatable {
            /// An employee and the outside party, or two employees.
            case talk(user: String, external: Bool)
            case hold
            /// In a menu, a queue or a voicemail box.
            case system
            /// Connected with nobody of interest: the first half of a callback, two outside numbers.
            case other
        }

        var kind: Kind
        var from: Instant
        /// `nil` while it lasts.
        var to: Instant?
    }

    let key: String
    private(set) var moments: [Moment] = []
    private var told = Told()

    /// What the moments say together.
    fileprivate struct Told {
        var firstTold = Instant.latest
        var toldRinging: Instant?
        var toldAnswer: Instant?
        /// What later reports say of both, for want of the ones that told of them.
        var repeatedRinging: Instant?
        var repeatedAnswer: Instant?
        var endedAt: Instant?
        var reason: EndReason?
        var parent: String?
        var group: String?
        var isTransferredAway = false
        var from: Party?
        var firstFrom: Party?
        var to: Party?
        var handovers = LegReport.Handovers()
        var signalling: SignallingReport?
        var latest = Instant.earliest

        var startedAt: Instant { toldRinging == nil ? min(firstTold, repeatedRinging ?? firstTold) : firstTold }
        var ringingAt: Instant? { toldRinging ?? repeatedRinging }
        var answeredAt: Instant? { untoldAnswer ?? toldAnswer }
        /// The answer that only later reports tell of. It counts where it is known who answered: menus and queues may have said the same.
        /// About the same moment as was told is the same one, counted from an end that is less exact.
        var untoldAnswer: Instant? {
            guard to != nil, let repeatedAnswer, repeatedAnswer < toldAnswer?.advanced(by: .seconds(-2)) ?? .latest else {
                return nil
            }
            return repeatedAnswer
        }
    }

    init(key: String) { self.key = key }

    private init(copying other: LegTimeline) {
        key = other.key
        moments = other.moments
        told = other.told
    }

    /// A timeline of its own with the same moments.
    func copy() -> LegTimeline { LegTimeline(copying: self) }

    var startedAt: Instant { told.startedAt }
    var ringingAt: Instant? { told.ringingAt }
    var answeredAt: Instant? { told.answeredAt }
    /// No leg ends before the last thing that is known of it.
    var endedAt: Instant? { told.endedAt }
    var reason: EndReason? { told.reason }
    var parent: String? { told.parent }
    var group: String? { told.group }
    var isTransferredAway: Bool { told.isTransferredAway }
    /// Who calls on the leg at last; a transfer may have put the client in the employee's place.
    var from: Party? { told.from }
    /// Who called on it at first.
    var firstFrom: Party? { told.firstFrom }
    var to: Party? { told.to }
    var signalling: SignallingReport? { told.signalling }
    var isAnswered: Bool { told.answeredAt != nil }
    var isEnded: Bool { told.endedAt != nil }

    /// An employee calls or is called on it.
    var showsUser: Bool { told.firstFrom?.isUser == true || told.to?.isUser == true }

    /// News of a talk before its first one may be missing: by the vendor's counter, whose first news tells of no talk, or, where he has
    /// none, since nothing tells that it rang.
    var hasLostBeginning: Bool {
        guard let first = moments.first(where: { $0.report.phase != .ringing }), first.report.phase != .started else {
            return false
        }
        guard first.sequence > 0 else { return ringingAt == nil }
        return first.sequence > 2 && !moments.contains { $0.sequence == first.sequence - 1 }
    }

    /// That employee calls or is called on it.
    func involves(_ user: String) -> Bool { firstFrom?.extension == user || to?.extension == user }

    func hasHandover(_ handover: LegReport.Handover) -> Bool { told.handovers.contains(.init(handover)) }

    /// A colleague called on the leg at first, somebody outside at last: an attended transfer, marked by the vendor or not.
    var hasChangedHands: Bool { firstFrom?.isUser == true && from?.isExternal == true && to?.isUser == true }

    /// Takes in one report; keeps the vendor's order, then time.
    func insert(_ report: LegReport, at time: Instant, of event: EventID) {
        let moment = Moment(at: time, sequence: report.sequence, report: report, eventID: event)
        var index = moments.count
        while index > 0, Self.precedes(moment, moments[index - 1]) { index -= 1 }
        moments.insert(moment, at: index)
        if index == moments.count - 1 { told.note(report, at: time) } else { gather() }
    }

    /// Reads the moments anew: one came that does not belong at the end.
    private func gather() {
        told = Told()
        for moment in moments { told.note(moment.report, at: moment.at) }
    }

    /// The end of the leg comes last, whatever the clock of its message says; else the vendor's counter, then time.
    private static func precedes(_ left: Moment, _ right: Moment) -> Bool {
        if left.sequence != right.sequence { return left.sequence < right.sequence }
        let leftEnds = left.report.phase == .ended
        if leftEnds != (right.report.phase == .ended) { return !leftEnds }
        if left.at != right.at { return left.at < right.at }
        return left.eventID < right.eventID
    }
}

extension LegReport {
    /// Several handovers at once.
    fileprivate struct Handovers: OptionSet {
        let rawValue: UInt8

        init(rawValue: UInt8) { self.rawValue = rawValue }

        init(_ handover: Handover) {
            switch handover {
            case .blind: rawValue = 1
            case .consultative: rawValue = 2
            case .returned: rawValue = 4
            case .unmarked: rawValue = 8
            }
        }
    }
}

extension LegTimeline.Told {
    mutating func note(_ report: LegReport, at time: Instant) {
        firstTold = min(firstTold, time)
        repeatedRinging = repeatedRinging ?? report.ringingAt
        repeatedAnswer = repeatedAnswer ?? report.answeredAt
        switch report.phase {
        case .ringing: toldRinging = toldRinging ?? time
        case .answered: toldAnswer = toldAnswer ?? time
        case .started, .held: break
        case .ended: reason = report.reason
        }
        if report.phase == .ended || endedAt != nil { endedAt = max(endedAt ?? latest, time) }
        latest = max(latest, time)
        parent = parent ?? report.parent
        group = group ?? report.group
        isTransferredAway = isTransferredAway || report.calleeTransferredAway
        from = report.from ?? from
        firstFrom = firstFrom ?? report.from
        to = report.to ?? to
        if let news = report.signalling {
            if signalling == nil { signalling = news } else { signalling?.take(news) }
        }
        if let handover = report.handover { handovers.insert(.init(handover)) }
    }
}

// MARK: - Parties

extension Party {
    var isExternal: Bool { if case .external = self { true } else { false } }
    var isUser: Bool { if case .user = self { true } else { false } }

    var isSystem: Bool {
        switch self {
        case .ivr, .queue, .voicemail: true
        case .external, .user: false
        }
    }

    /// The employee's short number or login.
    var `extension`: String? { if case .user(let name, _) = self { name } else { nil } }

    /// The device or address at which the party was reached.
    var endpoint: String? {
        switch self {
        case .user(_, let endpoint): endpoint
        case .external(let number): number
        case .ivr, .queue, .voicemail: nil
        }
    }
}

// MARK: - Spans

extension LegTimeline {
    /// The spans of the leg in order, without those in which it only rang. Moments that stand before an earlier one in time
    /// are moved forward.
    func spans(until end: Instant?) -> [Span] {
        var spans: [Span] = []
        var now = moments.first?.at ?? Instant(milliseconds: 0)
        for moment in moments {
            if spans.isEmpty, let answer = untoldAnswer(before: moment) { spans.append(answer) }
            now = max(now, moment.at)
            if let last = spans.indices.last, spans[last].to == nil { spans[last].to = now }
            guard let kind = kind(at: moment) else { continue }
            // Told once more, by an update or a second subscription: it goes on.
            if let last = spans.indices.last, spans[last].to == now, spans[last].kind == kind {
                spans[last].to = nil
                continue
            }
            spans.append(Span(kind: kind, from: now, to: nil))
        }
        if let end, let last = spans.indices.last, spans[last].to == nil { spans[last].to = max(end, spans[last].from) }
        return spans
    }

    /// The talk before `moment`, where only later reports say that there was an answer.
    private func untoldAnswer(before moment: Moment) -> Span? {
        guard let answer = told.untoldAnswer, answer < moment.at, moment.report.phase != .ringing,
            moment.report.phase != .started
        else { return nil }
        let kind = Self.connection(of: moment.report.from, with: moment.report.to ?? to)
        return Span(kind: kind, from: answer, to: nil)
    }

    private func kind(at moment: Moment) -> Span.Kind? {
        switch moment.report.phase {
        case .started, .ringing, .ended: nil
        case .held: .hold
        case .answered: Self.connection(of: moment.report.from, with: moment.report.to ?? to)
        }
    }

    private static func connection(of from: Party?, with to: Party?) -> Span.Kind {
        switch (from, to) {
        case (.external, .user(let user, _)), (.user(let user, _), .external): .talk(user: user, external: true)
        case (.user, .user(let user, _)): .talk(user: user, external: false)
        case (_, .ivr), (_, .queue), (_, .voicemail): .system
        default: .other
        }
    }
}
