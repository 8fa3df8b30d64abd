import AdapterKit
import Connector
import Gateway
import MultifonAdapter
import SIPTrunkAdapter
import TestSupport
import Testing

/// How the accounts of one connection are written.
@Suite struct TrunkEntriesTests {
    /// A connection's file of `adapter`, its settings and sections as they stand at the left margin.
    static func read(_ adapter: String, _ text: String, secrets: [String: String] = [:]) -> ConnectionDirectory.Entry {
        let directory = ConnectionDirectory(
            path: "adapters.d", adapters: [SIPTrunkAdapter.self, MultifonAdapter.self],
            environment: ["PASS": "made-up-pass-1", "PASS2": "made-up-pass-2"].merging(secrets) { _, new in new })
        return directory.read("adapter: \(adapter)\n\(text)", file: "office.yaml", as: ConnectionID("office"))
    }

    private static func trunks(_ entry: ConnectionDirectory.Entry) throws -> [TrunkAccount] {
        #expect(entry.problems == [])
        return try #require(entry.adapter as? SIPTrunkAdapter).trunks
    }

    @Test func `one account is the connection itself`() throws {
        let trunks = try Self.trunks(
            Self.read("sip-trunk", "settings: {domain: sip.example, login: \"100200\", password: env:PASS, auth_user: hans}"))
        #expect(trunks.map(\.id.description) == ["office"])
        #expect(trunks[0].login == "100200")
        #expect(trunks[0].authUser == "hans")
        #expect(trunks[0].password == "made-up-pass-1")
        #expect(trunks[0].registrars == [.init(host: "sip.example")])
    }

    @Test func `a hundred accounts are a hundred lines`() throws {
        let lines = (100...199).map { "79000000\($0)  made-up \($0)" }
        let file = "# our numbers\n\n" + lines.joined(separator: "\n")
        let trunks = try Self.trunks(
            Self.read("sip-trunk", "settings: {domain: sip.example, passwords: env:LIST}", secrets: ["LIST": file]))
        #expect(trunks.count == 100)
        #expect(trunks.first?.id == TrunkID("office/79000000100"))
        #expect(trunks.last?.password == "made-up 199")
    }

    @Test func `an entry may say more than a line, and have its password from there`() throws {
        let trunks = try Self.trunks(
            Self.read(
                "sip-trunk",
                """
                settings: {domain: sip.example, passwords: env:LIST, parallel_calls: 9}
                accounts:
                  "201": {numbers: ["+74950000002"], parallel_calls: 4}
                  spare: {login: "X700", password: env:PASS, auth_user: "700", public_address: 203.0.113.9}
                """, secrets: ["LIST": "201 made-up-201\n202 made-up-202\n"]))
        #expect(trunks.map(\.id.description) == ["office/201", "office/202", "office/spare"])
        #expect(trunks.map(\.password) == ["made-up-201", "made-up-202", "made-up-pass-1"])
        #expect(trunks.map(\.parallelCalls) == [4, 9, 9])
        #expect(trunks[0].numbers == ["+74950000002"])
        #expect(trunks[2].login == "X700")
        #expect(trunks[2].publicAddress == "203.0.113.9")
    }

    @Test func `a list of logins will do where a file has the passwords`() throws {
        let trunks = try Self.trunks(
            Self.read(
                "sip-trunk", "settings: {domain: sip.example, passwords: env:LIST}\naccounts: [\"201\"]",
                secrets: ["LIST": "201 a\n"]))
        #expect(trunks.map(\.id.description) == ["office/201"])
    }

    @Test(
        arguments: [
            (
                "settings: {domain: sip.example, login: \"1\", password: s3cr3t}",
                "2:55: `password`: a secret is written out in the file; refer to it as env:NAME or file:PATH, and change the secret"
            ),
            (
                "settings: {domain: sip.example}\naccounts: {\"201\": {password: s3cr3t}}",
                "3:30: `password`: a secret is written out in the file; refer to it as env:NAME or file:PATH, and change the secret"
            ),
            (
                "settings: {domain: sip.example}",
                "0:0: setting `login` is missing; add `login:` for one account, or `passwords:` or `accounts:` for several"
            ),
            (
                "settings: {domain: sip.example}\naccounts:\n  \"201\": {pasword: env:PASS, password: env:PASS}",
                "4:11: unknown key `pasword`; did you mean `password`?"
            ),
            (
                "settings: {domain: sip.example}\naccounts:\n  \"201\": {parallel_calls: many, password: env:PASS}",
                "4:27: `parallel_calls` is no whole number from 0 to 1000; write a number there"
            ),
            (
                "settings: {domain: sip.example}\naccounts:\n  \"201\":",
                "4:3: the account has no password; add `password:`, or a line to `passwords`"
            ),
            (
                "settings: {domain: sip.example}\naccounts:\n  My Account: {password: env:PASS}",
                "4:3: the account's name is no slug; take a-z, 0-9, - and _; a login in other letters goes to `login:`"
            ),
            (
                "settings:\n  domain: sip.example\n  login: a\n  password: env:PASS\naccounts:\n  \"201\": {password: env:PASS}",
                "4:10: setting `login` stands beside several accounts; move it to `accounts`, or to the file of `passwords`"
            ),
            (
                "settings: {domain: sip.example}\naccounts:\n  a: {login: x, password: env:PASS}\n  b: {login: x, password: env:PASS}",
                "3:1: setting `accounts` has a login twice; keep one of the two"
            ),
            (
                "settings:\n  domain: sip.example\n  passwords: env:BROKEN",
                "4:14: setting `passwords` has a line 2 that is no login and password; write both on one line with a blank between them; # begins a remark"
            ),
            (
                "settings:\n  domain: \"sip:x\"\n  login: a\n  password: env:PASS",
                "3:11: setting `domain` is no domain; write it without sip: and port"
            ),
            (
                "settings: {domain: sip.example, login: \"a b\", password: env:PASS}",
                "2:40: setting `login` has a login that cannot stand in an address; write the part before the @ alone"
            ),
        ])
    func `a mistake names its place and what would mend it, and no secret`(text: String, expected: String) {
        let entry = Self.read("sip-trunk", text, secrets: ["BROKEN": "201 made-up\nlonely-made-up"])
        let told = entry.problems.map { "\($0.line):\($0.column): \($0.problem); \($0.hint)" }
        #expect(told == [expected])
        #expect(!told.contains { $0.contains("s3cr3t") || $0.contains("made-up") })
    }

    @Test func `a trunk that does not register needs no password, and somebody who calls`() throws {
        let trunks = try Self.trunks(
            Self.read(
                "sip-trunk",
                "settings: {domain: sip.example, login: office, register: no, allow_calls_from: [203.0.113.0/28], keep_alive: 0}")
        )
        #expect(trunks[0].registers == false)
        #expect(trunks[0].sources == ["203.0.113.0/28"])
        #expect(trunks[0].keepAlive == nil)
        let bare = Self.read("sip-trunk", "settings: {domain: sip.example, login: office, register: no}")
        #expect(bare.problems.map(\.problem) == ["setting `allow_calls_from` is missing"])
    }

    @Test func `every setting reaches the account`() throws {
        let trunks = try Self.trunks(
            Self.read(
                "sip-trunk",
                """
                settings:
                  domain: sip.example
                  login: "100200"
                  password: env:PASS
                  registrar: [sip1.example, "[2001:db8::1]:5070"]
                  transport: tcp
                  numbers: ["+74950000001", "+74950000002"]
                  number_form: plus
                  caller: asserted
                  expires: 300
                  refresh: 75
                  keep_alive: 15
                  parallel_calls: 30
                  dtmf: info
                  codecs: [pcmu]
                  public_address: pbx.example
                """))
        var wanted = TrunkAccount(
            id: TrunkID(ConnectionID("office")), login: "100200", password: "made-up-pass-1", domain: "sip.example",
            registrars: [.init(host: "sip1.example", transport: .tcp), .init(host: "2001:db8::1", port: 5070, transport: .tcp)])
        wanted.numbers = ["+74950000001", "+74950000002"]
        wanted.numberForm = .plus
        wanted.callerForm = .asserted
        wanted.expires = .seconds(300)
        wanted.refreshPercent = 75
        wanted.keepAlive = .seconds(15)
        wanted.parallelCalls = 30
        wanted.keys = .info
        wanted.codecs = [.pcmu]
        wanted.publicAddress = "pbx.example"
        #expect(trunks == [wanted])
    }

    @Test func `neither password nor login of an account is told by printing it`() {
        let trunk = TrunkAccount(
            id: TrunkID(ConnectionID("office"), account: "a"), login: "79000000030", password: "made-up-pass-1", domain: "d",
            registrars: [])
        var dumped = ""
        dump(trunk, to: &dumped)
        for text in ["\(trunk)", String(reflecting: trunk), dumped] {
            #expect(!text.contains("made-up") && !text.contains("79000000030"))
        }
    }
}
