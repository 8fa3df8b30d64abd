import AdapterKit
import Connector

/// Keeps the connection to one server's manager interface: logs in, finds out what is on, listens, and begins anew when it breaks.
struct ManagerSession: ConnectionKeeper {
    let address: StreamAddress
    let manager: AsteriskSettings.Manager
    let streams: any ByteStreams
    let link: ManagerLink
    let plan: PhonePlan
    private let rhythm: Rhythm
    private let outlet = RecordOutlet()

    init(
        _ manager: AsteriskSettings.Manager, streams: any ByteStreams, link: ManagerLink, plan: PhonePlan,
        rhythm: Rhythm = Rhythm()
    ) {
        self.manager = manager
        self.rhythm = rhythm
        self.streams = streams
        self.link = link
        self.plan = plan
        address = Self.address(of: manager)
    }

    static func address(of manager: AsteriskSettings.Manager) -> StreamAddress {
        StreamAddress(
            host: manager.host, port: manager.port, isSecured: manager.security != .off,
            trustsAnyCertificate: manager.security == .unverified)
    }

    /// How long is waited for what.
    struct Rhythm: Sendable {
        /// For each step of a beginning: a server that restarts can accept a connection that it will never greet.
        var stepPatience = Duration.seconds(5)
        /// How often the server is asked for a sign of life; after twice as long a silence, and a step, it is gone.
        var pingInterval = Duration.seconds(15)
        /// How often all channels are asked for, should an event have been lost.
        var auditInterval = Duration.seconds(300)
        /// How long a server may take to list them.
        var listPatience = Duration.seconds(30)
        /// How often the reader looks whether somebody waits in vain.
        var tick = Duration.milliseconds(500)
    }

    private static let longestPause = Duration.seconds(60)
    /// What is worth hearing: `dialplan` and `reporting` are most of a busy server's stream, and tell of no call.
    private static let eventMask = "system,call,agent,user,dtmf"

    /// - Throws: where the server does not take us in; whoever called waits long before he tries again, since repeated failures are
    ///   taken for attacks.
    func run(_ context: KeepingContext) async throws(ProviderFailure) {
        link.recall(await context.openCalls())
        let failure = await withTaskGroup(of: ProviderFailure?.self) { group in
            group.addTask {
                await outlet.drain(into: context)
                return nil
            }
            group.addTask { await keep(context) }
            let failure = await group.next() ?? nil
            group.cancelAll()
            return failure
        }
        await outlet.drainRest(into: context)
        if let failure { throw failure }
    }

    /// One connection after another, until it is cancelled or turned away.
    private func keep(_ context: KeepingContext) async -> ProviderFailure? {
        var attempts = 0
        while !Task.isCancelled {
            let begun = ContinuousClock.now
            do throws(ProviderFailure) {
                try await connect(context)
            } catch {
                if error.kind == .unauthorized { return error }
                guard !Task.isCancelled else { return nil }
                attempts = ContinuousClock.now - begun > Self.longestPause ? 1 : attempts + 1
                let pause = Self.pause(after: attempts)
                context.report(
                    Upkeep(
                        .failing, "no connection to Asterisk at \(address.place): \(error.text)",
                        remedy: "is Asterisk running there, and `enabled = yes` in manager.conf with our address permitted?",
                        wanted: 1))
                guard await context.pause(pause) else { return nil }
            }
        }
        return nil
    }

    /// 1, 2, 4 … 60 s, up to a quarter more or less, so that many gateways do not come at once.
    static func pause(after attempts: Int) -> Duration {
        min(.seconds(1 << min(attempts - 1, 6)), longestPause) * Double.random(in: 0.75...1.25)
    }

    /// One connection, until it breaks.
    private func connect(_ context: KeepingContext) async throws(ProviderFailure) {
        let stream: any ByteStream
        do {
            stream = try await streams.open(address, within: rhythm.stepPatience)
        } catch {
            throw ProviderFailure(.unavailable, code: error.code.rawValue, text: error.reason)
        }
        link.connected(stream)
        let failure = await withTaskGroup(of: ProviderFailure?.self) { group in
            group.addTask { await read(stream, context) }
            group.addTask { await converse(context) }
            let first = await group.next() ?? nil
            // Whoever waits for an answer gets none any more, and so the other one ends too.
            link.disconnected(at: context.now)
            group.cancelAll()
            let second = await group.next() ?? nil
            // Whom it turns away it hangs up on: which of the two is seen first is chance, which counts is not.
            return second?.kind == .unauthorized ? second : first
        }
        if let failure { throw failure }
    }

    // MARK: Reading

    /// Reads until the stream ends: always, whatever else waits.
    private func read(_ stream: any ByteStream, _ context: KeepingContext) async -> ProviderFailure? {
        var lastHeard = ContinuousClock.now
        while !Task.isCancelled {
            do {
                let bytes = try await stream.read(within: rhythm.tick)
                guard !bytes.isEmpty else { return Self.broken("it closed the connection") }
                lastHeard = .now
                try take(bytes, context)
            } catch let failure as StreamFailure where failure.code == .late {
                let silence = ContinuousClock.now - lastHeard
                guard silence < rhythm.pingInterval * 2 + rhythm.stepPatience else {
                    return Self.broken("it says nothing any more")
                }
                if silence > rhythm.stepPatience, !link.hasGreeting {
                    return Self.broken("it accepts connections and does not greet")
                }
            } catch let failure as StreamFailure {
                return Self.broken(failure.reason)
            } catch {
                return Self.broken("\(error)")
            }
            link.expire(at: .now)
        }
        return nil
    }

    private func take(_ bytes: [UInt8], _ context: KeepingContext) throws(ManagerFault) {
        let now = context.now
        let (news, records) = try link.take(bytes, at: now)
        outlet.put(records, at: now)
        for message in news { hear(message, context) }
    }

    private func hear(_ message: ManagerMessage, _ context: KeepingContext) {
        switch message.head.value {
        case "FullyBooted": link.updateRights { $0.readsSystem = true }
        case "MixMonitorStart": if plan.fetchesRecordings, let leg = message["Uniqueid"] { askForFile(of: leg, context) }
        default: break
        }
    }

    private static func broken(_ reason: String) -> ProviderFailure {
        ProviderFailure(.unavailable, code: "connection", text: reason)
    }

    // MARK: Conversing

    /// Logs in, asks what is on, and looks after the connection until it is cancelled.
    private func converse(_ context: KeepingContext) async -> ProviderFailure? {
        do throws(ProviderFailure) {
            try await logIn()
            try await explore(context)
            let begun = ContinuousClock.now
            var nextAudit = begun + rhythm.auditInterval
            var nextPing = ContinuousClock.now + rhythm.pingInterval
            while await context.pause(rhythm.tick) {
                if ContinuousClock.now >= nextPing {
                    nextPing = .now + rhythm.pingInterval
                    _ = try await link.ask(ManagerAction("Ping"), within: rhythm.pingInterval)
                }
                if ContinuousClock.now >= nextAudit || outlet.takeLost() > 0 {
                    nextAudit = .now + rhythm.auditInterval
                    try await audit(listeningSince: begun)
                    await dateTalks(context)
                    report(context)
                }
            }
            return nil
        } catch {
            return error.kind == .unknown ? Self.broken(error.text) : error
        }
    }

    private func logIn() async throws(ProviderFailure) {
        let challenge = try await link.ask(ManagerAction("Challenge", [("AuthType", "MD5")]), within: rhythm.stepPatience)
        let login = ManagerAction.login(manager, challenge: challenge.response["Challenge"])
        let answer = try await link.ask(login, within: rhythm.stepPatience)
        guard answer.isSuccess else {
            throw ProviderFailure(
                .unauthorized, code: "login", text: "Asterisk does not take our login: \(answer.message)")
        }
        link.loggedIn()
    }

    /// Finds out what we may do and what is on.
    private func explore(_ context: KeepingContext) async throws(ProviderFailure) {
        _ = try await link.ask(ManagerAction("Events", [("EventMask", Self.eventMask)]), within: rhythm.stepPatience)
        let commands = try await link.ask(ManagerAction("ListCommands"), within: rhythm.stepPatience)
        link.updateRights { $0.takeList(commands.response) }
        try await audit(listeningSince: .now)
        await dateTalks(context)
        // Who may not ask hears of the states as they change.
        _ = try await link.ask(ManagerAction("DeviceStateList"), within: rhythm.stepPatience)
        report(context)
    }

    /// Asks for all channels: what is held and not there has ended, what is there and not held is taken up.
    private func audit(listeningSince begun: ContinuousClock.Instant) async throws(ProviderFailure) {
        guard link.rights.allows("CoreShowChannels") else { return link.giveUpList() }
        link.beginList()
        let answer = try await link.ask(ManagerAction("CoreShowChannels"), within: rhythm.listPatience)
        guard answer.isSuccess else { return link.giveUpList() }
        link.judgeHearing(after: begun.duration(to: .now))
    }

    /// Talks that began while nobody listened: the server counts for how long it has been charging for them.
    private func dateTalks(_ context: KeepingContext) async {
        for talk in link.takeUndated() {
            let question = ManagerAction("Getvar", [("Channel", talk.channel), ("Variable", "CDR(billsec)")])
            // Without an answer the talk began, for all we know, when it was seen.
            guard let answer = try? await link.ask(question, within: rhythm.stepPatience), answer.isSuccess,
                let seconds = answer.response["Value"].flatMap({ Int64($0) })
            else { continue }
            let now = context.now
            outlet.put(link.date(talk.leg, seconds: seconds, at: now), at: now)
        }
    }

    /// The events of a recording name no file. Asked for at once, by the reader, who does not wait for the answer: a short call is soon
    /// over, and its channel with it. Without an answer the recording is told of without a file, which says so.
    private func askForFile(of leg: String, _ context: KeepingContext) {
        guard let channel = link.channel(of: leg) else { return }
        let question = ManagerAction("Getvar", [("Channel", channel), ("Variable", "MIXMONITOR_FILENAME")])
        link.put(question, within: rhythm.stepPatience) { [link, outlet] result in
            guard case .success(let answer) = result, answer.isSuccess, let file = answer.response["Value"] else { return }
            let now = context.now
            outlet.put(link.note(ManagerMessage([("Recording", leg), ("File", file)]), about: leg, at: now), at: now)
        }
    }

    private func report(_ context: KeepingContext) {
        let missing = link.rights.missing
        let version = link.version.map { " (AMI \($0))" } ?? ""
        guard !missing.isEmpty else {
            return context.report(Upkeep(.good, "connected to Asterisk at \(address.place)\(version)", wanted: 1, kept: 1))
        }
        let words = missing.map { "`\($0.list)` lacks \($0.word): needed for \($0.purpose)" }
        context.report(
            Upkeep(
                .impaired, "connected to Asterisk at \(address.place)\(version); \(words.joined(separator: "; "))",
                remedy: "add the words to [\(manager.username)] in manager.conf, then `manager reload`", wanted: 1, kept: 1,
                items: missing.map {
                    Upkeep.Item(name: "\($0.list) \($0.word)", isKept: false, problem: "needed for \($0.purpose)")
                }))
    }
}
