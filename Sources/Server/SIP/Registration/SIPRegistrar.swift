import NetworkTypes

/// How long and how many.
package struct SIPRegistrarLimits: Sendable {
    /// Seconds.
    package var least: UInt32 = 60
    package var most: UInt32 = 3600
    package var usual: UInt32 = 600
    package var contactsPerRequest = 10
    package var bindingsPerUser = 10

    package init() {}
}

/// Where a telephone can be called (RFC 3261 §10.2.1).
package struct SIPBinding: Sendable {
    /// Its Contact, in a buffer of its own.
    package let uri: SIPURI
    /// The way by which it registered. Calls take it, whatever the Contact says: that may be an address behind a NAT.
    package let flow: SIPFlow
    package internal(set) var expires: MonotonicInstant
    let callID: [UInt8]
    let cseq: UInt32
}

/// The registrar: which user has telephones where (RFC 3261 §10.3). Who may register is decided before.
///
/// Sans-IO and confined to one event loop.
package final class SIPRegistrar {
    package enum Change: Equatable {
        case registered(String)
        /// The last telephone of that user is gone.
        case gone(String)
    }

    package let limits: SIPRegistrarLimits
    private struct User {
        var bindings: [SIPBinding]
        /// Wakes at the end of the first binding that ends.
        var timer: TimerID?
    }

    private var users: [String: User] = [:]
    /// Who registered over which connection: its end costs what hangs on it, however many telephones there are.
    private var connected: [SIPFlow: Set<String>] = [:]
    private var wheel: TimerWheel<String>
    package private(set) var bindingCount = 0

    package init(limits: SIPRegistrarLimits = SIPRegistrarLimits(), now: MonotonicInstant) {
        self.limits = limits
        wheel = TimerWheel(startingAt: Self.tick(now))
    }

    package var userCount: Int { users.count }

    /// The bindings of a user that are not over, the newest last.
    package func bindings(of user: String, at now: MonotonicInstant) -> [SIPBinding] {
        users[user]?.bindings.filter { $0.expires > now } ?? []
    }

    /// Whether some telephone registered over this flow.
    package func has(_ flow: SIPFlow, user: String) -> Bool { users[user]?.bindings.contains { $0.flow == flow } ?? false }

    // MARK: REGISTER

    /// Carries out a REGISTER of a user who has proved himself.
    /// - Returns: status and headers of the answer, and what changed.
    package func register(
        _ request: SIPMessage, user: String, over flow: SIPFlow, now: MonotonicInstant
    ) -> (status: UInt16, lines: SIPFieldLines, change: Change?) {
        let before = bindings(of: user, at: now)
        do throws(Refusal) {
            let after = try carryOut(request, before, over: flow, now: now)
            return (200, lines(after, now), keep(after, of: user))
        } catch {
            return (error.status, error.lines, nil)
        }
    }

    private struct Refusal: Error {
        let status: UInt16
        var lines = SIPFieldLines()
    }

    private func carryOut(
        _ request: SIPMessage, _ before: [SIPBinding], over flow: SIPFlow, now: MonotonicInstant
    ) throws(Refusal) -> [SIPBinding] {
        if request.hasStarContact {
            guard request.number(.expires) == 0 else { throw Refusal(status: 400) }
            for binding in before { try checkOrder(request, after: binding) }
            return []
        }
        let contacts: [SIPNameAddress]
        do {
            contacts = try request.addresses(.contact, limit: limits.contactsPerRequest)
        } catch {
            throw Refusal(status: error.code == .list ? 403 : 400)
        }
        var bindings = before
        for contact in contacts {
            // One telephone may be named twice: the request does not come behind itself.
            for binding in before where binding.uri.isEquivalent(to: contact.uri) { try checkOrder(request, after: binding) }
            try bind(contact, request, flow, now, &bindings)
        }
        guard bindings.count <= limits.bindingsPerUser else { throw Refusal(status: 403) }
        return bindings
    }

    private func bind(
        _ contact: SIPNameAddress, _ request: SIPMessage, _ flow: SIPFlow, _ now: MonotonicInstant, _ bindings: inout [SIPBinding]
    ) throws(Refusal) {
        guard contact.uri.scheme == .sip || contact.uri.scheme == .sips else { throw Refusal(status: 400) }
        let seconds = try granted(contact, request)
        bindings.removeAll { $0.uri.isEquivalent(to: contact.uri) }
        guard seconds > 0 else { return }
        bindings.append(
            SIPBinding(
                uri: contact.uri.detached(), flow: flow, expires: now.advanced(by: .seconds(Int(seconds))),
                callID: Array(request.callID), cseq: request.cseq))
    }

    /// A request that came behind a later one of the same Call-ID changes nothing, and fails (§10.3 step 7).
    private func checkOrder(_ request: SIPMessage, after binding: SIPBinding) throws(Refusal) {
        guard request.callID.elementsEqual(binding.callID), request.cseq <= binding.cseq else { return }
        throw Refusal(status: 500)
    }

    /// The parameter of Contact goes before the header (§10.2.1.1).
    private func granted(_ contact: SIPNameAddress, _ request: SIPMessage) throws(Refusal) -> UInt32 {
        let wished = contact.parameters["expires"].flatMap { UInt32(String(decoding: $0.prefix(10), as: UTF8.self)) }
        let seconds = wished ?? request.number(.expires) ?? limits.usual
        guard seconds == 0 || seconds >= limits.least else {
            var refusal = Refusal(status: 423)
            refusal.lines.add(.minExpires, limits.least)
            throw refusal
        }
        return min(seconds, limits.most)
    }

    private func lines(_ bindings: [SIPBinding], _ now: MonotonicInstant) -> SIPFieldLines {
        var lines = SIPFieldLines()
        for binding in bindings {
            let rest = max(0, binding.expires.duration(since: now).components.seconds)
            lines.add(.contact, parsed: ([.less] + binding.uri.written + Array(">;expires=\(rest)".utf8))[...])
        }
        return lines
    }

    /// Who was there is who is kept, also where his time is over and `advance` has not told so yet.
    private func keep(_ after: [SIPBinding], of user: String) -> Change? {
        let wasThere = users[user] != nil
        set(after, of: user)
        guard wasThere != !after.isEmpty else { return nil }
        return after.isEmpty ? .gone(user) : .registered(user)
    }

    private func set(_ bindings: [SIPBinding], of user: String) {
        let before = users[user]
        if let timer = before?.timer { wheel.cancel(timer) }
        bindingCount += bindings.count - (before?.bindings.count ?? 0)
        for binding in before?.bindings ?? [] where binding.flow.transport.isReliable { leave(binding.flow, user) }
        for binding in bindings where binding.flow.transport.isReliable { connected[binding.flow, default: []].insert(user) }
        guard let first = bindings.map(\.expires).min() else {
            users[user] = nil
            return
        }
        users[user] = User(bindings: bindings, timer: wheel.insert(user, due: Self.tick(first) + 1))
    }

    private func leave(_ flow: SIPFlow, _ user: String) {
        connected[flow]?.remove(user)
        if connected[flow]?.isEmpty == true { connected[flow] = nil }
    }

    // MARK: Time and ways

    package var nextDeadline: MonotonicInstant? { wheel.nextTick.map { MonotonicInstant(nanoseconds: $0 * 1_000_000_000) } }

    /// Drops what is over.
    package func advance(to now: MonotonicInstant) -> [Change] {
        var changes: [Change] = []
        while let user = wheel.takeDue(at: Self.tick(now)) {
            users[user]?.timer = nil
            if let change = drop(of: user, { $0.expires <= now }) { changes.append(change) }
        }
        return changes
    }

    /// A connection is gone, and with it the way to whoever registered over it (RFC 5626 §4.2.2).
    package func lost(_ flow: SIPFlow) -> [Change] {
        guard flow.transport.isReliable else { return [] }
        return (connected[flow] ?? []).sorted().compactMap { drop(of: $0) { $0.flow == flow } }
    }

    private func drop(of user: String, _ isOver: (SIPBinding) -> Bool) -> Change? {
        guard let known = users[user] else { return nil }
        let rest = known.bindings.filter { !isOver($0) }
        set(rest, of: user)
        return rest.isEmpty ? .gone(user) : nil
    }

    /// Seconds are fine enough.
    private static func tick(_ moment: MonotonicInstant) -> Int64 { moment.nanoseconds / 1_000_000_000 }
}
