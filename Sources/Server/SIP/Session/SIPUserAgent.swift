import NetworkTypes

/// How a user agent behaves.
package struct SIPUserAgentSettings {
    /// Which event loop it lives on; part of the tags, so that later any loop finds the right one.
    package var shard: UInt8 = 0
    package var t1 = Duration.milliseconds(500)
    package var t2 = Duration.seconds(4)
    package var sessionTimer = SIPSessionTimerRules()
    /// Whether a 18x with a session is sent reliably to who can take it (RFC 3262).
    package var prefersReliableProvisionals = true
    /// Legs at a time; one more is answered 503.
    package var legLimit = 10_000
    /// What Contact of our messages over a flow says: `<sip:192.0.2.1:5060>`.
    package var contact: (SIPFlow) -> [UInt8]
    /// How we name ourselves to those we know: in User-Agent of our requests, and in Server of answers that grant something. Printable
    /// characters; empty tells nothing. A refusal never tells it: strangers learn from it what to look for.
    package var product: [UInt8] = []
    /// Unguessable numbers; of a seed in simulations.
    package var chance: () -> UInt64

    package init(contact: @escaping (SIPFlow) -> [UInt8], chance: @escaping () -> UInt64) {
        self.contact = contact
        self.chance = chance
    }
}

/// Both ends of calls: dialogs, offers and answers, reliable provisional answers, session timers, referrals.
///
/// Sans-IO and confined to one event loop. Messages and the time come in, `takeSends` and `takeEvents` give what comes out. Its owner
/// sees legs and sessions as bytes of SDP, never transactions of a leg or CSeq. Every rule of order is kept here: an offer that cannot
/// be made now waits, a BYE before the ACK waits, what comes too early gets 491 or 500 (RFC 5407).
package final class SIPUserAgent {
    let settings: SIPUserAgentSettings
    package let transactions: SIPTransactions
    private var legs: [SIPLeg?] = []
    private var generations: [UInt32] = []
    private var freeSlots: [UInt32] = []
    var wheel: TimerWheel<SIPLegTimer>
    var events: [SIPUserAgentEvent] = []
    private var sends: [SIPSend] = []
    var now: MonotonicInstant
    /// Legs there are.
    package private(set) var legCount = 0

    package init(settings: SIPUserAgentSettings, transactions: SIPTransactions, now: MonotonicInstant) {
        self.settings = settings
        self.transactions = transactions
        self.now = now
        wheel = TimerWheel(startingAt: Self.tick(now))
        if !settings.product.isEmpty {
            var lines = SIPFieldLines()
            lines.add(.userAgent, parsed: settings.product[...])
            transactions.product = lines.bytes
        }
    }

    /// Whether nothing is left: no leg, no transaction, no timer.
    package var isEmpty: Bool { legCount == 0 && wheel.count == 0 && transactions.isEmpty }

    // MARK: In

    package func receive(_ message: SIPMessage, over flow: SIPFlow, now: MonotonicInstant) {
        self.now = now
        transactions.receive(message, over: flow, now: now)
        settle()
    }

    /// Fires what is due.
    package func advance(to now: MonotonicInstant) {
        self.now = now
        transactions.advance(to: now)
        settle()
        while let due = wheel.takeDue(at: Self.tick(now)) {
            fire(due)
            settle()
        }
    }

    package var nextDeadline: MonotonicInstant? {
        let own = wheel.nextTick.map { MonotonicInstant(nanoseconds: $0 * 1_000_000) }
        guard let other = transactions.nextDeadline else { return own }
        return own.map { min($0, other) } ?? other
    }

    /// The way to a peer is broken: what waits for an answer over it fails.
    package func transportFailed(_ flow: SIPFlow, now: MonotonicInstant) {
        self.now = now
        transactions.transportFailed(flow, now: now)
        settle()
    }

    // MARK: Out

    package struct SIPSend {
        package let bytes: [UInt8]
        package let flow: SIPFlow
    }

    package func takeSends() -> [SIPSend] {
        defer { sends.removeAll(keepingCapacity: true) }
        return sends
    }

    package func takeEvents() -> [SIPUserAgentEvent] {
        defer { events.removeAll(keepingCapacity: true) }
        return events
    }

    func send(_ bytes: [UInt8], over flow: SIPFlow) { sends.append(SIPSend(bytes: bytes, flow: flow)) }

    // MARK: Requests outside of dialogs

    /// Sends a request of the owner's own: REGISTER, OPTIONS. Its answer comes as `.response`, or `.failed`, with `owner`.
    /// - Parameter owner: below 2^63.
    package func send(_ draft: SIPRequestDraft, over flow: SIPFlow, owner: UInt64, now: MonotonicInstant) throws(SIPWriteError) {
        self.now = now
        _ = try transactions.begin(draft, over: flow, owner: owner | 1 << 63, now: now)
        settle()
    }

    /// Answers a request that `.request` brought.
    package func respond(
        _ status: UInt16, to message: SIPMessage, _ transaction: SIPTransactionID, _ lines: SIPFieldLines = SIPFieldLines(),
        body: [UInt8] = [], contentType: String? = nil, now: MonotonicInstant
    ) {
        self.now = now
        answer(status, to: message, transaction, toTag: strangerTag(), lines, body: body, contentType: contentType)
        settle()
    }

    /// Answers a request that could not be read, where it deserves an answer.
    package func refuse(_ refusal: SIPRefusal, over flow: SIPFlow, now: MonotonicInstant) {
        self.now = now
        transactions.refuse(refusal, over: flow)
        settle()
    }

    /// Leaves a request without an answer, as if it had never come.
    package func ignore(_ transaction: SIPTransactionID, now: MonotonicInstant) {
        self.now = now
        transactions.forget(transaction)
        settle()
    }

    // MARK: Dispatching

    /// Takes what the transactions have to say until they are silent. What they say makes no new loop: each pass ends something.
    func settle() {
        while true {
            let outputs = transactions.takeOutput()
            if outputs.isEmpty { return }
            for output in outputs { take(output) }
        }
    }

    private func take(_ output: SIPTransactionOutput) {
        switch output {
        case .send(let bytes, let flow): send(bytes, over: flow)
        case .request(let message, let transaction, let flow): receive(request: message, transaction, flow)
        case .cancelled(let transaction, let owner): if let leg = leg(owner) { cancelled(leg, transaction) }
        case .acknowledged: break
        case .ack(let message, let flow): if let leg = leg(of: message) { acknowledged(leg, message, flow) }
        case .response(let message, let transaction, let owner): receive(response: message, transaction, owner)
        case .strayResponse: break
        case .failed(let transaction, let owner, let failure): failed(transaction, owner, failure)
        case .ended(let transaction, let owner): if let leg = leg(owner) { transactionEnded(leg, transaction) }
        }
    }

    private func receive(request message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow) {
        guard message.toTag != nil, let leg = leg(of: message) else {
            events.append(.request(message, transaction, flow))
            return
        }
        transactions.own(transaction, by: leg.id.owner)
        // Whoever names a dialog of ours, chance and all, is no stranger.
        transactions.trust(transaction)
        receive(request: message, transaction, over: flow, in: leg)
    }

    private func receive(response message: SIPMessage, _ transaction: SIPTransactionID, _ owner: UInt64) {
        if owner >> 63 == 1 {
            if message.status >= 200 { events.append(.response(message, transaction, owner: owner & ~(1 << 63))) }
        } else if let leg = leg(owner) {
            receive(response: message, transaction, in: leg)
        }
    }

    private func failed(_ transaction: SIPTransactionID, _ owner: UInt64, _ failure: SIPTransactionFailure) {
        if owner >> 63 == 1 {
            events.append(.failed(transaction, owner: owner & ~(1 << 63), failure))
        } else if let leg = leg(owner) {
            requestFailed(leg, transaction, failure)
        }
    }

    // MARK: Legs

    func makeLegID() -> SIPLegID? {
        guard legCount < settings.legLimit else { return nil }
        if let slot = freeSlots.popLast() { return SIPLegID(slot: slot, generation: generations[Int(slot)]) }
        legs.append(nil)
        generations.append(0)
        return SIPLegID(slot: UInt32(legs.count - 1), generation: 0)
    }

    func keep(_ leg: SIPLeg) {
        legs[Int(leg.id.slot)] = leg
        legCount += 1
    }

    /// Puts a name back that was made and not used.
    func discard(_ id: SIPLegID) { freeSlots.append(id.slot) }

    func leg(_ id: SIPLegID) -> SIPLeg? {
        guard legs.indices.contains(Int(id.slot)), let leg = legs[Int(id.slot)], leg.id == id else { return nil }
        return leg
    }

    private func leg(_ owner: UInt64) -> SIPLeg? { SIPLegID(owner: owner).flatMap(leg) }

    /// The leg whose dialog a request of the peer is of.
    private func leg(of request: SIPMessage) -> SIPLeg? {
        guard let tag = request.toTag, let id = SIPLegTag.leg(in: tag, shard: settings.shard), let leg = leg(id) else {
            return nil
        }
        if leg.dialog.holds(request) { return leg }
        return leg.forks.contains { $0.dialog.holds(request) } ? leg : nil
    }

    /// The leg that a call wants to take the place of (RFC 3891 §3).
    package func leg(replacedBy replaces: SIPReplaces) -> SIPLegID? {
        guard let id = SIPLegTag.leg(in: replaces.toTag[...], shard: settings.shard), let leg = leg(id) else { return nil }
        let dialog = leg.dialog
        guard dialog.localTag == replaces.toTag, dialog.remoteTag == replaces.fromTag, dialog.callID == replaces.callID else {
            return nil
        }
        return leg.phase == .ended || (replaces.isEarlyOnly && leg.phase == .confirmed) ? nil : id
    }

    /// Ends a leg: timers stop, what waits for an answer of ours is refused, waiting offers are forgotten. Its name lives on while its
    /// transactions need it, and none needs it for ever.
    func end(_ leg: SIPLeg) {
        leg.phase = .ended
        refuseWhatWaits(leg)
        for pending in leg.pending where pending.kind == .invite || pending.kind == .reinvite {
            transactions.hurry(pending.id, now: now)
        }
        leg.waitingOffer = nil
        for timer in [
            leg.sessionTimerID, leg.retryTimerID, leg.awaited?.repetition.timer, leg.invitation?.reliable?.repetition.timer,
        ] {
            if let timer { wheel.cancel(timer) }
        }
        leg.sessionTimerID = nil
        leg.retryTimerID = nil
        leg.awaited = nil
        leg.invitation = nil
        leg.call = nil
        forgetIfDone(leg)
    }

    func forgetIfDone(_ leg: SIPLeg) {
        guard leg.phase == .ended, leg.pending.isEmpty, leg.acknowledgements.isEmpty, self.leg(leg.id) != nil else { return }
        let slot = Int(leg.id.slot)
        legs[slot] = nil
        generations[slot] = (generations[slot] &+ 1) & 0x7FFF_FFFF
        freeSlots.append(leg.id.slot)
        legCount -= 1
        events.append(.forgotten(leg.id))
    }

    private func transactionEnded(_ leg: SIPLeg, _ transaction: SIPTransactionID) {
        leg.acknowledgements.removeAll { $0.transaction == transaction }
        leg.pending.removeAll { $0.id == transaction }
        forgetIfDone(leg)
    }

    // MARK: Answers

    /// Writes an answer and gives it to its transaction.
    @discardableResult
    func answer(
        _ status: UInt16, to message: SIPMessage, _ transaction: SIPTransactionID, toTag: [UInt8],
        _ lines: SIPFieldLines = SIPFieldLines(), body: [UInt8] = [], contentType: String? = nil
    ) -> [UInt8] {
        var lines = lines
        if !settings.product.isEmpty, (200...299).contains(status) { lines.add(.server, parsed: settings.product[...]) }
        let bytes = SIPMessageWriter.answer(
            status, to: message, toTag: toTag, arrival: transactions.arrival(of: transaction), lines,
            contentType: body.isEmpty ? nil : contentType ?? SIPUserAgent.sessionType, body: body)
        transactions.respond(transaction, status: status, bytes, now: now)
        return bytes
    }

    /// An answer in a leg.
    @discardableResult
    func answer(
        _ status: UInt16, to message: SIPMessage, _ transaction: SIPTransactionID, in leg: SIPLeg,
        _ lines: SIPFieldLines = SIPFieldLines(), body: [UInt8] = []
    ) -> [UInt8] {
        answer(status, to: message, transaction, toTag: leg.dialog.localTag, lines, body: body)
    }

    private func strangerTag() -> [UInt8] {
        var tag: [UInt8] = []
        HexDigits.append(settings.chance(), count: 16, to: &tag)
        return tag
    }

    static let sessionType = "application/sdp"

    /// What every INVITE, and every 200 to one, says of us.
    static func addAbilities(to lines: inout SIPFieldLines) {
        lines.add(.allow, fixed: "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY")
        lines.add(.supported, fixed: "100rel, timer, replaces, norefersub")
    }

    static func tick(_ moment: MonotonicInstant) -> Int64 { moment.nanoseconds / 1_000_000 }

    /// A timer for a leg, rounded up to the tick.
    func setTimer(_ timer: SIPLegTimer, after delay: Duration) -> TimerID {
        wheel.insert(timer, due: Self.tick(now.advanced(by: delay + .microseconds(999))))
    }
}

/// What a leg is to be woken for.
enum SIPLegTimer {
    case repeatFinal(SIPLegID)
    case repeatProvisional(SIPLegID)
    case session(SIPLegID)
    case retryOffer(SIPLegID)
}

extension SIPUserAgent {
    func fire(_ timer: SIPLegTimer) {
        switch timer {
        case .repeatFinal(let id): if let leg = leg(id) { repeatFinal(leg) }
        case .repeatProvisional(let id): if let leg = leg(id) { repeatProvisional(leg) }
        case .session(let id): if let leg = leg(id) { sessionTimerFired(leg) }
        case .retryOffer(let id):
            guard let leg = leg(id) else { return }
            leg.retryTimerID = nil
            makeWaitingOffer(leg)
        }
    }
}
