import Connector
import NetworkTypes
import PBXPlan
import SIP

/// All trunks of the PBX: which one a call comes from, and over which one can be dialled.
final class TrunkDesk {
    /// A call as its trunk tells it.
    struct Incoming {
        let id: TrunkID
        /// As written; nil where it is hidden.
        let caller: String?
        let callerName: String?
        /// Our number that was called, as written.
        let line: String?
    }

    /// A way to dial: where to, and as whom.
    struct Way {
        let link: TrunkLink
        let flow: SIPFlow

        func request(to number: PhoneNumber, showing line: String?) -> SIPCallRequest? {
            link.request(to: number, showing: line, over: flow)
        }
    }

    private(set) var links: [TrunkID: TrunkLink] = [:]
    /// By the user part of our contact, which their registrars call.
    private var byContact: [String: TrunkLink] = [:]
    /// Addresses of all trunks, and networks of those that name some.
    private var addresses: Set<IPAddress> = []
    private var networks: [IPNetwork] = []

    subscript(id: TrunkID) -> TrunkLink? { links[id] }

    /// False where a trunk of that name is there already.
    func add(_ link: TrunkLink) -> Bool {
        if let old = links[link.account.id] {
            // One that waits for its goodbye's answer makes room for its successor.
            guard old.isLeaving else { return false }
            forget(old)
        }
        links[link.account.id] = link
        byContact[link.contactUser] = link
        return true
    }

    private func forget(_ link: TrunkLink) {
        if links[link.account.id] === link { links[link.account.id] = nil }
        byContact[link.contactUser] = nil
        collectAddresses()
    }

    private func collectAddresses() {
        addresses = Set(links.values.flatMap { $0.targets.map(\.remote.ip) })
        networks = Array(Set(links.values.flatMap(\.sources)))
    }

    // MARK: Calls from outside

    func isKnown(_ source: IPAddress) -> Bool { addresses.contains(source) || networks.contains { $0.contains(source) } }

    /// The trunk that an INVITE comes over: one of those whose addresses it comes from; of several, the one whose contact, or whose
    /// number, it is for. nil for anybody else's.
    func trunk(of message: SIPMessage, from source: IPAddress) -> Incoming? {
        guard isKnown(source) else { return nil }
        let called = Self.user(of: message.requestURI)
        let to = Self.user(of: try? message.to().uri)
        guard let link = link(called: called, to: to, from: source) else { return nil }
        return Incoming(
            id: link.account.id, caller: Self.caller(of: message), callerName: Self.callerName(of: message),
            line: Self.line(called: called, to: to, of: link))
    }

    private func link(called: String?, to: String?, from source: IPAddress) -> TrunkLink? {
        if let called, let link = byContact[called], link.holds(source) { return link }
        let candidates = links.values.filter { $0.holds(source) }
        return candidates.first { $0.owns(called) || $0.owns(to) } ?? candidates.min { $0.account.id < $1.account.id }
    }

    /// The number in the Request-URI where that is one, else in To, else the account's.
    private static func line(called: String?, to: String?, of link: TrunkLink) -> String? {
        for text in [called, to] { if let text, text != link.contactUser, isNumber(text) { return text } }
        return link.account.numbers.first ?? (isNumber(link.account.login) ? link.account.login : nil)
    }

    private static func isNumber(_ text: String) -> Bool {
        let digits = text.hasPrefix("+") ? text.dropFirst() : text[...]
        return digits.utf8.count >= 5 && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// P-Asserted-Identity is the provider's word, From the caller's (RFC 3325); no number where he is hidden.
    private static func caller(of message: SIPMessage) -> String? {
        let asserted = (try? message.addresses(.assertedIdentity, limit: 4))?.first?.uri
        let wantsPrivacy = message.value(.privacy).map { !$0.equals(ignoringCase: "none") } ?? false
        guard !wantsPrivacy, let user = user(of: asserted ?? (try? message.from().uri)) else { return nil }
        return ["anonymous", "unavailable", "unknown", "restricted"].contains(user.lowercased()) ? nil : user
    }

    private static func callerName(of message: SIPMessage) -> String? {
        guard let name = (try? message.from())?.displayName, name.count <= 128 else { return nil }
        let text = String(decoding: name.filter { $0 >= 0x20 && $0 != 0x7F }, as: UTF8.self)
        return text.isEmpty || text.lowercased() == "anonymous" ? nil : text
    }

    private static func user(of uri: SIPURI?) -> String? {
        guard let user = uri?.user, !user.isEmpty, user.count <= 64 else { return nil }
        // Parameters of a telephone number may stand in the user part: `+7900;phone-context=…`.
        let number = user.prefix { $0 != 0x3B }
        guard number.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { return nil }
        return String(decoding: number, as: UTF8.self)
    }

    // MARK: Calls to the outside

    /// A trunk by its name: of several accounts of its connection one with room, the least busy first.
    func way(over id: TrunkID) -> Way? {
        let named =
            id.account == nil ? links.values.filter { $0.account.id.connection == id.connection } : links[id].map { [$0] } ?? []
        let ready = named.filter { $0.state.isUp && $0.hasRoom && !$0.targets.isEmpty }
        let best = ready.min { ($0.liveCalls, $0.account.id) < ($1.liveCalls, $1.account.id) }
        return best.flatMap { link in link.current.map { Way(link: link, flow: $0) } }
    }

    /// How the plan's trunks stand, for the choice among them.
    func standings(of names: [String]) -> [String: TrunkStanding] {
        let missing = Dictionary(names.map { ($0, TrunkStanding(trouble: "there is no such trunk")) }) { first, _ in first }
        return missing.merging(knownStandings(of: names)) { _, known in known }
    }

    /// The same of those only that are here: a trunk's connection may begin after the PBX.
    func knownStandings(of names: [String]) -> [String: TrunkStanding] {
        Dictionary(names.compactMap { name in standing(of: name).map { (name, $0) } }) { first, _ in first }
    }

    private func standing(of name: String) -> TrunkStanding? {
        guard let id = TrunkID(name) else { return TrunkStanding(trouble: "no name of a trunk") }
        let named = links.values.filter {
            $0.account.id.connection == id.connection && (id.account == nil || $0.account.id == id)
        }
        guard !named.isEmpty else { return nil }
        let up = named.filter(\.state.isUp)
        let lines = named.sorted { $0.account.id < $1.account.id }.flatMap(\.account.numbers)
        guard !up.isEmpty else { return TrunkStanding(trouble: named.first?.state.words ?? "down", lines: lines) }
        let rooms = up.map { link in link.account.parallelCalls.map { max($0 - link.liveCalls, 0) } }
        let free = rooms.contains(nil) ? nil : rooms.compactMap { $0 }.reduce(0, +)
        return TrunkStanding(lines: lines, freeChannels: free)
    }

    // MARK: Registrations

    private weak var core: PBXCore?
    /// Which trunk a request of ours was for, by the owner that its transaction names.
    private var byOwner: [UInt64: TrunkID] = [:]
    private var lastOwner: UInt64 = 0

    func attach(_ core: PBXCore) { self.core = core }

    /// A trunk's addresses are known, or known anew: it registers, where it does that, or is open.
    func found(_ id: TrunkID, targets: [SIPFlow], sources: [IPNetwork], contact: SIPURI?, now: MonotonicInstant) {
        guard let link = links[id] else { return }
        link.resolved(targets, sources: sources)
        collectAddresses()
        guard !targets.isEmpty else { return }
        guard link.account.registers else {
            return link.state = TrunkState(.open, registrar: link.account.registrars.first?.host)
        }
        guard link.registration == nil, let contact else {
            link.registration?.targetCount = targets.count
            return
        }
        link.registration = link.makeRegistration(contact: contact, chance: core?.chance ?? { 0 })
        link.registration?.targetCount = targets.count
        send(link.registration?.begin(), for: link, now: now)
        keepAlive(link)
    }

    /// Its addresses cannot be found.
    func notFound(_ id: TrunkID, _ reason: String) {
        guard let link = links[id], link.targets.isEmpty else { return }
        link.state = TrunkState(.unreachable(reason: reason, retryAt: nil))
    }

    /// Takes a trunk back from its registrar. Live calls over it go on.
    func leave(_ id: TrunkID, now: MonotonicInstant) {
        guard let link = links[id] else { return }
        link.isLeaving = true
        send(link.registration?.leave(), for: link, now: now)
        if link.registration == nil { link.state = TrunkState(.ended) }
        if link.state.condition == .ended { forget(link) }
    }

    func answered(_ message: SIPMessage, owner: UInt64, now: MonotonicInstant) {
        guard let id = byOwner.removeValue(forKey: owner), let link = links[id] else { return }
        send(link.registration?.answered(message, at: now), for: link, now: now)
    }

    func failed(owner: UInt64, now: MonotonicInstant) {
        guard let id = byOwner.removeValue(forKey: owner), let link = links[id] else { return }
        send(link.registration?.failed(at: now), for: link, now: now)
    }

    /// A call over a registered trunk was refused with 403 or had no answer: the registration may be lost (sip.md "Pitfalls" 4).
    func doubt(_ id: TrunkID, now: MonotonicInstant) {
        guard let link = links[id], byOwner.values.contains(id) == false else { return }
        send(link.registration?.begin(), for: link, now: now)
    }

    private func send(_ first: SIPRegistration.Sending?, for link: TrunkLink, now: MonotonicInstant) {
        var next = first
        var trouble: String?
        while let sending = next {
            trouble = transmit(sending, for: link, now: now)
            next = trouble == nil ? nil : link.registration?.failed(at: now)
        }
        tellState(link, now, trouble: trouble)
        wake(link)
    }

    /// - Returns: why it cannot go, where it cannot: its machine has to hear of that, or it waits for an answer for ever.
    private func transmit(_ sending: SIPRegistration.Sending, for link: TrunkLink, now: MonotonicInstant) -> String? {
        guard link.targets.indices.contains(sending.target), let core else { return "its registrar has no address now" }
        lastOwner += 1
        byOwner[lastOwner] = link.account.id
        link.place = sending.target
        do {
            try core.agent.send(sending.draft, over: link.targets[sending.target], owner: lastOwner, now: now)
            return nil
        } catch {
            byOwner[lastOwner] = nil
            return "its REGISTER cannot be written: check login and domain"
        }
    }

    private func tellState(_ link: TrunkLink, _ now: MonotonicInstant, trouble: String?) {
        guard let state = link.registration?.state, let core else { return }
        let host =
            link.account.registrars.indices.contains(link.place)
            ? link.account.registrars[link.place].host : link.current?.remote.ip.description
        func clock(_ moment: MonotonicInstant) -> Instant { core.wallClock().advanced(by: moment.duration(since: now)) }
        switch state {
        case .idle, .registering: link.state = TrunkState(.registering, registrar: host)
        case .registered(let until): link.state = TrunkState(.registered(until: clock(until)), registrar: host)
        case .refused(let status, let retry):
            let reason = "\(status) \(SIPStatus.reason(status))"
            link.state = TrunkState(.refused(status: Int(status), reason: reason, retryAt: clock(retry)), registrar: host)
        case .unreachable(let retry):
            let reason = trouble ?? "no registrar answers"
            link.state = TrunkState(.unreachable(reason: reason, retryAt: clock(retry)), registrar: host)
        case .ended:
            link.state = TrunkState(.ended)
            if link.isLeaving { forget(link) }
        }
    }

    private func wake(_ link: TrunkLink) {
        guard let core else { return }
        if let timer = link.timer { core.cancel(timer) }
        link.timer = link.registration?.nextDeadline.map { due in
            core.after(due.duration(since: core.now)) { [weak self, weak link] in
                guard let self, let link else { return }
                link.timer = nil
                send(link.registration?.advance(to: core.now), for: link, now: core.now)
            }
        }
    }

    /// Bytes to the registrar keep the way through a NAT open, by which its calls come.
    private func keepAlive(_ link: TrunkLink) {
        guard let interval = link.account.keepAlive, let core else { return }
        _ = core.after(interval) { [weak self, weak link] in
            guard let self, let link, links[link.account.id] === link else { return }
            if let flow = link.current { core.keepAlive(flow) }
            keepAlive(link)
        }
    }

    // MARK: Legs over trunks

    func occupied(by leg: PBXLeg) { if let id = leg.trunk { links[id]?.liveCalls += 1 } }

    func released(_ leg: PBXLeg) { if let id = leg.trunk, let link = links[id] { link.liveCalls = max(link.liveCalls - 1, 0) } }
}

extension TrunkState {
    /// Why it carries no calls, in a few words.
    var words: String {
        switch condition {
        case .registering: "is registering"
        case .registered, .open: "is up"
        case .refused(let status, _, _): "was refused with \(status)"
        case .unreachable: "does not answer"
        case .ended: "was taken back"
        }
    }
}

extension TrunkLink {
    /// Whether a called text is a number of this account.
    func owns(_ text: String?) -> Bool {
        guard let text else { return false }
        let tail = Self.tail(text)
        guard tail.count >= 7 else { return text == account.login }
        return Self.tail(account.login) == tail || account.numbers.contains { Self.tail($0) == tail }
    }

    /// The last ten digits: `+7…`, `7…` and `8…` are one number.
    private static func tail(_ text: String) -> [UInt8] { Array(text.utf8.filter { (0x30...0x39).contains($0) }.suffix(10)) }
}
