import Connector
import DoubleServer
import Network
import Streams
import TestSupport
import Testing

@testable import AsteriskAdapter
@testable import VendorSimulators

/// What the doctor finds at an Asterisk's double, over real sockets.
struct ExaminationTests {
    private struct SystemTime: Timekeeper {
        func now() -> Instant { Instant(milliseconds: MonotonicInstant.now.nanoseconds / 1_000_000) }
    }

    private static let secret = "hush-3141"

    private static func examine(
        secret: String = Self.secret, values: [String: String] = [:], patience: Duration = .seconds(10),
        _ change: (inout AsteriskOptions) -> Void = { _ in }
    ) async throws -> [AsteriskExamination.Finding] {
        var user = AsteriskOptions.User(name: "gateway", secret: Self.secret)
        user.write.insert("system")
        var options = AsteriskOptions(users: [user])
        change(&options)
        let double = AsteriskDouble(options, seed: 1, at: SystemTime().now())
        let server = try AsteriskDoubleServer(
            double, on: SocketAddress(.loopbackV4, port: 0), faults: options.faults, playing: nil, timekeeper: SystemTime(),
            tell: { _ in })
        try server.start()
        let found = try await findings(at: server.address.port, secret: secret, values: values, patience: patience)
        await server.shutdown()
        #expect(!found.contains { "\($0)".contains(Self.secret) || "\($0)".contains("wrong-2718") })
        #expect(found.allSatisfy { ($0.remedy == nil) == ($0.mark == .good) })
        return found
    }

    private static func findings(
        at port: UInt16, secret: String, values: [String: String] = [:], patience: Duration = .seconds(10)
    ) async throws -> [AsteriskExamination.Finding] {
        let own = [
            "host": "127.0.0.1", "port": "\(port)", "username": "gateway", "secret": secret, "contexts": "internal",
        ]
        let examination = try AsteriskExamination(
            AdapterSettings(connection: TracePlayer.connection, values: own.merging(values) { $1 }), patience: patience)
        let streams = SystemStreams()
        let findings = await examination.findings(over: streams)
        await streams.shutdown()
        return findings
    }

    @Test func `a server that is set up well is found well`() async throws {
        let findings = try await Self.examine()
        #expect(findings.allSatisfy { $0.mark == .good }, "\(findings)")
        let words = findings.map(\.words)
        #expect(words.contains { $0.hasSuffix("answers, AMI 11.0.0") })
        #expect(words.contains("takes our login as gateway"))
        #expect(words.contains("taken for trunks: trunk"))
        #expect(words.contains { $0.hasPrefix("taken for telephones: 1") })
        #expect(words.contains("the context internal, where commands dial, is there"))
    }

    @Test func `a wrong secret is told apart from a server that is not there`() async throws {
        let findings = try await Self.examine(secret: "wrong-2718")
        #expect(findings.map(\.mark) == [.good, .bad])
        #expect(findings.last?.words == "does not take our login as gateway: Authentication failed")
        #expect(findings.last?.remedy?.contains("[gateway] in manager.conf") == true)
    }

    @Test func `rights that are missing are named, with the lines to write`() async throws {
        let findings = try await Self.examine { options in
            options.users[0].read = ["call"]
            options.users[0].write = ["call"]
        }
        let lacks = findings.filter { $0.words.contains("lacks") }.map { $0.words.prefix { $0 != ":" } }
        #expect(
            Set(lacks) == ["`read` lacks system", "`write` lacks originate", "`write` lacks reporting", "`write` lacks system"])
        #expect(
            findings.contains {
                $0.remedy?.hasPrefix(
                    "in manager.conf: [gateway] read = system,call,agent,user,dtmf write = system,call,originate,agent,reporting")
                    == true
            })
        #expect(findings.contains { $0.words.hasPrefix("whether the context internal is there could not be checked") })
        #expect(!findings.contains { $0.mark == .bad })
    }

    @Test func `without any right to list endpoints they could not be checked`() async throws {
        let findings = try await Self.examine { $0.users[0].write = ["originate"] }
        #expect(findings.contains { $0.words.hasPrefix("trunks and telephones could not be checked") })
    }

    @Test func `a context that is not there, and a trunk that nobody lists, are found`() async throws {
        let findings = try await Self.examine(values: ["contexts": "from-nowhere", "trunks": "operator"])
        #expect(
            findings.filter { $0.mark == .bad }.map(\.words) == ["there is no context from-nowhere, where commands would dial"])
        #expect(findings.contains { $0.words == "`trunks` names what the PBX does not list: operator" })
        #expect(findings.contains { $0.words == "no endpoint is taken for a trunk" })
    }

    @Test func `a server that accepts and says nothing is not waited for without end`() async throws {
        let findings = try await Self.examine(patience: .milliseconds(200)) { $0.faults.silentShare = 1 }
        #expect(findings.map(\.mark) == [.bad])
        #expect(findings.first?.words.hasSuffix("accepts connections and does not greet") == true)
    }

    @Test func `a server that is not there is found so`() async throws {
        let listener = try TCPListener(on: SocketAddress(.loopbackV4, port: 0))
        let port = listener.address.port
        listener.close()
        let findings = try await Self.findings(at: port, secret: Self.secret)
        #expect(findings.map(\.mark) == [.bad])
        #expect(findings.first?.remedy?.contains("enabled = yes") == true)
    }

    @Test func `without a host there is nothing to look at`() async throws {
        let settings = AdapterSettings(connection: TracePlayer.connection, values: [:], hasURLToken: true)
        let streams = SystemStreams()
        let findings = await (try AsteriskExamination(settings)).findings(over: streams)
        await streams.shutdown()
        #expect(findings.map(\.mark) == [.good])
    }

    @Test(arguments: [(Bool?.some(true), AsteriskExamination.Finding.Mark.good), (false, .odd), (nil, .good)])
    func `events without a time are odd`(isStamped: Bool?, mark: AsteriskExamination.Finding.Mark) {
        #expect(AsteriskExamination.judgeStamps(isStamped).mark == mark)
    }
}
