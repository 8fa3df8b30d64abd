import Connector
import NetworkTypes
import PBXPlan
import SIP

/// The telephones of the house: who may register and call as whom, and where each is.
final class PhoneDesk {
    /// A place where a telephone rings.
    struct Contact {
        let uri: SIPURI
        let flow: SIPFlow
        /// What the record says of it: its address.
        var name: String { flow.remote.description }
    }

    enum Verdict {
        case phone(String)
        /// It was, or is to be, answered, or passed over.
        case answered
    }

    let registrar: SIPRegistrar
    private let digest: SIPDigestServer
    let guardian: SourceGuard
    private let agent: SIPUserAgent
    /// The host that our addresses are written with, at the other end of a flow.
    private let host: (SIPFlow) -> String
    /// Passwords by short numbers, of the plan in force.
    private var secrets: [String: String] = [:]
    /// Whose password is being guessed.
    private(set) var users = UserGuard()
    /// Sources that telephones proved themselves from, and until when that is remembered.
    private var proven: [IPAddress: MonotonicInstant] = [:]
    private static let provenLimit = 50_000
    /// Hears over which flow a telephone has proved itself.
    var onProof: (SIPFlow) -> Void = { _ in }
    /// Hears whose telephones came or went.
    var onChange: (String) -> Void = { _ in }

    init(
        realm: String, agent: SIPUserAgent, guardian: SourceGuard, key: [UInt8], now: MonotonicInstant,
        host: @escaping (SIPFlow) -> String
    ) {
        self.agent = agent
        self.guardian = guardian
        self.host = host
        registrar = SIPRegistrar(now: now)
        digest = SIPDigestServer(realm: realm, key: key)
    }

    /// Goes by another plan: a telephone that it does not have cannot renew its registration.
    func follow(_ plan: DialPlan) {
        secrets = plan.extensions.mapValues(\.secret.text)
        users.follow { secrets[$0] != nil }
    }

    // MARK: Where

    func contacts(of short: String, at now: MonotonicInstant) -> [Contact] {
        registrar.bindings(of: short, at: now).map { Contact(uri: $0.uri, flow: $0.flow) }
    }

    func isRegistered(_ short: String, at now: MonotonicInstant) -> Bool { !registrar.bindings(of: short, at: now).isEmpty }

    /// `sip:USER@us`, as the other end of a flow knows us. Nothing where the user cannot be written.
    func address(of user: String, over flow: SIPFlow) -> SIPURI? { try? SIPURI.make(user: user.utf8, host: host(flow)) }

    /// Whether a telephone has proved itself from there lately.
    func isKnown(_ flow: SIPFlow, at now: MonotonicInstant) -> Bool { proven[flow.remote.ip].map { $0 > now } ?? false }

    func advance(to now: MonotonicInstant) { for change in registrar.advance(to: now) { tell(change) } }

    func lost(_ flow: SIPFlow) { for change in registrar.lost(flow) { tell(change) } }

    private func tell(_ change: SIPRegistrar.Change) {
        switch change {
        case .registered(let short), .gone(let short): onChange(short)
        }
    }

    // MARK: Who

    /// Whose telephone sent a request; else it is challenged, refused or passed over here.
    func authenticate(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, now: MonotonicInstant) -> Verdict {
        guard !Self.isScanner(message) else {
            guardian.note(.scanner, from: flow.remote.ip, at: now)
            return pass(transaction, now)
        }
        guard isKnown(flow, at: now) || guardian.takesRequest(from: flow.remote.ip, at: now) else {
            return pass(transaction, now)
        }
        switch digest.judge(message, at: now, password: { isShutOut($0, flow, now) ? nil : secrets[$0] }) {
        case .accepted(let user): return accept(user, message, transaction, flow, now)
        case .challenge(let isStale):
            agent.respond(401, to: message, transaction, digest.challenge(isStale: isStale, at: now), now: now)
        case .refused(let user):
            // The same as before the first attempt: nobody learns whether there is such a user.
            if !isShutOut(user, flow, now) { hold(user, flow, now) }
            agent.respond(401, to: message, transaction, digest.challenge(isStale: false, at: now), now: now)
        }
        return .answered
    }

    /// Whether a user is shut out: where somebody guesses his password, he is heard from where his telephones proved themselves only.
    private func isShutOut(_ user: String, _ flow: SIPFlow, _ now: MonotonicInstant) -> Bool {
        users.isShut(user, at: now) && !isKnown(flow, at: now)
    }

    /// Holds a wrong password against who sent it, and counts it for the user, where there is one. Of a user who is shut out it may be the
    /// right one, and is held against nobody.
    private func hold(_ user: String, _ flow: SIPFlow, _ now: MonotonicInstant) {
        guardian.note(.wrongPassword, from: flow.remote.ip, at: now)
        if secrets[user] != nil { users.note(user, at: now) }
    }

    private func pass(_ transaction: SIPTransactionID, _ now: MonotonicInstant) -> Verdict {
        agent.ignore(transaction, now: now)
        return .answered
    }

    /// A telephone registers itself only. In a call its password says who it is: what it writes in From is not passed on.
    private func accept(
        _ user: String, _ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, _ now: MonotonicInstant
    ) -> Verdict {
        guard message.method != .register || (try? message.to())?.uri.user?.elementsEqual(user.utf8) == true else {
            agent.respond(403, to: message, transaction, now: now)
            return .answered
        }
        agent.transactions.trust(transaction)
        onProof(flow)
        guardian.forgive(flow.remote.ip)
        if proven.count >= Self.provenLimit { proven = proven.filter { $0.value > now } }
        if proven.count < Self.provenLimit { proven[flow.remote.ip] = now.advanced(by: .seconds(3600)) }
        return .phone(user)
    }

    /// Tools that look for telephones to steal from say who they are more often than not.
    private static func isScanner(_ message: SIPMessage) -> Bool {
        guard let agent = message.value(.userAgent), agent.count <= 64 else { return false }
        let name = String(decoding: agent, as: UTF8.self).lowercased()
        return ["friendly-scanner", "sipvicious", "sipcli", "sundayddr", "pplsip", "vaxsipuseragent"].contains {
            name.contains($0)
        }
    }

    // MARK: REGISTER

    func register(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, now: MonotonicInstant) {
        guard case .phone(let short) = authenticate(message, transaction, flow, now: now) else { return }
        let (status, lines, change) = registrar.register(message, user: short, over: flow, now: now)
        agent.respond(status, to: message, transaction, lines, now: now)
        if let change { tell(change) }
    }
}
