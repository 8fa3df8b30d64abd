// When: the record's moments, kept in order (rule 2), and the times between them (rule 4).

extension CallFold {
    func readTimes() {
        call.startedAt = startOfCall
        call.ringingAt = firstRing(before: answer)
        call.systemAnsweredAt = legs.filter { $0.to?.isSystem == true }.compactMap(\.answeredAt).min()
        call.answeredAt = answer
        call.endedAt = isEnded ? reportedEnd : nil
        clampForward()
        measureTimes()
        if let end = call.endedAt ?? told?.receivedAt {
            call.finalizedAt = isEnded ? end.advanced(by: profile.finalizeAfter) : nil
        }
    }

    var startOfCall: Instant {
        let told = min(digest.statedStart ?? digest.earliest, digest.earliest)
        return legs.reduce(told) { min($0, $1.startedAt) }
    }

    /// Unknown where the answer belongs to somebody else than the first who is shown being rung: his ringing was lost.
    private func firstRing(before answer: Instant?) -> Instant? {
        let rung = legs.filter(ringsEndPoint)
        guard let leg = rung.min(by: { $0.ringingAt ?? .latest < $1.ringingAt ?? .latest }), let first = leg.ringingAt else {
            return nil
        }
        guard let answer, answer < first else { return first }
        let isOfAnother =
            rung.contains { $0.ringingAt == nil && $0.answeredAt == answer }
            || untoldTalks.contains { $0.leg == nil && $0.span.from == answer }
            || leg.answeredAt.map { answer < $0.advanced(by: .zero - CallLikeness.tolerance) } == true
        return isOfAnother ? nil : first
    }

    /// A phone rings: an employee's on an inbound or internal call, the outside party's on an outbound one.
    private func ringsEndPoint(_ leg: LegTimeline) -> Bool {
        call.direction == .outbound ? leg.to?.isExternal == true : leg.to?.isUser == true
    }

    /// What news tell, else the vendor's history, which often counts whole seconds. That counts too where news of the answer of a call that
    /// came in were lost, and those there are tell of a later one. Nobody knows when he answered who only is said to have talked before all
    /// others.
    private var answer: Instant? {
        guard let told = toldAnswer, call.direction != .outbound else { return toldAnswer ?? digest.pastAnswer }
        let earlier = told.advanced(by: .zero - CallLikeness.tolerance)
        if let past = digest.pastAnswer, past < earlier, past >= startOfCall, hasLostBeginning(at: told) { return past }
        if digest.pastAnswer == nil, let first = namedTalkers.first, first.after < earlier { return nil }
        return told
    }

    /// Whether there may have been an answer before the talk that legs show from then on: on the same leg, or on one that was handed on.
    private func hasLostBeginning(at moment: Instant) -> Bool {
        if legs.contains(where: { $0.isTransferredAway && !$0.isAnswered }) { return true }
        return legs.indices.contains { leg in legs[leg].hasLostBeginning && spans[leg].contains { $0.from == moment } }
    }

    /// On an outbound call the vendor's word, since a callback's legs show the employee's own answer too; else the earlier of
    /// both, since of a call that was passed on the vendor may tell of the last part alone.
    private var toldAnswer: Instant? {
        guard call.direction != .outbound, let stated = digest.statedAnswer, let shown = answerOfLegs else {
            return digest.statedAnswer ?? answerOfLegs
        }
        return min(stated, shown)
    }

    /// The first talk that counts: with the outside party, or between two employees on an internal call.
    private var answerOfLegs: Instant? {
        talkSpans.map(\.from).min()
    }

    /// Rule 2: no moment of the record stands before the one it follows; by how much one had to move is the clock's skew.
    private func clampForward() {
        var floor = call.startedAt
        var skew: Int64 = 0
        func settle(_ moment: Instant?) -> Instant? {
            guard let moment else { return nil }
            skew = max(skew, floor.milliseconds(since: moment))
            floor = max(floor, moment)
            return floor
        }
        call.ringingAt = settle(call.ringingAt)
        call.answeredAt = settle(call.answeredAt)
        call.endedAt = settle(call.endedAt)
        call.systemAnsweredAt = call.systemAnsweredAt.map { max($0, call.startedAt) }
        call.clock.skewMilliseconds = skew
    }

    private func measureTimes() {
        // How long one waited for an answer whose time nobody tells is unknown.
        let settled = call.answeredAt ?? (isAnswered ? nil : call.endedAt)
        call.waitMilliseconds = settled?.milliseconds(since: call.startedAt)
        call.ringMilliseconds = call.ringingAt.flatMap { settled?.milliseconds(since: $0) }
        guard let end = call.endedAt else { return }
        call.totalMilliseconds = end.milliseconds(since: call.startedAt)
        guard let answer = call.answeredAt else {
            call.talkMilliseconds = isAnswered ? nil : 0
            call.holdMilliseconds = 0
            return
        }
        let talks = talkSpans
        let talk = Self.union(talks, within: answer...end)
        // Who is on hold while somebody else of ours talks does not make the call wait.
        let held = holdSpans
        let hold = held.isEmpty ? 0 : Self.union(talks + held, within: answer...end) - talk
        call.holdMilliseconds = hold
        // Where no leg shows the talk, it is what the hold leaves.
        call.talkMilliseconds = talk == 0 ? end.milliseconds(since: answer) - hold : talk
    }
}

// MARK: - Spans of the whole call

extension CallFold {
    func collectTalk() {
        if isAnswerDenied { spans = spans.map { $0.filter { if case .talk = $0.kind { false } else { true } } } }
        for span in spans.joined() {
            guard case .talk(_, let external) = span.kind, external || call.direction == .internal else { continue }
            talkSpans.append(span)
        }
        if !isAnswerDenied { talkSpans += untoldTalks.lazy.filter { $0.leg == nil }.map(\.span) }
        // Between employees a leg may have shown it all the same.
        for span in talkSpans {
            guard case .talk(let user, _) = span.kind else { continue }
            namedTalkers.removeAll { $0.user == user }
        }
    }

    /// The vendor's last word on an outbound call is that nobody answered: what its legs show was the employee's own phone.
    var isAnswerDenied: Bool { call.direction == .outbound && digest.answeredByWord == false }

    private var holdSpans: [LegTimeline.Span] {
        spans.lazy.joined().filter { if case .hold = $0.kind { true } else { false } }
    }

    /// Milliseconds covered by any of the spans inside `range`; an open span lasts to the range's end.
    static func union(_ spans: [LegTimeline.Span], within range: ClosedRange<Instant>) -> Int64 {
        var covered: Int64 = 0
        var reached = range.lowerBound
        for span in spans.sorted(by: { $0.from < $1.from }) {
            let from = max(span.from, reached)
            let to = min(span.to ?? range.upperBound, range.upperBound)
            guard to > from else { continue }
            covered += to.milliseconds(since: from)
            reached = to
        }
        return covered
    }
}
