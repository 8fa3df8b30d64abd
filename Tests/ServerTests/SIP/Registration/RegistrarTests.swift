import NetworkTypes
import Testing

@testable import SIP

/// A registrar's table, by RFC 3261 §10.3.
final class RegistrarTests {
    private let start = DigestBench.start
    private let registrar = SIPRegistrar(now: DigestBench.start)
    private let udp = SIPFlow(transport: .udp, remote: SocketAddress(IPAddress(v4: 0xC000_0207), port: 5060))

    private func tcp(_ name: UInt32) -> SIPFlow { SIPFlow(transport: .tcp, remote: udp.remote, local: name) }

    @discardableResult
    private func register(
        _ lines: String..., user: String = "101", cseq: Int = 1, callID: String = "c", over flow: SIPFlow? = nil,
        after seconds: Int = 0
    ) throws -> (status: UInt16, contacts: [String], change: SIPRegistrar.Change?, lines: String) {
        let request = try DigestBench.request(lines, cseq: cseq, callID: callID)
        let answer = registrar.register(request, user: user, over: flow ?? udp, now: start.advanced(by: .seconds(seconds)))
        let lines = answer.lines.bytes.text
        let contacts = lines.split(separator: "\r\n").filter { $0.hasPrefix("Contact: ") }.map { String($0.dropFirst(9)) }
        return (answer.status, contacts, answer.change, lines)
    }

    private func contacts(after seconds: Int = 0, of user: String = "101") -> [String] {
        registrar.bindings(of: user, at: start.advanced(by: .seconds(seconds))).map { $0.uri.written.text }
    }

    @Test func `a telephone comes, stays and goes`() throws {
        let came = try register("Contact: <sip:101@192.0.2.7:5060;ob>", "Expires: 120")
        #expect(
            came.status == 200 && came.contacts == ["<sip:101@192.0.2.7:5060;ob>;expires=120"]
                && came.change == .registered("101"))
        let stayed = try register("Contact: <sip:101@192.0.2.7:5060;ob>", "Expires: 120", cseq: 2, after: 60)
        #expect(stayed.contacts == ["<sip:101@192.0.2.7:5060;ob>;expires=120"] && stayed.change == nil)
        let went = try register("Contact: <sip:101@192.0.2.7:5060;ob>;expires=0", cseq: 3, after: 61)
        #expect(went.status == 200 && went.contacts.isEmpty && went.change == .gone("101"))
        #expect(registrar.userCount == 0 && registrar.bindingCount == 0 && registrar.nextDeadline == nil)
    }

    @Test func `a question changes nothing and tells the time that is left`() throws {
        try register("Contact: <sip:101@192.0.2.7>;expires=100")
        let answer = try register(cseq: 2, after: 30)
        #expect(answer.contacts == ["<sip:101@192.0.2.7>;expires=70"] && answer.change == nil)
        #expect(try register(user: "102").contacts.isEmpty)
        #expect(registrar.userCount == 1)
    }

    @Test func `the time of a Contact goes before that of the header, and both before ours`() throws {
        #expect(
            try register("Contact: <sip:a@192.0.2.7>;expires=90, <sip:b@192.0.2.7>", "Expires: 200").contacts.map { $0.suffix(3) }
                == ["=90", "200"])
        #expect(try register("Contact: <sip:c@192.0.2.8>", user: "102").contacts == ["<sip:c@192.0.2.8>;expires=600"])
        #expect(
            try register("Contact: <sip:c@192.0.2.8>;expires=4294967295", user: "103").contacts == [
                "<sip:c@192.0.2.8>;expires=3600"
            ])
    }

    @Test func `too short a time is refused with the least one, and changes nothing`() throws {
        let answer = try register("Contact: <sip:101@192.0.2.7>;expires=100, <sip:101@192.0.2.8>;expires=59")
        #expect(answer.status == 423 && answer.lines == "Min-Expires: 60\r\n" && answer.change == nil)
        #expect(contacts().isEmpty)
    }

    @Test(arguments: [("c", 1, UInt16(500)), ("c", 2, 500), ("c", 3, 200), ("another", 1, 200)])
    func `a request that was overtaken changes nothing`(callID: String, cseq: Int, status: UInt16) throws {
        try register("Contact: <sip:101@192.0.2.7>;expires=100", cseq: 2)
        let answer = try register("Contact: <sip:101@192.0.2.7>;expires=0", cseq: cseq, callID: callID)
        #expect(answer.status == status)
        #expect(contacts().isEmpty == (status == 200))
    }

    @Test func `a star takes all away, with a time of 0 alone`() throws {
        try register("Contact: <sip:a@192.0.2.7>, <sip:b@192.0.2.7>", cseq: 5)
        #expect(try register("Contact: *", cseq: 6).status == 400)
        #expect(try register("Contact: *", "Expires: 60", cseq: 6).status == 400)
        #expect(try register("Contact: *", "Expires: 0", cseq: 5).status == 500)
        #expect(contacts().count == 2)
        let answer = try register("Contact: *", "Expires: 0", cseq: 6)
        #expect(answer.status == 200 && answer.change == .gone("101"))
        #expect(registrar.bindingCount == 0)
    }

    @Test func `ten telephones are enough, in one request and in all`() throws {
        let eleven = (0...10).map { "<sip:101@192.0.2.\($0)>" }
        #expect(try register("Contact: " + eleven.joined(separator: ", ")).status == 403)
        #expect(try register("Contact: " + eleven.dropLast().joined(separator: ", ")).status == 200)
        #expect(try register("Contact: \(eleven[10])", cseq: 2).status == 403)
        #expect(try register("Contact: \(eleven[0]);expires=0, \(eleven[10])", cseq: 2).status == 200)
        #expect(contacts().count == 10)
    }

    @Test(arguments: ["tel:+79000000101", "mailto:a@example.com"])
    func `a Contact that no call can go to is refused`(uri: String) throws {
        #expect(try register("Contact: <\(uri)>").status == 400)
    }

    @Test func `equal URIs are one telephone, however they are written`() throws {
        try register("Contact: <sip:%31%30%31@PHONE.test;Transport=TCP>")
        try register("Contact: <sip:101@phone.test;transport=tcp>", cseq: 2)
        #expect(contacts().count == 1)
    }

    @Test func `a request that names one telephone twice is no older than itself`() throws {
        try register("Contact: <sip:101@192.0.2.7>")
        let answer = try register("Contact: <sip:101@192.0.2.7>;expires=0, <sip:101@192.0.2.7;ob>;expires=90", cseq: 2)
        #expect(answer.status == 200 && answer.contacts == ["<sip:101@192.0.2.7;ob>;expires=90"])
        let twice = try register("Contact: <sip:101@192.0.2.7>;expires=90, <sip:101@192.0.2.7>;expires=100", cseq: 3)
        #expect(twice.status == 200 && twice.contacts == ["<sip:101@192.0.2.7>;expires=100"])
    }

    @Test func `each telephone has the way by which it came`() throws {
        try register("Contact: <sip:a@192.0.2.7>")
        try register("Contact: <sip:b@192.0.2.7>", cseq: 2, over: tcp(7))
        #expect(registrar.bindings(of: "101", at: start).map(\.flow) == [udp, tcp(7)])
        #expect(registrar.has(tcp(7), user: "101") && !registrar.has(tcp(8), user: "101"))
    }

    // MARK: Time and ways

    @Test func `what is over is told of once, telephone by telephone`() throws {
        try register("Contact: <sip:a@192.0.2.7>;expires=100, <sip:b@192.0.2.7>;expires=200")
        try register("Contact: <sip:c@192.0.2.7>;expires=150", user: "102")
        #expect(registrar.advance(to: start.advanced(by: .seconds(99))).isEmpty)
        #expect(registrar.advance(to: start.advanced(by: .seconds(102))).isEmpty)
        #expect(contacts(after: 102) == ["sip:b@192.0.2.7"] && registrar.bindingCount == 2)
        #expect(
            registrar.advance(to: start.advanced(by: .seconds(300))).map { "\($0)" }.sorted() == [
                "gone(\"101\")", "gone(\"102\")",
            ])
        #expect(registrar.nextDeadline == nil && registrar.bindingCount == 0)
    }

    @Test func `the deadline is when the first one is over`() throws {
        try register("Contact: <sip:a@192.0.2.7>;expires=3600")
        var now = start
        for _ in 0..<10 {
            guard let deadline = registrar.nextDeadline else { break }
            #expect(deadline > now)
            now = deadline
            _ = registrar.advance(to: now)
        }
        #expect(registrar.userCount == 0)
        #expect((3600...3602).contains(now.duration(since: start).components.seconds))
    }

    @Test func `who asks when his time is just over is told of as gone`() throws {
        try register("Contact: <sip:a@192.0.2.7>;expires=60")
        #expect(try register(cseq: 2, after: 60).change == .gone("101"))
        #expect(registrar.advance(to: start.advanced(by: .seconds(100))).isEmpty)
    }

    @Test func `who comes again when his time is just over never was away`() throws {
        try register("Contact: <sip:a@192.0.2.7>;expires=60")
        #expect(try register("Contact: <sip:a@192.0.2.7>;expires=60", cseq: 2, after: 60).change == nil)
        #expect(contacts(after: 61).count == 1)
    }

    @Test func `a connection that ends takes along who came by it, and nobody else`() throws {
        try register("Contact: <sip:a@192.0.2.7>", over: tcp(1))
        try register("Contact: <sip:a@192.0.2.7>", user: "102", over: tcp(1))
        try register("Contact: <sip:b@192.0.2.7>", user: "102", over: tcp(2))
        try register("Contact: <sip:c@192.0.2.7>", user: "103")
        #expect(registrar.lost(tcp(1)) == [.gone("101")])
        #expect(registrar.lost(tcp(1)).isEmpty && registrar.lost(udp).isEmpty)
        #expect(registrar.lost(tcp(2)) == [.gone("102")])
        #expect(registrar.bindingCount == 1 && contacts(of: "103").count == 1)
    }

    @Test func `a telephone that moved to another connection survives the end of its first`() throws {
        try register("Contact: <sip:a@192.0.2.7>", over: tcp(1))
        try register("Contact: <sip:a@192.0.2.7>", cseq: 2, over: tcp(2))
        #expect(registrar.lost(tcp(1)).isEmpty)
        #expect(contacts().count == 1)
    }
}
