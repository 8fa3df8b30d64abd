import NetworkTypes
import Testing

@testable import SIP

/// What crosses on the wire, and what never comes (RFC 5407): whatever waits ends with its call, and a call does not end with what waits.
struct SessionRaceTests {
    @Test func `an UPDATE that finds the call over gets 481`() throws {
        let bench = SessionBench()
        let (alice, bob) = try bench.talk()
        bench.alice.loses = { $0.isRequest && $0.method == .bye }
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        try bench.say(.update, number: 1, from: bench.bob, bob, body: "another")
        #expect(bench.alice.sent.last?.status == 481)
        #expect(!bench.alice.words.contains("offer another"))
        bench.alice.loses = { _ in false }
        bench.wait(.seconds(40))
        #expect(bench.bob.words.last == "ended peer")
        #expect(bench.isEmpty)
    }

    @Test func `a referral that nobody answers is refused when the call ends`() throws {
        let bench = SessionBench()
        let (alice, bob) = try bench.talk()
        bench.alice.agent.refer(alice, to: try SIPURI("sip:carol@example.test"), now: bench.now)
        bench.settle()
        bench.bob.agent.hangUp(bob, now: bench.now)
        bench.settle()
        #expect(bench.bob.sent.contains { $0.status == 487 && $0.method == .refer })
        #expect(bench.alice.words.contains("referral 487 over"))
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `an offer that nobody answers is refused when the session expires`() throws {
        let bench = SessionBench { $0.sessionTimer.wished = 90 }
        let (_, bob) = try bench.talk()
        bench.bob.agent.offer(bob, session: Array("hold".utf8), now: bench.now)
        bench.settle()
        bench.bob.loses = { $0.isRequest }
        bench.wait(.seconds(70))
        #expect(bench.bob.words.last == "ended expired")
        #expect(bench.alice.words.last == "offer hold")
        bench.bob.loses = { _ in false }
        bench.wait(.seconds(100))
        #expect(bench.alice.sent.contains { $0.status == 487 })
        #expect(bench.isEmpty)
    }

    @Test func `an offer that has a 100 and no more does not outlive its call`() throws {
        let bench = SessionBench()
        let (alice, bob) = try bench.talk()
        bench.alice.agent.offer(alice, session: Array("hold".utf8), now: bench.now)
        bench.wait(.seconds(1))
        #expect(bench.bob.sent.last?.status == 100)
        bench.bob.loses = { $0.status != 200 || $0.method != .bye }
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.wait(.seconds(40))
        #expect(bench.alice.agent.isEmpty)
        #expect(bench.bob.agent.leg(bob) == nil)
        #expect(!bench.alice.words.contains { $0.hasPrefix("ended") })
    }

    @Test func `news of an offer does not come behind the end of its call`() throws {
        let bench = SessionBench()
        let (alice, _) = try bench.talk()
        bench.alice.agent.offer(alice, session: Array("hold".utf8), now: bench.now)
        bench.settle()
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        #expect(bench.bob.sent.contains { $0.status == 487 })
        #expect(!bench.alice.words.contains { $0.hasPrefix("offer refused") })
    }

    @Test func `a fork that was let go after a PRACK gets a BYE that it takes`() throws {
        let bench = SessionBench()
        let alice = try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 183, session: Array("early".utf8), now: bench.now)
        bench.settle()
        bench.bob.agent.accept(bob, session: [], now: bench.now)
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        #expect(bench.bob.words.last == "ended peer")
        #expect(!bench.bob.sent.contains { $0.status == 500 })
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `a PRACK that comes behind the 200 is answered, and the call goes on`() throws {
        let bench = SessionBench()
        bench.alice.loses = { $0.method == .prack }
        try bench.call { try? $0.lines.add(.require, "100rel") }
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 180, now: bench.now)
        bench.settle()
        bench.bob.agent.accept(bob, session: Array("answer".utf8), now: bench.now)
        bench.settle()
        bench.alice.loses = { _ in false }
        bench.wait(.seconds(40))
        #expect(bench.bob.sent.contains { $0.status == 200 && $0.method == .prack })
        #expect(bench.alice.words.last == "accepted")
        #expect(bench.bob.words.last == "confirmed")
    }

    @Test func `a PRACK that finds nothing ends no call`() throws {
        let bench = SessionBench()
        bench.alice.loses = { $0.method == .prack }
        try bench.call { try? $0.lines.add(.require, "100rel") }
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 180, now: bench.now)
        bench.settle()
        let prack = try #require(bench.alice.sent.last { $0.method == .prack })
        bench.bob.agent.accept(bob, session: Array("answer".utf8), now: bench.now)
        bench.settle()
        try bench.answer(481, to: prack, at: bench.alice)
        #expect(bench.alice.words.last == "accepted")
    }

    @Test func `a peer that wants no news of its referral stays in the call`() throws {
        let bench = SessionBench()
        let (alice, bob) = try bench.talk()
        bench.alice.agent.refer(alice, to: try SIPURI("sip:carol@example.test"), now: bench.now)
        bench.settle()
        guard case .referred(_, let referral)? = bench.bob.told.last else {
            Issue.record("no referral")
            return
        }
        bench.bob.loses = { $0.isRequest && $0.method == .notify }
        bench.bob.agent.answer(referral: referral.id, of: bob, 202, now: bench.now)
        bench.settle()
        try bench.answer(481, to: try #require(bench.bob.sent.last { $0.isRequest && $0.method == .notify }), at: bench.bob)
        #expect(bench.bob.words.last == "referred")
        let before = bench.bob.sent.count
        bench.bob.agent.tell(referral: referral.id, of: bob, 200, now: bench.now)
        bench.settle()
        #expect(bench.bob.sent.count == before)
    }

    @Test func `a session whose refresh had to wait is refreshed all the same`() throws {
        let bench = SessionBench { $0.sessionTimer.wished = 90 }
        let (alice, bob) = try bench.talk()
        bench.bob.agent.offer(bob, session: Array("video".utf8), now: bench.now)
        bench.wait(.seconds(47))
        #expect(!bench.alice.sent.contains { $0.isRequest && $0.method == .update })
        bench.alice.agent.refuse(offerOf: alice, now: bench.now)
        bench.wait(.seconds(100))
        #expect(bench.alice.sent.contains { $0.isRequest && $0.method == .update })
        #expect(!(bench.alice.words + bench.bob.words).contains { $0.hasPrefix("ended") })
    }

    @Test(arguments: [UInt16(405), 501]) func `a peer without UPDATE after all is refreshed by INVITE`(status: UInt16) throws {
        let bench = SessionBench { $0.sessionTimer.wished = 90 }
        _ = try bench.talk()
        bench.alice.loses = { $0.method == .update }
        bench.wait(.seconds(45))
        try bench.answer(status, to: try #require(bench.alice.sent.last { $0.method == .update }), at: bench.alice)
        #expect(bench.alice.sent.last?.method == .invite)
        #expect(bench.bob.words.last == "offer offer")
    }

    @Test func `the ACK proves as much as its INVITE`() throws {
        let bench = SessionBench()
        let authorizer = SimulatedAuthorizer()
        try bench.call { $0.authorizer = authorizer }
        guard case .request(let message, let transaction, _)? = bench.bob.told.last else {
            Issue.record("no call came")
            return
        }
        var lines = SIPFieldLines()
        lines.add(.wwwAuthenticate, fixed: "Digest realm=\"made-up\", nonce=\"1\"")
        bench.bob.agent.respond(401, to: message, transaction, lines, now: bench.now)
        bench.settle()
        let bob = try #require(bench.admit())
        bench.bob.agent.accept(bob, session: Array("answer".utf8), now: bench.now)
        bench.settle()
        let ack = try #require(bench.alice.sent.last)
        #expect(ack.method == .ack)
        #expect(ack.has(.authorization))
        #expect(bench.bob.words.last == "confirmed")
    }
}

/// A call that several answer (RFC 3261 §13.2.2.4): the first one has it, the others get ACK and BYE.
struct SessionForkTests {
    /// A call of Alice's that Bob has, and the 200 of another one.
    private func forked(_ bench: SessionBench, authorizer: SimulatedAuthorizer? = nil) throws -> (SIPLegID, SIPMessage) {
        let alice = try bench.call { $0.authorizer = authorizer }
        let bob = try #require(bench.admit())
        bench.bob.agent.accept(bob, session: Array("answer".utf8), now: bench.now)
        bench.settle()
        return (alice, try #require(bench.alice.sent.first { $0.method == .invite }))
    }

    private func answer(_ invite: SIPMessage, _ bench: SessionBench) throws {
        try bench.answer(200, to: invite, tag: "second", [(.contact, "<sip:second@192.0.2.9>")], at: bench.alice)
    }

    private func sent(_ method: SIPMethod, toSecond bench: SessionBench) -> [SIPMessage] {
        bench.alice.sent.filter {
            $0.isRequest && $0.method == method && $0.toTag.map { $0.elementsEqual("second".utf8) } ?? false
        }
    }

    @Test func `each 200 of a second fork gets its ACK, and the fork one BYE`() throws {
        let bench = SessionBench()
        bench.alice.loses = { $0.toTag.map { $0.elementsEqual("second".utf8) } ?? false }
        let (_, invite) = try forked(bench)
        for _ in 0..<3 { try answer(invite, bench) }
        #expect(sent(.ack, toSecond: bench).count == 3)
        #expect(Set(sent(.bye, toSecond: bench).map(\.cseq)) == [2])
        #expect(bench.alice.words == ["answer answer", "accepted"])
        #expect(bench.bob.words.last == "confirmed")
    }

    @Test func `a fork that wants a password for its BYE gets it, and the call stays`() throws {
        let bench = SessionBench()
        let authorizer = SimulatedAuthorizer()
        bench.alice.loses = { $0.toTag.map { $0.elementsEqual("second".utf8) } ?? false }
        let (alice, invite) = try forked(bench, authorizer: authorizer)
        try answer(invite, bench)
        let bye = try #require(sent(.bye, toSecond: bench).last)
        try bench.answer(401, to: bye, [(.wwwAuthenticate, "Digest realm=\"made-up\", nonce=\"1\"")], at: bench.alice)
        let again = try #require(sent(.bye, toSecond: bench).last)
        #expect(again.cseq == 3)
        #expect(again.has(.authorization))
        #expect(bench.bob.words.last == "confirmed")
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.wait(.seconds(40))
        #expect(bench.bob.words.last == "ended peer")
        #expect(bench.isEmpty)
    }
}
