import NetworkTypes

/// What one account registers with, and how patiently.
package struct SIPRegistrationSettings {
    /// The Request-URI: the domain, without a user (RFC 3261 §10.2).
    package var domain: SIPURI
    /// To and From.
    package var account: SIPURI
    /// Our contact as a URI.
    package var contact: SIPURI
    /// For how long is asked; what is granted counts.
    package var expires: Duration
    /// When it is renewed, in percent of what was granted; up to a tenth earlier by chance, so that many trunks do not come at once.
    package var refreshPercent: Int
    /// The first pause after a failure; twice as long each time, up to `longestPause`.
    package var firstPause = Duration.seconds(15)
    package var longestPause = Duration.seconds(1800)

    package init(domain: SIPURI, account: SIPURI, contact: SIPURI, expires: Duration, refreshPercent: Int) {
        self.domain = domain
        self.account = account
        self.contact = contact
        self.expires = expires
        self.refreshPercent = refreshPercent
    }
}

/// Keeps one account registered (RFC 3261 §10.2): a machine that says what to send and when, and how it stands.
///
/// Its owner sends the drafts, one at a time, and brings the answers; resolves the targets, of which the machine knows how many there
/// are and names the one that it wants asked.
package struct SIPRegistration {
    package enum State: Equatable {
        case idle
        case registering
        case registered(until: MonotonicInstant)
        /// The registrar said no; nothing is asked before then.
        case refused(status: UInt16, retry: MonotonicInstant)
        case unreachable(retry: MonotonicInstant)
        case ended
    }

    private struct Repeats {
        var challenges = 0
        var intervals = 0
        var failures = 0
    }

    /// A REGISTER to send to the target of that number.
    package struct Sending {
        package let draft: SIPRequestDraft
        package let target: Int
    }

    private let settings: SIPRegistrationSettings
    private let authorizer: (any SIPAuthorizer)?
    private let chance: () -> UInt64
    private let callID: [UInt8]
    private let tag: [UInt8]
    private var cseq: UInt32 = 0
    package private(set) var state = State.idle
    /// Which target is spoken to.
    package private(set) var target = 0
    package var targetCount = 1
    private var wished: Duration
    private var due: MonotonicInstant?
    private var failures = 0
    /// What the request at hand was sent again for, at once: each reason counts for itself, as they come in any order.
    private var repeats = Repeats()
    private var isLeaving = false
    /// Whether a REGISTER has no final answer yet, and whether the last one took the registration back.
    private var isWaiting = false
    private var saidGoodbye = false
    /// Targets that failed since the attempt began.
    private var failedTargets = 0

    package init(
        _ settings: SIPRegistrationSettings, authorizer: (any SIPAuthorizer)?, chance: @escaping () -> UInt64
    ) {
        self.settings = settings
        self.authorizer = authorizer
        self.chance = chance
        wished = settings.expires
        callID = Array("\(String(chance(), radix: 16))\(String(chance(), radix: 16))".utf8)
        tag = Array(String(chance(), radix: 16).utf8)
    }

    /// When `advance` has something to do.
    package var nextDeadline: MonotonicInstant? { due }

    /// Begins, or begins again.
    package mutating func begin() -> Sending? {
        guard !isLeaving else { return nil }
        repeats = Repeats()
        failedTargets = 0
        due = nil
        if case .registered = state {} else { state = .registering }
        return send(credentials: authorizer?.advance(method: .register, uri: settings.domain))
    }

    package mutating func advance(to now: MonotonicInstant) -> Sending? {
        guard let due, due <= now else { return nil }
        return begin()
    }

    /// Takes the registration back; its answer ends the machine. While a REGISTER is under way its answer is waited for, since what it
    /// grants is to be taken back, too.
    package mutating func leave() -> Sending? {
        guard !isLeaving else { return nil }
        isLeaving = true
        due = nil
        guard !isWaiting else { return nil }
        guard case .registered = state else {
            state = .ended
            return nil
        }
        return sayGoodbye()
    }

    private mutating func sayGoodbye() -> Sending {
        repeats = Repeats()
        return send(credentials: authorizer?.advance(method: .register, uri: settings.domain))
    }

    private mutating func send(credentials: SIPFieldLines?) -> Sending {
        cseq &+= 1
        isWaiting = true
        saidGoodbye = isLeaving
        var fields = SIPFieldLines()
        fields.add(.from, parsed: SIPFieldLines.party(displayName: [UInt8]?.none, settings.account, tag: tag)[...])
        fields.add(.to, address: settings.account)
        fields.add(.callID, parsed: callID[...])
        fields.add(.cseq, parsed: Array("\(cseq) REGISTER".utf8)[...])
        fields.add(.maxForwards, fixed: "70")
        fields.add(.contact, address: settings.contact)
        fields.add(.expires, isLeaving ? 0 : UInt32(clamping: wished.components.seconds))
        fields.add(.allow, fixed: "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY")
        if let credentials { fields.add(credentials) }
        return Sending(
            draft: SIPRequestDraft(method: "REGISTER", uri: settings.domain, fields: fields.bytes),
            target: target % max(targetCount, 1))
    }

    // MARK: Answers

    package mutating func answered(_ response: SIPMessage, at now: MonotonicInstant) -> Sending? {
        guard response.status >= 200 else { return nil }
        isWaiting = false
        if isLeaving, response.status != 401, response.status != 407 { return left(response) }
        switch response.status {
        case 200...299:
            succeed(response, now)
            return nil
        case 401, 407: return challenged(response, now)
        case 423: return askLonger(response, now)
        case 500 where repeats.failures == 0:
            // MultiFon says so now and then, also to what it challenged; the next one is taken.
            repeats.failures = 1
            return send(credentials: authorizer?.advance(method: .register, uri: settings.domain))
        case 408, 480, 500...599: return tryNextTarget(response, now)
        default:
            refuse(response, now)
            return nil
        }
    }

    /// The answer while leaving: to the goodbye, which ends all, or to what was under way before.
    private mutating func left(_ response: SIPMessage) -> Sending? {
        if !saidGoodbye {
            if 200...299 ~= response.status { return sayGoodbye() }
            if case .registered = state { return sayGoodbye() }
        }
        state = .ended
        return nil
    }

    /// Nobody answered, or it could not be sent.
    package mutating func failed(at now: MonotonicInstant) -> Sending? {
        isWaiting = false
        if isLeaving {
            state = .ended
            return nil
        }
        return tryNextTarget(nil, now)
    }

    private mutating func challenged(_ response: SIPMessage, _ now: MonotonicInstant) -> Sending? {
        repeats.challenges += 1
        guard repeats.challenges <= 3, repeats.challenges == 1 || isStale(response),
            let credentials = authorizer?.answer(response, method: .register, uri: settings.domain)
        else {
            if isLeaving { state = .ended } else { refuse(response, now) }
            return nil
        }
        return send(credentials: credentials)
    }

    /// A second challenge only means a wrong password where it does not say that the nonce was old, or that it is another one: the
    /// first attempt may have gone with credentials of before.
    private func isStale(_ response: SIPMessage) -> Bool {
        let challenges = (try? response.credentials(response.status == 407 ? .proxyAuthenticate : .wwwAuthenticate)) ?? []
        return challenges.contains { ($0.parameters["stale"] ?? [])[...].equals(ignoringCase: "true") }
    }

    private mutating func askLonger(_ response: SIPMessage, _ now: MonotonicInstant) -> Sending? {
        repeats.intervals += 1
        guard repeats.intervals <= 2, let least = response.number(.minExpires), least <= 86_400,
            Int64(least) > wished.components.seconds
        else {
            refuse(response, now)
            return nil
        }
        wished = .seconds(Int64(least))
        return send(credentials: authorizer?.advance(method: .register, uri: settings.domain))
    }

    private mutating func succeed(_ response: SIPMessage, _ now: MonotonicInstant) {
        failures = 0
        let granted = max(granted(response), 10)
        state = .registered(until: now.advanced(by: .seconds(granted)))
        let percent = min(max(settings.refreshPercent, 10), 90)
        let share = granted * percent * 10 - Int(chance() % UInt64(granted * percent + 1))
        due = now.advanced(by: .milliseconds(share))
    }

    /// Seconds: of our contact in the answer, which may list others, else of its header, else what was asked.
    private func granted(_ response: SIPMessage) -> Int {
        let contacts = (try? response.addresses(.contact, limit: 96)) ?? []
        let ours = contacts.first { $0.uri.isEquivalent(to: settings.contact) } ?? (contacts.count == 1 ? contacts.first : nil)
        let ofContact = ours?.parameters["expires"].flatMap { UInt32(String(decoding: $0.prefix(10), as: UTF8.self)) }
        return Int(min(ofContact ?? response.number(.expires) ?? UInt32(clamping: wished.components.seconds), 86_400))
    }

    // MARK: Failures

    private mutating func refuse(_ response: SIPMessage, _ now: MonotonicInstant) {
        let retry = now.advanced(by: pause(response))
        due = retry
        state = .refused(status: response.status, retry: retry)
    }

    /// The next of the targets at once, where there is one that was not tried, since Retry-After speaks of the one that says it
    /// (RFC 3261 §21.5.4); else a pause.
    private mutating func tryNextTarget(_ response: SIPMessage?, _ now: MonotonicInstant) -> Sending? {
        target = (target + 1) % max(targetCount, 1)
        failedTargets += 1
        repeats = Repeats()
        guard failedTargets >= targetCount else {
            if case .registered = state {} else { state = .registering }
            return send(credentials: authorizer?.advance(method: .register, uri: settings.domain))
        }
        let retry = now.advanced(by: pause(response))
        due = retry
        state = response.map { .refused(status: $0.status, retry: retry) } ?? .unreachable(retry: retry)
        return nil
    }

    /// 15 s, 30 s, … 30 min, up to a quarter more; what Retry-After asks where that is longer.
    private mutating func pause(_ response: SIPMessage?) -> Duration {
        let doubled = min(settings.firstPause * (1 << min(failures, 10)), settings.longestPause)
        failures += 1
        let jitter = doubled * Double(chance() % 1000) / 4000
        let wanted = Duration.seconds(Int64(min(response?.number(.retryAfter) ?? 0, 3600)))
        return max(doubled + jitter, wanted)
    }
}
