import NetworkTypes
import Testing

@testable import SIP

/// Who proves himself, who is to try again, and who is turned away.
struct DigestServerTests {
    private let server = SIPDigestServer(realm: "pbx.test", key: Array("a key of this test".utf8))
    private let start = DigestBench.start

    /// What a telephone sends after a challenge of ours.
    private func request(
        _ client: SIPDigestClient, challenged: Bool = true, at now: MonotonicInstant = DigestBench.start,
        method: SIPMethod = .register,
        uri: String = "sip:pbx.test", target: String? = nil, _ change: (String) -> String = { $0 }
    ) throws -> SIPMessage {
        let uriRead = try SIPURI(Array(uri.utf8))
        let lines =
            challenged
            ? client.answer(try challenge(at: now), method: method, uri: uriRead) : client.advance(method: method, uri: uriRead)
        let written = change(try #require(lines).bytes.text).split(separator: "\r\n").map { String($0) }
        return try DigestBench.request(written, method: method.rawValue, uri: target ?? uri)
    }

    private func challenge(at now: MonotonicInstant) throws -> SIPMessage {
        let lines = server.challenge(isStale: false, at: now).bytes.text.split(separator: "\r\n").map { String($0) }
        return try DigestBench.response(401, lines)
    }

    private func judge(_ request: SIPMessage, at now: MonotonicInstant = DigestBench.start) -> SIPDigestServer.Verdict {
        server.judge(request, at: now) { $0 == "79000000030" ? "made-up-pass-1" : nil }
    }

    /// A telephone of RFC 2069: it passes over `qop`.
    private func oldRequest(
        method: SIPMethod = .invite, uri: String, target: String, at now: MonotonicInstant = DigestBench.start
    ) throws
        -> SIPMessage
    {
        let lines = server.challenge(isStale: false, at: now).bytes.text.replacingQOP()
        let response = try DigestBench.response(401, lines.split(separator: "\r\n").map { String($0) })
        let answer = try #require(DigestBench.client().answer(response, method: method, uri: try SIPURI(Array(uri.utf8))))
        return try DigestBench.request([String(answer.bytes.text.dropLast(1))], method: method.rawValue, uri: target)
    }

    @Test func `a request without credentials, or with those of another realm, is challenged`() throws {
        #expect(judge(try DigestBench.request([])) == .challenge(isStale: false))
        let foreign = #"Authorization: Digest username="a", realm="elsewhere", nonce="n", uri="sip:x", response="r""#
        #expect(judge(try DigestBench.request([foreign])) == .challenge(isStale: false))
        #expect(judge(try DigestBench.request(["Authorization: Basic QQ=="])) == .challenge(isStale: false))
    }

    @Test func `who knows the password is accepted, and goes on without being asked again`() throws {
        let client = DigestBench.client()
        #expect(judge(try request(client)) == .accepted("79000000030"))
        #expect(judge(try request(client, challenged: false)) == .accepted("79000000030"))
    }

    @Test func `SHA-256 is offered first where wished, and accepted`() throws {
        let server = SIPDigestServer(realm: "pbx.test", key: [1], offersSHA256: true)
        let lines = server.challenge(isStale: false, at: start).bytes.text.split(separator: "\r\n").map { String($0) }
        #expect(lines.map { $0.contains("algorithm=SHA-256") } == [true, false])
        let answer = DigestBench.client().answer(
            try DigestBench.response(401, lines), method: .register, uri: try SIPURI(Array("sip:x".utf8)))
        let line = String(try #require(answer).bytes.text.dropLast(1))
        #expect(line.contains("algorithm=SHA-256"))
        #expect(server.judge(try DigestBench.request([line]), at: start) { _ in "made-up-pass-1" } == .accepted("79000000030"))
    }

    @Test func `a wrong password and an unknown user are refused alike`() throws {
        #expect(judge(try request(DigestBench.client(password: "wrong"))) == .refused("79000000030"))
        #expect(server.judge(try request(DigestBench.client()), at: start) { _ in nil } == .refused("79000000030"))
    }

    @Test func `nobody is let in by the password that stands for none`() throws {
        let client = DigestBench.client(password: "nobody has this password")
        #expect(server.judge(try request(client), at: start) { _ in nil } == .refused("79000000030"))
    }

    @Test func `credentials for another method are refused`() throws {
        let line = try request(DigestBench.client()).value(.authorization).map { $0.text } ?? ""
        #expect(judge(try DigestBench.request(["Authorization: \(line)"], method: "INVITE")) == .refused("79000000030"))
    }

    @Test func `a count comes once, in whatever order`() throws {
        let client = DigestBench.client()
        let first = try request(client)
        let second = try request(client, challenged: false)
        let third = try request(client, challenged: false)
        #expect(judge(third) == .accepted("79000000030"))
        #expect(judge(first) == .accepted("79000000030"))
        for repeated in [first, third] { #expect(judge(repeated) == .challenge(isStale: true)) }
        #expect(judge(second) == .accepted("79000000030"))
    }

    @Test func `who is challenged at the same moment as another counts for himself`() throws {
        let (one, two) = (DigestBench.client(), DigestBench.client())
        let requests = [try request(one), try request(two)]
        #expect(requests.map { judge($0) } == [.accepted("79000000030"), .accepted("79000000030")])
    }

    @Test func `an old nonce is stale, with the right password only`() throws {
        let late = start.advanced(by: .seconds(301))
        #expect(judge(try request(DigestBench.client()), at: start.advanced(by: .seconds(300))) == .accepted("79000000030"))
        #expect(judge(try request(DigestBench.client()), at: late) == .challenge(isStale: true))
        #expect(judge(try request(DigestBench.client(password: "wrong")), at: late) == .refused("79000000030"))
        #expect(server.challenge(isStale: true, at: late).bytes.text.contains("stale=true"))
    }

    @Test func `a nonce of another process is challenged`() throws {
        let request = try request(DigestBench.client())
        let other = SIPDigestServer(realm: "pbx.test", key: [2])
        #expect(other.judge(request, at: start) { _ in "made-up-pass-1" } == .challenge(isStale: false))
    }

    @Test(arguments: [
        ("nc=00000001", "nc=00000000"), ("nc=00000001", "nc=000000001"), ("nc=00000001", "nc=ffffffffffffffffffff"),
        ("nc=00000001", "nc=x"),
        ("qop=auth", "qop=auth-int"), ("cnonce=\"1\"", "cnonce=\"2\""), ("algorithm=MD5", "algorithm=SHA-256"),
    ])
    func `what was changed on the way is refused`(original: String, changed: String) throws {
        let request = try request(DigestBench.client()) { $0.replacing(original, with: changed) }
        #expect(judge(request) == .refused("79000000030"))
    }

    @Test(arguments: ["username", "nonce", "uri", "response"])
    func `credentials that lack a part are challenged`(name: String) throws {
        let request = try request(DigestBench.client()) { $0.replacing("\(name)=", with: "x-\(name)=") }
        #expect(judge(request) == .challenge(isStale: false))
    }

    @Test func `credentials without qop are for their own target only`() throws {
        let honest = try oldRequest(uri: "sip:101@pbx.test", target: "sip:101@pbx.test")
        #expect(judge(honest) == .accepted("79000000030"))
        let stolen = try oldRequest(uri: "sip:101@pbx.test", target: "sip:+79000000999@pbx.test")
        #expect(judge(stolen) == .refused("79000000030"))
    }

    @Test func `forgotten counts let nothing come again`() {
        var counts = SIPNonceCounts(limit: 2)
        let nonces = (0..<7).map { ([UInt8($0)], start.advanced(by: .seconds($0))) }
        for (nonce, made) in nonces {
            let isTaken = counts.take(1, of: nonce, madeAt: made)
            #expect(isTaken)
            #expect(counts.count <= 4)
        }
        for (nonce, made) in nonces {
            let isTaken = counts.take(1, of: nonce, madeAt: made)
            #expect(!isTaken)
        }
        let isNewer = counts.take(2, of: [6], madeAt: nonces[6].1)
        #expect(isNewer)
    }

    @Test func `a count far behind the highest is old`() {
        var counts = SIPNonceCounts()
        for (count, isNew) in [(UInt32(100), true), (37, true), (36, false), (37, false), (.max, true), (99, false), (0, false)] {
            let isTaken = counts.take(count, of: [1], madeAt: start)
            #expect(isTaken == isNew)
        }
    }
}

extension String {
    fileprivate func replacingQOP() -> String { replacing(#", qop="auth""#, with: "") }
}
