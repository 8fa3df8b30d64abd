import AdapterConformance
import Connector
import Numbering
import Processes
import TestSupport
import Testing

@testable import ProgramAdapter

/// Real programs: the examples that are shipped, and ones that behave badly.
@Suite(.timeLimit(.minutes(2)), .onItsOwnThread) struct ProgramExampleTests {
    private static let php = #"["php","php/my_pbx.php"]"#
    private static let cases = (try? CaseFolder.loadAll(below: FixtureFolders.cases(of: "program"))) ?? []

    /// In PHP all cases come out as they do in Python.
    @Test(.enabled(if: Programs.has("php"), "php is not installed"), arguments: cases.filter { $0.refusals == nil }.map(\.name))
    func `the example in PHP reads what that in Python reads`(name: String) throws {
        var fixture = try #require(Self.cases.first { $0.name == name })
        let python = try FixtureRecordTests.records(of: fixture, adapter: "program")
        fixture.settings["command"] = Self.php
        #expect(try FixtureRecordTests.records(of: fixture, adapter: "program") == python)
        #expect(!python.isEmpty)
    }

    @Test(.enabled(if: Programs.has("php"), "php is not installed"))
    func `the example in PHP passes the suite`() throws {
        let cases = Self.cases.map { one in
            var one = one
            one.settings["command"] = Self.php
            return one
        }
        let report = ConformanceSuite(
            ProgramAdapter.self, context: Programs.context(), numbering: WorldNumberingPlan(), faults: FaultPlan(runsPerCase: 1)
        ).run(cases)
        #expect(report.passed, "\(report.summary)")
    }

    @Test(arguments: [#"["python3","python/my_pbx.py"]"#, php])
    func `the examples carry out a command, say no to another, and are asked for recordings and the log`(command: String)
        async throws
    {
        guard !command.contains("php") || Programs.has("php") else { return }
        let adapter = try ProgramAdapter(
            settings: AdapterSettings(
                connection: ConnectionID("pbx"),
                values: [
                    "command": command, "auth": "url_token", "commands": "originate hangup recordings history",
                    "base_url": "http://127.0.0.1:9",
                ]),
            context: Programs.context())
        let client = try #require(adapter.makeClient(NoOutgoing()))
        let id = CommandID(bits: 5)
        let order = ProviderOrder(
            id: id, action: .originate(.init(from: "101", to: "79000000101")), deadline: .seconds(20))
        #expect(try await client.perform(order).call == ExternalKey(.call, "c-\(id)"))
        let failure = await #expect(throws: ProviderFailure.self) {
            _ = try await client.perform(ProviderOrder(id: id, action: .hangup, deadline: .seconds(20)))
        }
        #expect(failure?.kind == .unsupported)
        #expect(try await client.recording("r 1").url == "http://127.0.0.1:9/recordings/r%201.mp3")
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 3600))
        #expect(try await client.history(window, page: 0).bodies.count == 1)
    }

    @Test func `a program that is not there fails the suite`() throws {
        let cases = Self.cases.prefix(1).map { one in
            var one = one
            one.settings["command"] = #"["python3","nowhere.py"]"#
            return one
        }
        let report = ConformanceSuite(ProgramAdapter.self, context: Programs.context()).run(cases)
        #expect(report.failures.contains { $0.rule == "works" }, "\(report.summary)")
    }

    // MARK: Bad behaviour

    /// Each program greets, and does wrong with its first question; the one that is started after it is good.
    @Test(arguments: [
        ("read l; exit 3", "it ended"),
        ("read l; kill -9 $$", "it ended"),
        ("exec 1>&-; exec sleep 1000", "it ended"),
        ("read l; exec sleep 1000", "it did not answer in time"),
        ("exec sleep 1000", "it did not answer in time"),
        ("read l; echo garbage; exec cat", "is no JSON"),
        ("read l; echo '{\"id\":1}'; exec cat", "`id` is not the question's"),
        ("read l; exec head -c 3000000 /dev/zero", "it wrote a line of more than"),
        ("read l; exec yes", "is no JSON"),
        ("exec yes", "is no JSON"),
        ("while :; do echo trouble >&2; done", "it did not answer in time"),
    ])
    func `whatever a program does, the record is undecoded and the next is read`(script: String, expected: String) throws {
        let folder = try TemporaryFolder()
        let good = #"read l; echo '{"id":3,"protocol":1}'; read l; echo '{"id":4,"ignored":"fine"}'; exec sleep 1000"#
        let bad = #"read l; echo '{"id":1,"protocol":1}'; "# + script
        try folder.write("if mkdir once 2>/dev/null; then \(bad)\nelse \(good)\nfi\n", to: "pbx.sh")
        let children = SystemChildren(environment: Programs.environment)
        let host = ProgramHost(
            ProgramPlan(connection: ConnectionID("pbx"), command: ["sh", "pbx.sh"], answerWithin: .seconds(1)),
            role: .decode, Programs.context(children, folder: folder.path))
        let raw = RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("pbx"), receivedAt: Instant(unixSeconds: 1), body: [0xFF])
        guard case .undecoded(let reason)? = ProgramDecoder(host).decode(raw).first else { return #expect(Bool(false)) }
        // A flood may be noticed before the question is put.
        #expect(reason.contains(expected) || (script == "exec yes" && reason.contains("nobody had asked for")), "\(reason)")
        #expect(host.trouble != nil)
        #expect(ProgramDecoder(host).decode(raw) == [.ignored(reason: "fine")])
        #expect(host.trouble == nil)
        children.shutdown()
        #expect(children.count == 0)
    }
}

private struct NoOutgoing: Outgoing {
    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        throw OutgoingError(.connect, place: "", reason: "no network here", isTransient: false)
    }
}
