import Connector
import Testing

@testable import AsteriskAdapter
@testable import VendorSimulators

/// Commands as they arrive at the server, and what its answers mean: over real sockets.
@Suite(.timeLimit(.minutes(1)))
struct ManagerCommandTests {
    private static let id = CommandID(bits: 0x1234)

    private static func order(
        _ action: Command.Action, on call: String? = nil, id: CommandID = id, within deadline: Duration = .seconds(10)
    ) -> ProviderOrder {
        ProviderOrder(
            id: id, action: action, target: call.map { CommandTarget(keys: [ExternalKey(.linkedid, $0)]) }, deadline: deadline)
    }

    /// A call from outside that an employee has taken.
    private static func withTalk(
        _ change: (inout AsteriskOptions) -> Void = { _ in }, seed: UInt64 = 4,
        _ body: (ManagerStand, Conversation) async throws -> Void
    ) async throws {
        try await ManagerStand.run(change) { stand in
            await stand.waitForConnection()
            stand.server.change { double, now in double.begin(.inboundAnswered, seed: seed, at: now) }
            await stand.wait { $0.link.withSwitchboard { $0.conversations.contains { $0.lastTalker != nil } } }
            let talk = try #require(stand.link.withSwitchboard { $0.conversations.first })
            try await body(stand, talk)
        }
    }

    // MARK: What is sent

    @Test func `a new call is ordered with a leg of our naming, and is known by it`() async throws {
        try await ManagerStand.run(settings: ["contexts": "internal"]) { stand in
            await stand.waitForConnection()
            let wish = Command.Origination(from: "101", to: "+79000000065", callerName: "Anna \"x\" ${EVIL}(1)|&\\")
            let answer = try await stand.client.perform(Self.order(.originate(wish)))
            #expect(answer.isPreliminary)
            #expect(answer.call == ExternalKey(.linkedid, Self.id.description))
            #expect(
                stand.line.action("Originate")
                    == """
                    Action: Originate\r
                    ActionID: \(Self.id)\r
                    Channel: PJSIP/101\r
                    Context: internal\r
                    Exten: +79000000065\r
                    Priority: 1\r
                    CallerID: "Anna x EVIL1" <+79000000065>\r
                    Timeout: 30000\r
                    Async: true\r
                    ChannelId: \(Self.id)
                    """)
            await stand.wait { $0.link.withSwitchboard { $0[Self.id.description] } != nil }
        }
    }

    @Test func `a talk is passed on by the employee's leg, and ended by the leg outside`() async throws {
        try await Self.withTalk { stand, talk in
            let phone = try #require(talk.legs.first { $0.side != .outside && $0.side != .local })
            let outside = try #require(talk.legs.first { $0.side == .outside })
            _ = try await stand.client.perform(Self.order(.transfer(to: "105", kind: .blind), on: talk.name))
            #expect(
                stand.line.action("BlindTransfer")?.hasSuffix(
                    "\r\nChannel: \(phone.channel)\r\nContext: from-internal\r\nExten: 105") == true)
            await stand.wait { $0.link.withSwitchboard { $0[talk.name]?.legs.contains { $0.side == .person("105") } } == true }
            _ = try await stand.client.perform(Self.order(.hangup, on: talk.name))
            #expect(stand.line.action("Hangup")?.hasSuffix("\r\nChannel: \(outside.channel)\r\nCause: 16") == true)
            await stand.wait { $0.openCount == 0 }
            await stand.wait { (try? $0.call(talk.name)?["state"]) == "ended" }
            #expect(try stand.call(talk.name)?["transfers"]?.elements.count == 1)
        }
    }

    @Test func `a talk is passed on after a word, recorded, and given keys`() async throws {
        try await Self.withTalk {
            $0.users[0].write = ["all"]
        } _: { stand, talk in
            let phone = try #require(talk.legs.first { $0.side != .outside && $0.side != .local })
            let outside = try #require(talk.legs.first { $0.side == .outside })
            _ = try await stand.client.perform(Self.order(.record(start: true), on: talk.name))
            #expect(
                stand.line.action("MixMonitor")?.hasSuffix(
                    "\r\nChannel: \(phone.channel)\r\nFile: \(Self.id).wav\r\nOptions: b") == true)
            _ = try await stand.client.perform(Self.order(.record(start: false), on: talk.name))
            #expect(stand.line.action("StopMixMonitor")?.hasSuffix("\r\nChannel: \(phone.channel)") == true)
            _ = try await stand.client.perform(Self.order(.dtmf("1#"), on: talk.name))
            let keys = stand.line.actions.filter { $0.hasPrefix("Action: PlayDTMF\r\n") }
            #expect(keys.count == 2)
            #expect(keys.last?.hasSuffix("\r\nChannel: \(outside.channel)\r\nDigit: #") == true)
            _ = try await stand.client.perform(Self.order(.transfer(to: "105", kind: .attended), on: talk.name))
            #expect(
                stand.line.action("Atxfer")?.hasSuffix(
                    "\r\nChannel: \(phone.channel)\r\nContext: from-internal\r\nExten: 105") == true)
        }
    }

    // MARK: What is answered

    @Test func `a leg that has gone meanwhile is no fault of ours`() async throws {
        try await Self.withTalk { stand, talk in
            // The server forgets it without a word.
            await withCheckedContinuation { done in
                stand.server.change { double, _ in
                    double.exchange.vanish()
                    done.resume()
                }
            }
            await Self.expectFailure(.rejected, "asterisk", "No such channel") {
                _ = try await stand.client.perform(Self.order(.hangup, on: talk.name))
            }
            await Self.expectFailure(.rejected, "asterisk", "Channel specified does not exist") {
                _ = try await stand.client.perform(Self.order(.transfer(to: "105", kind: .blind), on: talk.name))
            }
        }
    }

    @Test func `a right that is missing is named where it is needed`() async throws {
        try await Self.withTalk {
            $0.users[0].write = ["reporting"]
        } _: { stand, talk in
            let orders: [(Command.Action, String?, String)] = [
                (.originate(Command.Origination(from: "101", to: "79000000065")), nil, "originate"), (.hangup, talk.name, "call"),
                (.transfer(to: "105", kind: .blind), talk.name, "call"), (.record(start: true), talk.name, "system"),
                (.dtmf("1"), talk.name, "call"),
            ]
            for (action, call, word) in orders {
                await Self.expectFailure(.rejected, "permission-denied", "`write` lacks \(word)") {
                    _ = try await stand.client.perform(Self.order(action, on: call))
                }
            }
        }
    }

    @Test func `a call that nobody knows is refused before anything leaves`() async throws {
        try await ManagerStand.run { stand in
            await stand.waitForConnection()
            let before = stand.line.actions.count
            await Self.expectFailure(.invalid, "call", "") {
                _ = try await stand.client.perform(Self.order(.hangup, on: "1.1"))
            }
            await Self.expectFailure(.unsupported, "hold", "cannot hold") {
                _ = try await stand.client.perform(Self.order(.hold, on: "1.1"))
            }
            #expect(stand.line.actions.count { !$0.hasPrefix("Action: Ping") } == before)
        }
    }

    // MARK: What must not leave

    static let breaks = ["\r\n", "\n", "\r", "\u{0}", "\r\n\r\nAction: Hangup\r\nChannel: /.*/\r\n\r\n"]

    @Test(arguments: breaks)
    func `no value of an action can begin a line of its own`(_ end: String) async throws {
        #expect(ManagerAction("Ping", [("X", "a\(end)b")]).bytes(id: "1") == nil)
        #expect(ManagerAction("Ping").bytes(id: "1\(end)") == nil)
        try await Self.withTalk { stand, talk in
            let before = stand.line.actions.count
            let actions: [(Command.Action, String?)] = [
                (.originate(Command.Origination(from: "101\(end)", to: "79000000065")), nil),
                (.originate(Command.Origination(from: "101", to: "79000000065\(end)")), nil),
                (.originate(Command.Origination(from: "101", to: "79000000065", line: "7495\(end)0000000")), nil),
                (.transfer(to: "10\(end)5", kind: .blind), talk.name), (.transfer(to: "105\(end)", kind: .attended), talk.name),
                (.dtmf("1\(end)"), talk.name),
            ]
            for (action, call) in actions {
                await Self.expectFailure(.invalid, nil, "") {
                    _ = try await stand.client.perform(Self.order(action, on: call))
                }
            }
            #expect(stand.line.actions.count { !$0.hasPrefix("Action: Ping") } == before)
        }
    }

    @Test(arguments: breaks)
    func `a caller's name loses what would begin a line`(_ end: String) async throws {
        try await ManagerStand.run { stand in
            await stand.waitForConnection()
            let before = stand.line.actions.count
            let wish = Command.Origination(from: "101", to: "79000000065", callerName: "A\(end)B")
            _ = try await stand.client.perform(Self.order(.originate(wish)))
            #expect(stand.line.actions.count { !$0.hasPrefix("Action: Ping") } == before + 1)
            let line = try #require(stand.line.action("Originate")?.split(separator: "\r\n").first { $0.hasPrefix("CallerID:") })
            #expect(line.hasSuffix("\" <79000000065>"))
        }
    }

    // MARK: No answer

    @Test func `an answer that does not come in time leaves it open whether it was done`() async throws {
        try await Self.withTalk { stand, talk in
            stand.line.isDead.withLock { $0 = true }
            await Self.expectFailure(.unknown, "timeout", "") {
                _ = try await stand.client.perform(Self.order(.hangup, on: talk.name, within: .milliseconds(50)))
            }
        }
    }

    @Test func `a connection that breaks leaves it open whether it was done, and the next order does not leave`() async throws {
        try await Self.withTalk {
            $0.faults.away = .seconds(30)
        } _: { stand, talk in
            stand.line.isDead.withLock { $0 = true }
            async let failure = Self.failure {
                _ = try await stand.client.perform(Self.order(.hangup, on: talk.name))
            }
            for _ in 0..<1000 { await Task.yield() }
            stand.server.change { double, _ in double.crash() }
            stand.line.isDead.withLock { $0 = false }
            let found = await failure
            #expect(found?.kind == .unknown)
            #expect(found?.code == "disconnected")
            await Self.expectFailure(.unavailable, "not-connected", "") {
                _ = try await stand.client.perform(Self.order(.hangup, on: talk.name))
            }
        }
    }

    // MARK: Failures

    private static func failure(_ body: () async throws -> Void) async -> ProviderFailure? {
        do {
            try await body()
            return nil
        } catch {
            return error as? ProviderFailure
        }
    }

    private static func expectFailure(
        _ kind: ProviderFailure.Kind, _ code: String?, _ text: String, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () async throws -> Void
    ) async {
        let found = await failure(body)
        #expect(found?.kind == kind, "\(found.map { "\($0)" } ?? "done")", sourceLocation: sourceLocation)
        if let code { #expect(found?.code == code, sourceLocation: sourceLocation) }
        #expect(text.isEmpty || found?.text.contains(text) == true, "\(found?.text ?? "")", sourceLocation: sourceLocation)
    }
}
