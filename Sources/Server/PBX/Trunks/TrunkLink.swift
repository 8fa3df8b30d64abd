import Connector
import NetworkTypes
import PBXPlan
import SIP

/// One trunk: its account, where it is reached, whether it is registered, and what goes over it now.
final class TrunkLink {
    let account: TrunkAccount
    /// Addresses of its registrars in the order in which they are tried.
    private(set) var targets: [SIPFlow] = []
    /// Whence its calls may come.
    private(set) var sources: [IPNetwork] = []
    let credentials: SIPDigestClient
    var registration: SIPRegistration?
    var timer: TimerID?
    var isLeaving = false
    /// Legs over it that have not ended.
    var liveCalls = 0
    /// A name of ours that its registrar gets as our contact's user part: calls for this account come to it.
    let contactUser: String
    var state: TrunkState = TrunkState(.registering) { didSet { if state != oldValue { report(state) } } }
    private let report: @Sendable (TrunkState) -> Void

    init(
        _ account: TrunkAccount, contactUser: String, chance: @escaping () -> UInt64,
        report: @escaping @Sendable (TrunkState) -> Void
    ) {
        self.account = account
        self.contactUser = contactUser
        self.report = report
        credentials = SIPDigestClient(user: account.authUser, password: account.password, chance: chance)
    }

    /// The target that its registrar answered at, else the first.
    var current: SIPFlow? { targets.indices.contains(place) ? targets[place] : targets.first }
    /// Which of the targets is spoken to.
    var place = 0

    func resolved(_ targets: [SIPFlow], sources: [IPNetwork]) {
        self.targets = targets
        self.sources = sources
    }

    /// Whether a call from there is this trunk's.
    func holds(_ source: IPAddress) -> Bool {
        targets.contains { $0.remote.ip == source } || sources.contains { $0.contains(source) }
    }

    /// Whether one more call may go out.
    var hasRoom: Bool { account.parallelCalls.map { liveCalls < $0 } ?? true }

    // MARK: Writing

    /// The domain as a host of a URI.
    private var host: String { account.domain }

    var ownAddress: SIPURI? { try? SIPURI.make(user: account.login.utf8, host: host) }

    /// - Parameter contact: ours, by which the registrar finds us, without its user part.
    func makeRegistration(contact: SIPURI, chance: @escaping () -> UInt64) -> SIPRegistration? {
        guard let own = ownAddress, let domain = try? SIPURI("sip:" + host) else { return nil }
        return SIPRegistration(
            SIPRegistrationSettings(
                domain: domain, account: own, contact: contact, expires: account.expires, refreshPercent: account.refreshPercent),
            authorizer: credentials, chance: chance)
    }

    /// An INVITE to a number over this trunk.
    /// - Parameter line: ours, to be shown; the account's first where nil.
    func request(to number: PhoneNumber, showing line: String?, over flow: SIPFlow) -> SIPCallRequest? {
        let dialled = written(number)
        guard let target = try? SIPURI.make(user: dialled.utf8, host: host), let own = ownAddress else { return nil }
        var from = own
        if account.callerForm == .line, let line, let shown = try? SIPURI.make(user: plain(line).utf8, host: host) {
            from = shown
        }
        var request = SIPCallRequest(target: target, from: from, to: target, flow: flow, offer: [])
        if account.callerForm == .asserted, let line, let shown = try? SIPURI.make(user: plain(line).utf8, host: host) {
            request.lines.add(.assertedIdentity, address: shown)
        }
        request.authorizer = credentials
        return request
    }

    /// A number as the provider wants it.
    private func written(_ number: PhoneNumber) -> String {
        guard let e164 = number.e164 else {
            return number.raw.filter { $0.isASCII && ($0.isNumber || $0 == "+" || $0 == "*" || $0 == "#") }
        }
        switch account.numberForm {
        case .plus: return e164
        case .digits: return String(e164.dropFirst())
        case .national: return String((number.national ?? e164).filter { $0.isASCII && $0.isNumber })
        }
    }

    private func plain(_ line: String) -> String {
        account.numberForm == .plus || !line.hasPrefix("+") ? line : String(line.dropFirst())
    }
}
