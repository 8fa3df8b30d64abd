import NetworkTypes
import Testing

@testable import SIP

/// One trunk's account against a registrar with its moods.
final class RegistrationTests {
    private let start = DigestBench.start
    private var machine: SIPRegistration
    private var sent: SIPRegistration.Sending?
    private var now = DigestBench.start

    init() throws { machine = try Self.machine() }

    private static func machine(authorizer: (any SIPAuthorizer)? = DigestBench.client(), targets: Int = 1) throws
        -> SIPRegistration
    {
        var machine = SIPRegistration(
            SIPRegistrationSettings(
                domain: try SIPURI(Array("sip:multifon.ru".utf8)), account: try SIPURI(Array("sip:79000000030@multifon.ru".utf8)),
                contact: try SIPURI(Array("sip:79000000030@198.51.100.20:5060".utf8)), expires: .seconds(180), refreshPercent: 50),
            authorizer: authorizer, chance: DigestBench.counter())
        machine.targetCount = targets
        return machine
    }

    private static let challenge = #"WWW-Authenticate: Digest realm="BREDBAND", nonce="5f1d2c3b4a5968778695a4b3", algorithm=MD5"#
    private static let granted = "Contact: <sip:79000000030@198.51.100.20:5060>;expires=100"

    private func begin() { sent = machine.begin() }

    private func answer(_ status: Int, _ lines: String...) throws {
        sent = machine.answered(try DigestBench.response(status, lines), at: now)
    }

    private func fields() throws -> String { try #require(sent).draft.fields.text }

    private func cseq() throws -> String? {
        try fields().split(separator: "\r\n").first { $0.hasPrefix("CSeq") }.map { String($0) }
    }

    /// Seconds from now to the next attempt; -1 where there is none.
    private var pause: Double { machine.nextDeadline.map { $0.duration(since: now) / .seconds(1) } ?? -1 }

    private func register() throws {
        begin()
        try answer(401, Self.challenge)
        try answer(200, Self.granted)
    }

    // MARK: MultiFon

    @Test func `MultiFon is asked, answered and obeyed`() throws {
        begin()
        let asked = try fields()
        for line in [
            "From: <sip:79000000030@multifon.ru>;tag=", "To: <sip:79000000030@multifon.ru>\r\n", "Expires: 180\r\n",
            "CSeq: 1 REGISTER\r\n",
        ] {
            #expect(asked.contains(line))
        }
        #expect(!asked.contains("Authorization"))
        sent = machine.answered(try MultifonFixture.message("02_register_401"), at: now)
        #expect(try fields().contains(try MultifonFixture.line("Authorization", of: "03_register_authorized")))
        #expect(try cseq() == "CSeq: 2 REGISTER")
        sent = machine.answered(try MultifonFixture.message("04_register_200"), at: now)
        #expect(sent == nil && machine.state == .registered(until: start.advanced(by: .seconds(100))))
        #expect((45...50).contains(pause))
    }

    @Test func `MultiFon's 403 is a refusal that is not hurried`() throws {
        begin()
        sent = machine.answered(try MultifonFixture.message("02_register_401"), at: now)
        sent = machine.answered(try MultifonFixture.message("05_register_403_bad_password"), at: now)
        #expect(sent == nil)
        guard case .refused(403, let retry) = machine.state else {
            Issue.record("\(machine.state)")
            return
        }
        #expect(retry == machine.nextDeadline && (15...19).contains(pause))
    }

    @Test func `MultiFon's 500 is asked again once, also behind a challenge`() throws {
        begin()
        try answer(401, Self.challenge)
        try answer(500)
        #expect(try fields().contains("Authorization"))
        try answer(500)
        #expect(sent == nil && pause >= 0)
    }

    @Test func `a challenge behind a 500 is answered`() throws {
        begin()
        try answer(500)
        try answer(401, Self.challenge)
        #expect(try fields().contains("Authorization"))
    }

    // MARK: Challenges and times

    @Test func `a provisional answer is none`() throws {
        begin()
        try answer(100)
        #expect(sent == nil && machine.state == .registering && machine.nextDeadline == nil)
        try answer(200, Self.granted)
        #expect(machine.state == .registered(until: start.advanced(by: .seconds(100))))
    }

    @Test func `the next registration is authorised before it is asked`() throws {
        try register()
        now = try #require(machine.nextDeadline)
        sent = machine.advance(to: now)
        #expect(try fields().contains("Authorization: Digest "))
        #expect(try cseq() == "CSeq: 3 REGISTER")
    }

    @Test func `a challenge to credentials of before is answered, with stale or without`() throws {
        try register()
        for stale in ["", ", stale=true"] {
            now = try #require(machine.nextDeadline)
            sent = machine.advance(to: now)
            try answer(401, Self.challenge.replacing("5f1d", with: "aaaa") + stale)
            #expect(try fields().contains("nonce=\"aaaa"))
            try answer(200, Self.granted)
        }
    }

    @Test func `a second challenge is a wrong password, unless the nonce was old`() throws {
        begin()
        try answer(401, Self.challenge)
        try answer(401, Self.challenge + ", stale=true")
        #expect(sent != nil)
        try answer(401, Self.challenge)
        #expect(sent == nil)
        guard case .refused(401, _) = machine.state else {
            Issue.record("\(machine.state)")
            return
        }
    }

    @Test func `a registrar that calls every nonce old is left in the end`() throws {
        begin()
        var count = 0
        while sent != nil, count < 10 {
            count += 1
            try answer(401, Self.challenge + ", stale=true")
        }
        #expect(count == 4)
    }

    @Test func `without an account a challenge is a refusal`() throws {
        machine = try Self.machine(authorizer: nil)
        begin()
        try answer(401, Self.challenge)
        #expect(sent == nil && pause >= 0)
    }

    @Test func `a longer time is asked for where the registrar wants it, also before it challenges`() throws {
        begin()
        try answer(423, "Min-Expires: 300")
        #expect(try fields().contains("Expires: 300\r\n"))
        try answer(401, Self.challenge)
        #expect(try fields().contains("Expires: 300\r\n"))
        #expect(try fields().contains("Authorization"))
    }

    @Test(arguments: ["Min-Expires: 180", "Min-Expires: 100000", "X: y"])
    func `a longer time that is none is a refusal`(line: String) throws {
        begin()
        try answer(423, line)
        #expect(sent == nil && pause >= 0)
    }

    @Test(arguments: [
        ("Contact: <sip:79000000030@198.51.100.20:5060>;expires=100, <sip:other@192.0.2.1>;expires=7", "Expires: 300", 100),
        ("Contact: <sip:79000000030@203.0.113.9:1024>;expires=60", "Expires: 300", 60), ("X: y", "Expires: 300", 300),
        ("X: y", "X: z", 180),
        ("Contact: <sip:79000000030@198.51.100.20:5060>;expires=1", "X: y", 10),
    ])
    func `what is granted counts`(contact: String, expires: String, seconds: Int) throws {
        begin()
        try answer(200, contact, expires)
        #expect(machine.state == .registered(until: start.advanced(by: .seconds(seconds))))
    }

    // MARK: Failures

    @Test func `pauses double up to half an hour, and a success ends them`() throws {
        var pauses: [Double] = []
        for _ in 0..<10 {
            begin()
            sent = machine.failed(at: now)
            pauses.append(pause)
        }
        for (pause, least) in zip(pauses, [15.0, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800]) {
            #expect((least...least * 1.25).contains(pause))
        }
        begin()
        try answer(200, Self.granted)
        begin()
        sent = machine.failed(at: now)
        #expect((15...19).contains(pause))
    }

    @Test func `every target is tried before a pause, also where one asks for patience`() throws {
        machine = try Self.machine(targets: 3)
        begin()
        #expect(sent?.target == 0)
        try answer(503, "Retry-After: 120")
        #expect(sent?.target == 1)
        sent = machine.failed(at: now)
        #expect(sent?.target == 2)
        try answer(503, "Retry-After: 120 (busy);duration=3600")
        #expect(sent == nil && (120...121).contains(pause))
        now = try #require(machine.nextDeadline)
        sent = machine.advance(to: now)
        #expect(sent?.target == 0)
    }

    @Test func `a refusal ends the round of targets`() throws {
        machine = try Self.machine(targets: 3)
        begin()
        try answer(503)
        try answer(403)
        now = try #require(machine.nextDeadline)
        sent = machine.advance(to: now)
        var tried = [sent?.target]
        for _ in 0..<2 {
            try answer(503)
            tried.append(sent?.target)
        }
        #expect(tried == [1, 2, 0])
    }

    @Test func `the target that took us is kept`() throws {
        machine = try Self.machine(targets: 2)
        begin()
        sent = machine.failed(at: now)
        try answer(200, Self.granted)
        now = try #require(machine.nextDeadline)
        sent = machine.advance(to: now)
        #expect(sent?.target == 1)
    }

    // MARK: Leaving

    @Test func `who leaves says so, with credentials, and is done`() throws {
        try register()
        sent = machine.leave()
        #expect(try fields().contains("Expires: 0\r\n"))
        #expect(try fields().contains("Authorization"))
        try answer(401, Self.challenge)
        #expect(try fields().contains("Expires: 0\r\n"))
        try answer(200)
        #expect(sent == nil && machine.state == .ended && machine.nextDeadline == nil)
        #expect(machine.begin() == nil && machine.leave() == nil)
    }

    @Test func `who leaves while he waits for an answer takes back what it grants`() throws {
        begin()
        try answer(401, Self.challenge)
        #expect(machine.leave() == nil && machine.state != .ended)
        try answer(200, Self.granted)
        #expect(try fields().contains("Expires: 0\r\n"))
        #expect(machine.state != .ended)
        try answer(401, Self.challenge)
        #expect(try fields().contains("Expires: 0\r\n"))
        try answer(200)
        #expect(sent == nil && machine.state == .ended && machine.nextDeadline == nil)
    }

    @Test func `who leaves while he renews is not done with the renewal's answer`() throws {
        try register()
        now = try #require(machine.nextDeadline)
        sent = machine.advance(to: now)
        #expect(machine.leave() == nil)
        try answer(503)
        #expect(try fields().contains("Expires: 0\r\n"))
        try answer(200)
        #expect(sent == nil && machine.state == .ended)
    }

    @Test func `who leaves while he is refused is done`() throws {
        begin()
        #expect(machine.leave() == nil)
        try answer(403)
        #expect(sent == nil && machine.state == .ended)
    }

    @Test func `who never came leaves without a word`() {
        #expect(machine.leave() == nil && machine.state == .ended)
    }

    @Test func `a registrar that is gone holds nobody back`() throws {
        try register()
        sent = machine.leave()
        sent = machine.failed(at: now)
        #expect(sent == nil && machine.state == .ended)
    }
}
