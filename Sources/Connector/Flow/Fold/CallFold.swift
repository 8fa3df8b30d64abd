/// Folds the set of a call's events into its record: a pure function, the heart of the ledger.
///
/// Everything is derived anew from the set, so that order, repeats and batches cannot matter (call-record.md, rule 1). The
/// steps stand in the order in which they need each other; each is a file of its own:
/// legs → talk (who spoke when) → direction and parties → times → ending → transfers, route, recordings.
package final class CallFold {
    let digest: EventDigest
    let profile: ConnectionProfile
    let numbering: any NumberingPlan

    var legs: [LegTimeline] = []
    /// The conversation of the call: the spans of all legs, ended where the call or a handover ended them.
    var spans: [[LegTimeline.Span]] = []
    /// The spans in which a human of ours spoke with the other side.
    var talkSpans: [LegTimeline.Span] = []
    /// Legs that came out of a transfer, each with the leg it came from where that is known.
    var transferLegs: [TransferLeg] = []
    /// Who is called on each leg, and who calls on it over time; in the order of `legs`.
    var calledKeys: [ParticipantKey?] = []
    var callingKeys: [[ParticipantKey]] = []
    var ending: EndReport?
    var call: Call
    /// Numbers read so far: a call has few, and asks for them often.
    private var numbers: [(raw: String, number: PhoneNumber)] = []

    /// The record of `history`; its events must not be empty.
    /// - Parameters:
    ///   - id: the call's identifier, made by the ledger.
    ///   - createdAt: when the first raw record of the call was received.
    package static func record(
        of history: CallHistory, id: CallID, createdAt: Instant, profile: ConnectionProfile, numbering: any NumberingPlan
    ) -> Call {
        let fold = CallFold(history: history, id: id, createdAt: createdAt, profile: profile, numbering: numbering)
        fold.run()
        return fold.call
    }

    private init(
        history: CallHistory, id: CallID, createdAt: Instant, profile: ConnectionProfile, numbering: any NumberingPlan
    ) {
        digest = history.digest
        ending = history.digest.ending?.report
        legs = history.digest.legs.sorted { ($0.startedAt, $0.key) < ($1.startedAt, $1.key) }
        self.profile = profile
        self.numbering = numbering
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
        listParticipants()
        listLegs()
        listTransfers()
        listRoute()
        listRecordings()
        collectRest()
    }

    func number(_ raw: String) -> PhoneNumber {
        for known in numbers where known.raw == raw { return known.number }
        let number = numbering.number(raw, defaultCountry: profile.defaultCountry)
        numbers.append((raw, number))
        return number
    }

    /// The user identifier of an employee: what the CRM calls him, or the connection and his short number.
    func userID(_ extension: String) -> String {
        profile.employees[`extension`]?.crmID ?? "\(profile.id.name)/\(`extension`)"
    }
}

// MARK: - Legs and the ending

extension CallFold {
    /// When the call ended, as far as anybody said: a call closed for its age ended when its last leg did.
    var reportedEnd: Instant? {
        guard let told = digest.ending, let ending else { return nil }
        guard ending.isStale else { return ending.endedAt ?? (told.isPast ? nil : told.occurredAt) }
        return allLegsEnded ? legs.compactMap(\.endedAt).max() : nil
    }

    var allLegsEnded: Bool { !legs.isEmpty && legs.allSatisfy(\.isEnded) }

    var isEnded: Bool { ending != nil }
}

// MARK: - Spans

extension CallFold {
    private func measureSpans() {
        let end = reportedEnd
        spans = legs.map { $0.spans(until: end) }
        endTalksByUnmarkedHandover()
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

    /// The legs whose employee handed the call on without the vendor saying so, each with the leg that took it.
    var unmarkedHandovers: [(from: Int, to: Int)] {
        let chain = legs.indices.filter { legs[$0].hasHandover(.unmarked) && legs[$0].isAnswered }
            .sorted { (firstTalk($0), legs[$0].key) < (firstTalk($1), legs[$1].key) }
        return zip(chain, chain.dropFirst()).map { ($0, $1) }
    }
}
