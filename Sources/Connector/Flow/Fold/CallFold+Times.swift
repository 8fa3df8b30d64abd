// When: the record's moments, kept in order (rule 2), and the times between them (rule 4).

extension CallFold {
    func readTimes() {
        call.startedAt = startOfCall
        call.ringingAt = legs.filter(ringsEndPoint).compactMap(\.ringingAt).min()
        call.systemAnsweredAt = legs.filter { $0.to?.isSystem == true }.compactMap(\.answeredAt).min()
        call.answeredAt = answer ?? digest.pastAnswer
        call.endedAt = isEnded ? reportedEnd : nil
        clampForward()
        measureTimes()
        if let end = call.endedAt ?? told?.receivedAt {
            call.finalizedAt = isEnded ? end.advanced(by: profile.finalizeAfter) : nil
        }
    }

    private var startOfCall: Instant {
        let told = min(digest.statedStart ?? digest.earliest, digest.earliest)
        return legs.reduce(told) { min($0, $1.startedAt) }
    }

    /// A phone rings: an employee's on an inbound or internal call, the outside party's on an outbound one.
    private func ringsEndPoint(_ leg: LegTimeline) -> Bool {
        call.direction == .outbound ? leg.to?.isExternal == true : leg.to?.isUser == true
    }

    /// On an outbound call the vendor's word, since a callback's legs show the employee's own answer too; else the earlier of
    /// both, since of a call that was passed on the vendor may tell of the last part alone.
    private var answer: Instant? {
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
