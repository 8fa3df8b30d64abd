/// A talk of which no leg tells.
struct UntoldTalk {
    let user: String
    /// The place of the employee's leg; `nil` where nothing tells of one.
    let leg: Int?
    let span: LegTimeline.Span
}

/// An employee of whom is known that he talked, and not when.
struct NamedTalker {
    let user: String
    /// He talked after it.
    let after: Instant
}

/// Folds the set of a call's events into its record: a pure function, the heart of the ledger.
///
/// Everything is derived anew from the set, so that order, repeats and batches cannot matter (call-record.md, rule 1). The
/// steps stand in the order in which they need each other; each is a file of its own:
/// legs → talk (who spoke when) → direction and parties → times → ending → transfers, route, recordings.
///
/// Each event of each call comes by here, so the steps copy little: legs are looked at where the history keeps them, parties are
/// places in `cast`, and what several steps ask for is worked out once.
package final class CallFold {
    let digest: EventDigest
    let profile: ConnectionProfile
    let numbering: any NumberingPlan

    /// By start, then by name.
    let legs: [LegTimeline]
    /// The conversation of the call: the spans of all legs, ended where the call or a handover ended them.
    var spans: [[LegTimeline.Span]] = []
    /// The spans in which a human of ours spoke with the other side.
    var talkSpans: [LegTimeline.Span] = []
    /// Talks that only the vendor's history tells of, each on the leg that rang the employee, where there is one.
    var untoldTalks: [UntoldTalk] = []
    /// Employees who talked by somebody's word, and of whose talks no time is known; by the moments they talked after.
    var namedTalkers: [NamedTalker] = []
    /// Legs that came out of a transfer, each with the leg it came from where that is known.
    var transferLegs: [TransferLeg] = []
    /// The legs whose employee handed the call on without the vendor saying so, each with the leg that took it.
    var unmarkedHandovers: [(from: Int, to: Int)] = []
    /// Everybody who took part, once; places in it stand for them.
    var cast: [CastMember] = []
    /// Who is called on each leg, in the order of `legs`.
    var called: [Int?] = []
    /// Who calls on a leg at some time; sorted by leg.
    var calling: [(leg: Int, member: Int)] = []
    /// How each leg came out, once the call's disposition is known.
    var results: [Outcome?] = []
    /// The ending that counts, as its event told it.
    let told: EventDigest.Ending?
    let ending: EndReport?
    let isEnded: Bool
    var call: Call
    let memory: FoldMemory

    /// The record of `history`; its events must not be empty.
    /// - Parameters:
    ///   - id: the call's identifier, made by the ledger.
    ///   - createdAt: when the first raw record of the call was received.
    package static func record(
        of history: CallHistory, id: CallID, createdAt: Instant, profile: ConnectionProfile, numbering: any NumberingPlan
    ) -> Call {
        record(of: history.digest, id: id, createdAt: createdAt, profile: profile, numbering: numbering, memory: FoldMemory())
    }

    /// The same, for a call that is folded again and again.
    /// - Parameter memory: of this call.
    static func record(
        of digest: consuming EventDigest, id: CallID, createdAt: Instant, profile: ConnectionProfile,
        numbering: any NumberingPlan, memory: FoldMemory
    ) -> Call {
        let fold = CallFold(
            digest: consume digest, id: id, createdAt: createdAt, profile: profile, numbering: numbering, memory: memory)
        fold.run()
        return fold.call
    }

    private init(
        digest: consuming EventDigest, id: CallID, createdAt: Instant, profile: ConnectionProfile,
        numbering: any NumberingPlan, memory: FoldMemory
    ) {
        self.digest = digest
        told = self.digest.ending
        let named = self.digest.employee(told?.report.user)
        var ending = told?.report
        ending?.user = named
        self.ending = ending
        isEnded = ending != nil
        legs = self.digest.legs
        self.profile = profile
        self.numbering = numbering
        self.memory = memory
        call = Call(
            id: id, tenant: profile.tenant, connection: profile.id, provider: profile.provider, startedAt: createdAt,
            createdAt: createdAt, updatedAt: createdAt)
    }

    private func run() {
        measureSpans()
        readDirection()
        collectTalk()
        collectTransfers()
        identifyParties()
        readParties()
        readTimes()
        readState()
        readDisposition()
        readResults()
        listParticipants()
        listLegs()
        listTransfers()
        listRoute()
        listRecordings()
        collectRest()
    }

    func number(_ raw: String) -> PhoneNumber {
        memory.number(raw, country: profile.defaultCountry) { numbering.number($0, defaultCountry: profile.defaultCountry) }
    }

    /// The user identifier of an employee: what the CRM calls him, or the connection and his short number.
    func userID(_ extension: String) -> String {
        profile.employees[`extension`]?.crmID ?? "\(profile.id.name)/\(`extension`)"
    }
}

// MARK: - Legs and the ending

extension CallFold {
    /// When the call ended, as far as anybody said: without a time of its own it ended when its last leg did.
    var reportedEnd: Instant? {
        guard let told, let ending else { return nil }
        if let end = ending.endedAt { return end }
        if allLegsEnded { return legs.compactMap(\.endedAt).max() }
        return ending.isStale || told.isPast ? nil : told.occurredAt
    }

    var allLegsEnded: Bool { !legs.isEmpty && legs.allSatisfy(\.isEnded) }
}

// MARK: - Spans

extension CallFold {
    private func measureSpans() {
        let end = reportedEnd
        spans = legs.map { $0.spans(until: end) }
        placeUntoldTalks()
        unmarkedHandovers = findUnmarkedHandovers()
        endTalksByUnmarkedHandover()
    }

    /// Talks whose answer was lost on the way. Who is shown talking needs no other word.
    private func placeUntoldTalks() {
        guard !digest.pastTalks.isEmpty else { return }
        var shown: [String: Instant] = [:]
        for span in spans.joined() {
            guard case .talk(let user, external: true) = span.kind else { continue }
            shown[user] = min(shown[user] ?? span.from, span.from)
        }
        for talks in digest.pastTalks {
            // Each talked after the one before him.
            var before = Instant.earliest
            for (number, talk) in talks.enumerated() {
                if let from = shown[talk.user] ?? talk.from {
                    before = max(before, from)
                    guard shown[talk.user] == nil else { continue }
                    place(talk, from: from, until: talks[(number + 1)...].lazy.compactMap { shown[$0.user] ?? $0.from }.first)
                } else {
                    before = max(before, lastRing(of: talk.user) ?? talk.since ?? startOfCall)
                    name(talk.user, after: before)
                }
            }
        }
        // What has times in one report needs none of another.
        namedTalkers.removeAll { named in untoldTalks.contains { $0.user == named.user } }
    }

    /// A talk that only the history shows; where its end is not told, it ends with his leg, with the `next` one's beginning, or with the call.
    private func place(_ talk: TalkReport, from: Instant, until next: Instant?) {
        let bound = talk.to ?? .latest
        let leg = legs.indices.last { legs[$0].involves(talk.user) && legs[$0].startedAt <= max(bound, from) }
        let end = talk.to ?? leg.flatMap { legs[$0].endedAt } ?? next ?? reportedEnd
        let span = LegTimeline.Span(kind: .talk(user: talk.user, external: true), from: from, to: end.map { max(from, $0) })
        guard !untoldTalks.contains(where: { $0.user == talk.user && $0.span.from == from }) else { return }
        untoldTalks.append(UntoldTalk(user: talk.user, leg: leg, span: span))
        guard let leg else { return }
        spans[leg].insert(span, at: spans[leg].firstIndex { $0.from > span.from } ?? spans[leg].endIndex)
    }

    /// Notes that he talked after that moment; of several the latest counts.
    func name(_ user: String, after moment: Instant) {
        let known = namedTalkers.first { $0.user == user }
        namedTalkers.removeAll { $0.user == user }
        namedTalkers.append(NamedTalker(user: user, after: max(known?.after ?? moment, moment)))
        namedTalkers.sort { ($0.after, $0.user) < ($1.after, $1.user) }
    }

    /// When the telephone of that employee began to ring last: he talked after that, if at all.
    func lastRing(of user: String) -> Instant? {
        legs.last { $0.to?.extension == user && !$0.isAnswered }?.startedAt
    }

    /// Where the vendor does not mark transfers, an employee's talk is over when the next one answers.
    private func endTalksByUnmarkedHandover() {
        for (earlier, later) in unmarkedHandovers {
            let handover = firstTalk(later)
            for index in spans[earlier].indices {
                let span = spans[earlier][index]
                spans[earlier][index].from = min(span.from, handover)
                spans[earlier][index].to = min(span.to ?? handover, handover)
            }
        }
    }

    private func firstTalk(_ leg: Int) -> Instant { spans[leg].first?.from ?? legs[leg].startedAt }

    private func findUnmarkedHandovers() -> [(from: Int, to: Int)] {
        let chain = legs.indices.filter { legs[$0].hasHandover(.unmarked) && legs[$0].isAnswered }
        guard chain.count > 1 else { return [] }
        let inOrder = chain.sorted { (firstTalk($0), legs[$0].key) < (firstTalk($1), legs[$1].key) }
        return zip(inOrder, inOrder.dropFirst()).map { ($0, $1) }
    }
}
