import AdapterKit
import Connector

/// What is asked of one Asterisk: commands by its manager interface, recordings by its web server.
struct AsteriskClient: ProviderClient {
    let settings: AsteriskSettings
    let link: ManagerLink
    let session: ManagerSession
    let outgoing: any Outgoing

    static let capabilities: [Capability] = [
        .originate, .blindTransfer, .attendedTransfer, .hangup, .recordStart, .recordStop, .dtmf, .recordings,
    ]
    static let rateLimit = RateLimit(burst: 50, interval: .milliseconds(10))

    /// How long the employee's telephone rings.
    private static let ringTime = 30_000

    var keeper: (any ConnectionKeeper)? { session }

    var presence: [String: EmployeePresence]? { link.presence.numbers(in: settings.plan) }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        guard link.isLoggedIn else {
            throw ProviderFailure(.unavailable, code: "not-connected", text: "there is no connection to Asterisk now")
        }
        switch order.action {
        case .originate(let wish): return try await originate(wish, order)
        case .transfer(let number, .blind): return try await transfer("BlindTransfer", to: number, order)
        case .transfer(let number, .attended): return try await transfer("Atxfer", to: number, order)
        case .hangup: return try await hangUp(order)
        case .record(let start): return try await record(start, order)
        case .dtmf(let digits): return try await press(digits, order)
        case .hold, .resume:
            throw .unsupported(order.action.type, "Asterisk's manager interface cannot hold a call: the telephone does")
        }
    }

    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        guard let template = settings.recordingsURL else {
            throw .unsupported("recording", "recordings_url is not set")
        }
        // The folder of the server's recordings is where the address begins; a file elsewhere has its name alone.
        let path = reference.split(separator: "/monitor/", maxSplits: 1).dropFirst().first.map(String.init) ?? reference
        let name = path.hasPrefix("/") ? String(path.split(separator: "/").last ?? "") : path
        guard !name.isEmpty, !name.split(separator: "/").contains("..") else {
            throw .invalid("recording", "this is no name of a file")
        }
        return OutgoingRequest("GET", template.replacing("{file}", with: Self.escaped(name)), deadline: .seconds(60))
    }

    private static func escaped(_ path: String) -> String {
        var text = ""
        for byte in path.utf8 {
            let isPlain =
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "-_.~/".utf8.contains(byte)
            text +=
                isPlain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }
        return text
    }

    // MARK: Commands

    /// Rings the employee's telephone, then has the dialplan dial the number for him. The first leg's name is the command's: whatever
    /// comes of it is known by it.
    private func originate(_ wish: Command.Origination, _ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        guard settings.plan.isShort(wish.from), ManagerAction.isName(wish.from) else {
            throw .invalid("from", "Asterisk rings an employee: give his short number")
        }
        if wish.record { throw .unsupported("record", "start the recording during the call") }
        let number = try Self.number(wish.to, "to")
        let id = order.id.description
        var action = ManagerAction(
            "Originate",
            [
                ("Channel", link.presence.device(of: wish.from) ?? "PJSIP/\(wish.from)"), ("Context", settings.originateContext),
                ("Exten", number), ("Priority", "1"), ("CallerID", Self.callerID(wish.callerName, number)),
                ("Timeout", "\(Self.ringTime)"), ("Async", "true"), ("ChannelId", id),
            ])
        if let line = wish.line { action.add("Variable", "__KOMMUTATOR_LINE=\(try Self.number(line, "line"))") }
        let answer = try await ask(action, order, named: id)
        return ProviderAnswer(call: ExternalKey(.linkedid, id), code: answer.code, isPreliminary: true)
    }

    /// `"Ivan" <+79000000051>`: of the name only what nothing takes apart.
    private static func callerID(_ name: String?, _ number: String) -> String {
        let plain = (name ?? "").unicodeScalars.filter { $0.properties.isAlphabetic || $0 == " " || ("0"..."9").contains($0) }
        let text = String(String.UnicodeScalarView(plain.prefix(40)))
        return text.isEmpty ? "<\(number)>" : "\"\(text)\" <\(number)>"
    }

    private func hangUp(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        let leg = try party(order)
        do throws(ProviderFailure) {
            return try await ask(ManagerAction("Hangup", [("Channel", leg.channel), ("Cause", "16")]), order, about: leg.id)
        } catch {
            // What the server refused has ended nothing: the call's end is somebody else's.
            if error.kind == .rejected { link.takeBack("Hangup", about: leg.id) }
            throw error
        }
    }

    private func transfer(_ name: String, to number: String, _ order: ProviderOrder) async throws(ProviderFailure)
        -> ProviderAnswer
    {
        let leg = try employee(order)
        let action = ManagerAction(
            name, [("Channel", leg.channel), ("Context", settings.transferContext), ("Exten", try Self.number(number, "to"))])
        return try await ask(action, order, about: leg.id)
    }

    private func record(_ start: Bool, _ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        let leg = try employee(order)
        guard start else {
            return try await ask(ManagerAction("StopMixMonitor", [("Channel", leg.channel)]), order, about: leg.id)
        }
        let action = ManagerAction("MixMonitor", [("Channel", leg.channel), ("File", "\(order.id).wav"), ("Options", "b")])
        return try await ask(action, order, about: leg.id)
    }

    /// Keys are pressed for the party outside to hear, one action each.
    private func press(_ digits: String, _ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        guard (1...32).contains(digits.utf8.count), digits.utf8.allSatisfy({ "0123456789*#ABCDabcd".utf8.contains($0) }) else {
            throw .invalid("digits", "keys are 0 to 9, *, # and A to D, 32 at most")
        }
        let leg = try party(order)
        var answer = ProviderAnswer(code: "")
        for digit in digits {
            answer = try await ask(
                ManagerAction("PlayDTMF", [("Channel", leg.channel), ("Digit", String(digit))]), order, about: leg.id)
        }
        return answer
    }

    private func ask(
        _ action: ManagerAction, _ order: ProviderOrder, named name: String? = nil, about leg: String? = nil
    ) async throws(ProviderFailure) -> ProviderAnswer {
        let answer = try await link.ask(action, named: name, within: order.deadline, about: leg)
        guard answer.isSuccess else { throw Self.failure(answer.message, of: action.name) }
        return ProviderAnswer(code: answer.message)
    }

    private static func failure(_ message: String, of action: String) -> ProviderFailure {
        guard message == "Permission denied" else { return ProviderFailure(.rejected, code: "asterisk", text: message) }
        let word = action == "Originate" ? "originate" : action == "MixMonitor" ? "system" : "call"
        return ProviderFailure(
            .rejected, code: "permission-denied",
            text: "manager.conf does not let us: `write` lacks \(word), which \(action) needs")
    }

    private static func number(_ text: String, _ field: String) throws(ProviderFailure) -> String {
        guard let digits = DialledNumber.digits(text) else { throw .invalid(field, "this is no number that can be dialled") }
        return text.hasPrefix("+") ? "+" + digits : digits
    }

    // MARK: Legs

    /// The employee's leg in the talk: who transfers, and what is recorded.
    private func employee(_ order: ProviderOrder) throws(ProviderFailure) -> ChannelLeg {
        try leg(order, "no employee talks in this call") { talk in
            let talking = talk.legs.indices.last { talk.legs[$0].peer != nil }
            guard let talking else { return nil }
            let pair = [talking, talk.index(of: talk.legs[talking].peer)].compactMap(\.self)
            return pair.map { talk.legs[$0] }.first { if case .person = $0.side { true } else { false } }
        }
    }

    /// The leg on which the call depends: of the party outside, else the one that began it.
    private func party(_ order: ProviderOrder) throws(ProviderFailure) -> ChannelLeg {
        try leg(order, "this call has no leg any more") { talk in
            talk.legs.last { $0.side == .outside } ?? talk.first ?? talk.legs.first { $0.side != .local }
        }
    }

    private func leg(
        _ order: ProviderOrder, _ problem: String, _ choose: (Conversation) -> ChannelLeg?
    ) throws(ProviderFailure) -> ChannelLeg {
        let names = (order.target?.keys ?? []).filter { $0.kind == .linkedid }.map(\.value)
        let leg = link.withSwitchboard { board in names.lazy.compactMap { board[$0] }.first.flatMap(choose) }
        guard let leg else { throw .invalid("call", problem) }
        return leg
    }
}
