import Connector
import Testing

@testable import AsteriskAdapter
@testable import VendorSimulators

/// How a session begins: over real sockets, with an Asterisk's double.
@Suite(.timeLimit(.minutes(1)))
struct ManagerSessionTests {
    @Test func `the login proves the secret and does not send it`() async throws {
        try await ManagerStand.run { stand in
            await stand.waitForConnection()
            #expect(stand.upkeep?.summary.contains("(AMI 11.0.0)") == true)
            #expect(stand.link.isLoggedIn)
            let login = try #require(stand.line.action("Login"))
            #expect(login.contains("AuthType: MD5\r\n"))
            #expect(!stand.line.written.contains("hush"))
            #expect(!"\(stand.allReports)".contains("hush"))
        }
    }

    /// The answer and the end of the connection race each other: whichever is seen first, it is a wrong secret.
    @Test(arguments: 0..<4)
    func `a wrong secret ends the session at once, without a second try`(_ round: Int) async throws {
        try await ManagerStand.run(secret: "another") { stand in
            await stand.wait { $0.ended.withLock { $0 } != nil }
            let failure = stand.ended.withLock { $0 }
            #expect(failure?.kind == .unauthorized)
            #expect(failure?.text == "Asterisk does not take our login: Authentication failed")
            #expect(stand.connections == 1)
            #expect(stand.line.actions.count == 2)
        }
    }

    @Test(
        arguments: [
            ([], ["write originate", "write call", "write reporting", "write system"]),
            (["call"], ["write originate", "write reporting", "write system"]),
            (["call", "reporting"], ["write originate", "write system"]),
            (["system", "call"], ["write originate"]),
            (["system", "call", "originate"], []),
            (["all"], []),
        ] as [(Set<String>, [String])])
    func `each right that manager_conf does not give is named`(_ write: Set<String>, _ missing: [String]) async throws {
        try await ManagerStand.run {
            $0.users[0].write = write
        } _: { stand in
            await stand.waitForConnection()
            #expect(stand.upkeep?.items.map(\.name) == missing)
            #expect(stand.upkeep?.condition == (missing.isEmpty ? .good : .impaired))
            for word in missing.compactMap({ $0.split(separator: " ").last }) {
                #expect(stand.upkeep?.summary.contains("`write` lacks \(word)") == true)
            }
            #expect(stand.upkeep?.remedy?.contains("[gateway]") ?? true)
        }
    }

    @Test func `who does not hear that the server is up is told that it lacks system`() async throws {
        try await ManagerStand.run {
            $0.users[0].read = ["call"]
            $0.users[0].write = ["all"]
        } _: { stand in
            await stand.waitForConnection()
            #expect(stand.upkeep?.items.map(\.name) == ["read system"])
        }
    }

    @Test func `who hears of no call although there are some is told that it lacks call`() async throws {
        var rhythm = ManagerStand.rhythm
        rhythm.auditInterval = .milliseconds(200)
        let plan = DoublePlan([.inboundAnswered], calls: 200, rate: 20, seed: 3)
        try await ManagerStand.run(
            {
                $0.users[0].read = ["system"]
                $0.users[0].write = ["all"]
            }, playing: plan, rhythm: rhythm
        ) { stand in
            await stand.wait { $0.upkeep?.items.isEmpty == false }
            #expect(stand.upkeep?.items.map(\.name) == ["read call"])
        }
    }

    @Test func `a connection that is accepted and never greeted is given up for another`() async throws {
        var rhythm = ManagerStand.rhythm
        rhythm.stepPatience = .milliseconds(300)
        var silent = 0
        for seed in 1...4 {
            try await ManagerStand.run({ $0.faults.silentShare = 0.5 }, seed: UInt64(seed), rhythm: rhythm) { stand in
                await stand.waitForConnection()
                silent += stand.connections - 1
            }
        }
        #expect(silent > 0)
    }

    @Test func `a slow server is waited for`() async throws {
        try await ManagerStand.run {
            $0.faults.delay = .milliseconds(250)
        } _: { stand in
            await stand.waitForConnection()
            #expect(stand.connections == 1)
        }
    }

    @Test(arguments: [("off", false, false), ("on", true, false), ("unverified", true, true)])
    func `TLS is asked for as it is set`(_ word: String, _ isSecured: Bool, _ trusts: Bool) async throws {
        // The double speaks none: the session is seen to ask, and to say what is wrong.
        try await ManagerStand.run(settings: ["tls": word]) { stand in
            await stand.wait { $0.upkeep != nil }
            let address = try #require(stand.line.addresses.withLock { $0.first })
            #expect(address.isSecured == isSecured)
            #expect(address.trustsAnyCertificate == trusts)
            #expect(stand.isConnected == !isSecured)
        }
    }

    @Test func `a server that is not there is tried again, and found once it is`() async throws {
        try await ManagerStand.run {
            $0.faults.away = .milliseconds(300)
        } _: { stand in
            await stand.waitForConnection()
            stand.server.change { double, _ in double.crash() }
            await stand.wait { $0.upkeep?.condition == .failing }
            #expect(stand.upkeep?.summary.hasPrefix("no connection to Asterisk at 127.0.0.1:") == true)
            #expect(!stand.link.isLoggedIn)
            await stand.waitForConnection()
            #expect(stand.link.isLoggedIn)
        }
    }

    @Test func `a line that has gone dead is noticed by the answer that does not come`() async throws {
        var rhythm = ManagerStand.rhythm
        rhythm.pingInterval = .milliseconds(200)
        try await ManagerStand.run(rhythm: rhythm) { stand in
            await stand.waitForConnection()
            stand.line.isDead.withLock { $0 = true }
            await stand.wait { $0.upkeep?.condition == .failing }
            stand.line.isDead.withLock { $0 = false }
            await stand.waitForConnection()
            #expect(stand.connections == 2)
        }
    }

    @Test func `a quiet server is asked for a sign of life and kept`() async throws {
        var rhythm = ManagerStand.rhythm
        rhythm.pingInterval = .milliseconds(100)
        try await ManagerStand.run(rhythm: rhythm) { stand in
            await stand.waitForConnection()
            for _ in 0..<1_000_000 {
                if stand.line.actions.count(where: { $0.hasPrefix("Action: Ping\r\n") }) >= 4 { break }
                await Task.yield()
            }
            #expect(stand.connections == 1)
            #expect(stand.link.isLoggedIn)
        }
    }
}
