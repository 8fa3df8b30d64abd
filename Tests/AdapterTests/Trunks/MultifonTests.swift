import AdapterKit
import Connector
import Foundation
import TestSupport
import Testing
import VendorSimulators

@testable import MultifonAdapter

/// What MegaFon's routing API was seen to say, and what becomes of it.
@Suite struct MultifonReplyTests {
    /// A fixture's request target, and its answer.
    static func fixture(_ name: String) throws -> (target: String, response: OutgoingResponse) {
        let text = try String(contentsOfFile: "\(FixtureFolders.cases(of: "multifon"))/\(name).txt", encoding: .utf8)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.replacing("\r", with: "") }
        let target = try #require(lines.first?.split(separator: " ").dropFirst().first.map(String.init))
        let body = try #require(lines.last { !$0.isEmpty })
        return (target, OutgoingResponse(status: 200, body: Array(body.utf8)))
    }

    @Test(
        arguments: [
            ("40_http_routing_get", 200, 1, nil, nil), ("41_http_routing_set", 200, nil, nil, nil),
            ("42_http_bad_password", 101, nil, nil, ProviderFailure.Kind.unauthorized),
            ("43_http_not_found", 404, nil, nil, ProviderFailure.Kind.rejected), ("44_http_status_blocked", 200, nil, 1, nil),
        ] as [(String, Int, Int?, Int?, ProviderFailure.Kind?)])
    func `an answer is read as it came`(
        name: String, code: Int, routing: Int?, status: Int?, failure: ProviderFailure.Kind?
    ) throws {
        let reply = try #require(MultifonReply(try Self.fixture(name).response.body))
        #expect(reply.code == code)
        #expect(reply.routing == routing)
        #expect(reply.status == status)
        #expect(reply.failure?.kind == failure)
    }

    @Test(arguments: ["", "<html/>", "<response/>", "<response><result><code>x</code></result></response>", "{}"])
    func `what is no answer is none`(text: String) {
        #expect(MultifonReply(Array(text.utf8)) == nil)
    }

    @Test func `the requests are those that were seen`() async throws {
        let trunk = try MultifonWatchTests.trunk("79000000030", "made-up-pass-1")
        let server = try #require(ServerAddress("https://sm.megafon.ru"))
        for (name, ask) in [
            ("40_http_routing_get", { desk, trunk in _ = try await desk.mode(of: trunk) }),
            ("41_http_routing_set", { desk, trunk in try await desk.set(.both, of: trunk) }),
            ("44_http_status_blocked", { desk, trunk in _ = try await desk.isBlocked(trunk) }),
        ] as [(String, (MultifonDesk, TrunkAccount) async throws -> Void)] {
            let (target, response) = try Self.fixture(name)
            let outgoing = ScriptedOutgoing(.success(response))
            try await ask(MultifonDesk(server: server, outgoing: outgoing), trunk)
            let sent = try #require(outgoing.requests.first)
            #expect(sent.method == "GET")
            #expect(sent.url == "https://sm.megafon.ru" + target.replacing("@", with: "%40"))
        }
    }

    @Test(arguments: [
        ("79000000030", "79000000030"), ("+79000000030", "79000000030"), ("89000000030", "79000000030"),
        ("79000000030@multifon.ru", "79000000030"),
    ]) func `a number is known however it is written`(text: String, login: String) {
        #expect(MultifonNumber.login(text) == login)
    }

    @Test(arguments: ["", "7900", "+19000000030", "7900000003x", "79000000030@sip.example"])
    func `what is no number of Russia is none`(text: String) {
        #expect(MultifonNumber.login(text) == nil)
    }
}

/// The adapter as a whole, against MegaFon's API made up.
@Suite struct MultifonWatchTests {
    static func adapter(
        _ passwords: String, _ values: [String: String] = [:], control: ScriptedControl? = nil
    ) throws -> MultifonAdapter {
        let settings = AdapterSettings(
            connection: ConnectionProfile.test.id,
            values: ["passwords": passwords, "base_url": DoubleBench.origin].merging(values) { _, new in new })
        return try MultifonAdapter(settings: settings, context: AdapterContext(control: control))
    }

    static func trunk(_ number: String, _ password: String) throws -> TrunkAccount {
        try #require(try adapter("\(number) \(password)").trunks.first)
    }

    @Test func `a number and a password make the whole account`() throws {
        let trunk = try Self.trunk("79000000030", "made-up-pass-1")
        #expect(trunk.id.description == "test/79000000030")
        #expect(trunk.login == "79000000030")
        #expect(trunk.authUser == "79000000030")
        #expect(trunk.domain == "multifon.ru")
        #expect(trunk.registrars == [.init(host: "sbc.megafon.ru", port: 5060, transport: .udp)])
        #expect(trunk.numbers == ["+79000000030"])
        #expect(trunk.expires == .seconds(180))
        #expect(trunk.refreshPercent == 50)
        #expect(trunk.keepAlive == .seconds(25))
        #expect(trunk.codecs == [.pcma, .pcmu])
        #expect(trunk.callerForm == .account)
        #expect(trunk.parallelCalls == 2)
    }

    /// A keeper's run beside a made-up API, with every trunk registered.
    private static func keeping(
        _ numbers: [String], _ values: [String: String] = [:], api: [String]? = nil,
        _ body: (KeeperBench, DoubleBench) async throws -> Void
    ) async throws {
        let passwords = numbers.map { "\($0) made-up-\($0.suffix(2))" }.joined(separator: "\n")
        let known = (api ?? numbers).map { "\($0) made-up-\($0.suffix(2))" }.joined(separator: "\n")
        let double = try MultifonDouble(
            settings: AdapterSettings(connection: ConnectionID("demo"), values: ["passwords": known]), faults: .none, seed: 1)
        let bench = KeeperBench()
        let api = DoubleBench(double)
        let control = ScriptedControl()
        let keeper = try #require(try adapter(passwords, values, control: control).makeClient(api)?.keeper)
        try await bench.running(keeper) {
            #expect(await eventually { control.kept.withLock { $0.count } == numbers.count })
            let end = bench.now.advanced(by: .seconds(50))
            for report in control.reporters.withLock({ $0.values }) { report(TrunkState(.registered(until: end))) }
            try await body(bench, api)
        }
    }

    @Test func `a number whose mode is phone is told of, though it is registered`() async throws {
        try await Self.keeping(["79000000030", "79000000117"]) { bench, _ in
            #expect(await bench.stands { $0.condition == .impaired })
            let upkeep = try #require(bench.upkeep)
            #expect(upkeep.kept == 2)
            #expect(upkeep.summary.contains("its calls go to the mobile phone only and do not come here"))
            #expect(upkeep.remedy?.contains("mode: sip") == true)
            #expect(upkeep.items.first?.name == "+79000000117")
            #expect(!"\(upkeep)".contains("made-up"))
        }
    }

    @Test func `with a mode in the file a number is set to it`() async throws {
        try await Self.keeping(["79000000117"], ["mode": "both"]) { bench, api in
            #expect(await bench.stands { $0.condition == .good && $0.summary.contains("the balance is 117.50") })
            let answer = try await api.send(
                OutgoingRequest("GET", DoubleBench.origin + "/sm/client/routing?login=79000000117&password=made-up-17"))
            #expect(String(decoding: answer.body, as: UTF8.self).contains("<routing>2</routing>"))
        }
    }

    @Test func `a blocked number and one without MultiFon are told of by their own words`() async throws {
        try await Self.keeping(["79000000118"]) { bench, _ in
            #expect(await bench.stands { $0.summary.contains("MegaFon has blocked it") })
        }
        try await Self.keeping(["79000000119"]) { bench, _ in
            #expect(await bench.stands { $0.summary.contains("the number has no MultiFon") })
            #expect(bench.upkeep?.remedy?.contains("*137#") == true)
        }
    }

    @Test func `the mode is looked at again every few minutes`() async throws {
        try await Self.keeping(["79000000030"]) { bench, api in
            #expect(await bench.stands { $0.condition == .good && $0.summary.contains("balance") })
            _ = try await api.send(
                OutgoingRequest(
                    "GET", DoubleBench.origin + "/sm/client/routing/set?login=79000000030&password=made-up-30&routing=0"))
            #expect(await eventually { bench.pause.ends.contains(bench.now.advanced(by: .seconds(300))) })
            bench.pause.advance(by: .seconds(300))
            #expect(await bench.stands { $0.condition == .impaired })
        }
    }

    @Test func `where nobody answers the trunk goes on, and the round is left`() async throws {
        let outgoing = ScriptedOutgoing(
            .failure(OutgoingError(.timeout, place: "https://sm.megafon.ru", reason: "no answer in time", isTransient: true)))
        let bench = KeeperBench()
        let control = ScriptedControl()
        let numbers = (30..<40).map { "790000000\($0) made-up-\($0)" }.joined(separator: "\n")
        let keeper = try #require(try Self.adapter(numbers, control: control).makeClient(outgoing)?.keeper)
        try await bench.running(keeper) {
            #expect(await eventually { control.kept.withLock { $0.count } == 10 })
            #expect(await eventually { bench.pause.ends.contains(bench.now.advanced(by: .seconds(300))) })
            #expect(outgoing.requests.count == 3)
            let end = bench.now.advanced(by: .seconds(50))
            for report in control.reporters.withLock({ $0.values }) { report(TrunkState(.registered(until: end))) }
            #expect(await bench.stands { $0.kept == 10 && $0.condition == .impaired })
            #expect(bench.upkeep?.summary.contains("is not known now") == true)
            #expect(!"\(String(describing: bench.upkeep))".contains("made-up"))
        }
    }

    @Test func `without a watch nobody is asked`() async throws {
        let outgoing = ScriptedOutgoing()
        let control = ScriptedControl()
        let bench = KeeperBench()
        let keeper = try #require(
            try Self.adapter("79000000030 a", ["watch_every": "0"], control: control).makeClient(outgoing)?.keeper)
        try await bench.running(keeper) { #expect(await eventually { control.kept.withLock { $0.count } == 1 }) }
        #expect(outgoing.requests.isEmpty)
    }
}
