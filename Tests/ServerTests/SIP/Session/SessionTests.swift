import NetworkTypes
import Testing

@testable import SIP

/// Calls between two user agents: beginning, end, and everything that crosses.
struct SessionTests {
    private static let transports: [SIPFlow.Transport] = [.udp, .tcp]

    @Test(arguments: transports) func `a call is answered, and hung up by the caller`(transport: SIPFlow.Transport) throws {
        let bench = SessionBench(over: transport)
        let (alice, _) = try bench.talk()
        #expect(bench.alice.words == ["answer answer", "accepted"])
        #expect(bench.bob.words == ["request INVITE", "confirmed"])
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        #expect(bench.bob.words.last == "ended peer")
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `a call is hung up by the called`() throws {
        let bench = SessionBench()
        let (_, bob) = try bench.talk()
        bench.bob.agent.hangUp(bob, now: bench.now)
        bench.settle()
        #expect(bench.alice.words.last == "ended peer")
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `a call rings, and is refused`() throws {
        let bench = SessionBench()
        try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 180, now: bench.now)
        bench.settle()
        bench.bob.agent.reject(bob, 486, now: bench.now)
        bench.settle()
        #expect(bench.alice.words == ["progress 180", "refused 486"])
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `a call that rings is taken back`() throws {
        let bench = SessionBench()
        let alice = try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 180, now: bench.now)
        bench.settle()
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        #expect(bench.bob.words.last == "cancelled")
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
        #expect(!bench.alice.words.contains { $0.hasPrefix("refused") })
    }

    @Test func `a 200 that crosses the CANCEL is acknowledged and ended`() throws {
        let bench = SessionBench()
        let alice = try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 180, now: bench.now)
        bench.settle()
        bench.bob.agent.accept(bob, session: Array("answer".utf8), now: bench.now)
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        #expect(bench.bob.words.contains("ended peer") || bench.bob.words.contains("confirmed"))
        #expect(bench.bob.words.last == "ended peer")
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `a 200 is sent again until its ACK is there`() throws {
        let bench = SessionBench()
        var lost = 0
        bench.alice.loses = {
            guard $0.method == .ack, lost < 3 else { return false }
            lost += 1
            return true
        }
        _ = try bench.talk()
        bench.wait(.seconds(6))
        #expect(bench.bob.words.last == "confirmed")
        #expect(bench.bob.sent.filter { $0.status == 200 && $0.method == .invite }.count == 4)
        #expect(bench.alice.words == ["answer answer", "accepted"])
    }

    @Test func `a call whose 200 nobody acknowledges is ended by the called`() throws {
        let bench = SessionBench()
        bench.alice.loses = { $0.method == .ack }
        _ = try bench.talk()
        bench.wait(.seconds(33))
        #expect(bench.bob.words.last == "ended unacknowledged")
        #expect(bench.alice.words.last == "ended peer")
        bench.wait(.seconds(80))
        #expect(bench.isEmpty)
    }

    @Test func `BYE before the ACK is sent waits for it`() throws {
        let bench = SessionBench()
        bench.alice.loses = { $0.method == .ack }
        let (_, bob) = try bench.talk()
        bench.bob.agent.hangUp(bob, now: bench.now)
        bench.settle()
        #expect(!bench.bob.sent.contains { $0.method == .bye })
        bench.alice.loses = { _ in false }
        bench.wait(.seconds(1))
        #expect(bench.bob.sent.contains { $0.isRequest && $0.method == .bye })
        #expect(bench.alice.words.last == "ended peer")
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `both hang up at once`() throws {
        let bench = SessionBench()
        let (alice, bob) = try bench.talk()
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.bob.agent.hangUp(bob, now: bench.now)
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
        #expect(!bench.alice.words.contains { $0.hasPrefix("ended") })
    }

    @Test func `nobody answers at all`() throws {
        let bench = SessionBench()
        bench.alice.loses = { _ in true }
        try bench.call()
        bench.wait(.seconds(40))
        #expect(bench.alice.words == ["refused 408"])
        #expect(bench.isEmpty)
    }

    @Test func `an extension that is not ours is refused with its name`() throws {
        let bench = SessionBench()
        try bench.call { try? $0.lines.add(.require, "telepathy") }
        #expect(bench.admit() == nil)
        #expect(bench.alice.words == ["refused 420"])
        let refusal = try #require(bench.bob.sent.last)
        #expect(refusal.value(.unsupported).map { String(decoding: $0, as: UTF8.self) } == "telepathy")
    }

    @Test func `answers keep the way of proxies that recorded themselves`() throws {
        let bench = SessionBench()
        try bench.call { try? $0.lines.add(.recordRoute, "<sip:proxy.example.test;lr>") }
        let bob = try #require(bench.admit())
        bench.bob.agent.accept(bob, session: Array("answer".utf8), now: bench.now)
        bench.settle()
        bench.bob.agent.hangUp(bob, now: bench.now)
        bench.settle()
        let bye = try #require(bench.bob.sent.last { $0.isRequest })
        #expect(bye.value(.route).map { String(decoding: $0, as: UTF8.self) } == "<sip:proxy.example.test;lr>")
        #expect(bench.bob.sent.contains { $0.status == 200 && $0.has(.recordRoute) })
    }
}

/// Offers and answers of two user agents.
struct OfferTests {
    private func talk(_ bench: SessionBench) throws -> (SIPLegID, SIPLegID) {
        let legs = try bench.talk()
        bench.alice.told = []
        bench.bob.told = []
        return legs
    }

    @Test func `a new offer is answered`() throws {
        let bench = SessionBench()
        let (alice, bob) = try talk(bench)
        bench.alice.agent.offer(alice, session: Array("hold".utf8), now: bench.now)
        bench.settle()
        #expect(bench.bob.words == ["offer hold"])
        bench.bob.agent.answer(offerOf: bob, session: Array("held".utf8), now: bench.now)
        bench.settle()
        #expect(bench.alice.words == ["answer held"])
    }

    @Test func `a refused offer leaves the session`() throws {
        let bench = SessionBench()
        let (alice, bob) = try talk(bench)
        bench.alice.agent.offer(alice, session: Array("video".utf8), now: bench.now)
        bench.settle()
        bench.bob.agent.refuse(offerOf: bob, now: bench.now)
        bench.settle()
        #expect(bench.alice.words == ["offer refused 488"])
        bench.bob.agent.hangUp(bob, now: bench.now)
        bench.wait(.seconds(40))
        #expect(bench.isEmpty)
    }

    @Test func `of two offers at once both come through in the end`() throws {
        let bench = SessionBench()
        let (alice, bob) = try talk(bench)
        bench.alice.agent.offer(alice, session: Array("a".utf8), now: bench.now)
        bench.bob.agent.offer(bob, session: Array("b".utf8), now: bench.now)
        for _ in 0..<30 {
            bench.wait(.milliseconds(500))
            if let word = bench.bob.words.last, word == "offer a" {
                bench.bob.agent.answer(offerOf: bob, session: Array("a2".utf8), now: bench.now)
            }
            if let word = bench.alice.words.last, word == "offer b" {
                bench.alice.agent.answer(offerOf: alice, session: Array("b2".utf8), now: bench.now)
            }
        }
        #expect(bench.alice.words.contains("answer a2"))
        #expect(bench.bob.words.contains("answer b2"))
        #expect(bench.alice.sent.contains { $0.status == 491 } || bench.bob.sent.contains { $0.status == 491 })
    }

    @Test func `of several offers that wait the last one is made`() throws {
        let bench = SessionBench()
        let (alice, bob) = try talk(bench)
        for text in ["1", "2", "3"] { bench.alice.agent.offer(alice, session: Array(text.utf8), now: bench.now) }
        bench.settle()
        bench.bob.agent.answer(offerOf: bob, session: Array("x".utf8), now: bench.now)
        bench.settle()
        bench.bob.agent.answer(offerOf: bob, session: Array("y".utf8), now: bench.now)
        bench.settle()
        #expect(bench.bob.words == ["offer 1", "offer 3"])
        #expect(bench.alice.words == ["answer x", "answer y"])
    }

    @Test func `a reliable 183 with an answer is acknowledged, and the 200 repeats no session`() throws {
        let bench = SessionBench()
        try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 183, session: Array("early".utf8), now: bench.now)
        bench.settle()
        bench.bob.agent.accept(bob, session: Array("early".utf8), now: bench.now)
        bench.settle()
        #expect(bench.alice.words == ["answer early", "progress 183", "accepted"])
        #expect(bench.alice.sent.contains { $0.isRequest && $0.method == .prack })
        #expect(bench.bob.sent.last { $0.status == 200 && $0.method == .invite }?.body.isEmpty == true)
    }

    @Test func `a reliable 183 goes out again until its PRACK is there, and the 200 waits for that`() throws {
        let bench = SessionBench()
        bench.alice.loses = { $0.method == .prack }
        try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.progress(bob, 183, session: Array("early".utf8), now: bench.now)
        bench.settle()
        bench.bob.agent.accept(bob, session: Array("early".utf8), now: bench.now)
        bench.wait(.seconds(4))
        #expect(bench.bob.sent.filter { $0.status == 183 }.count > 2)
        #expect(!bench.alice.words.contains("accepted"))
        bench.alice.loses = { _ in false }
        bench.wait(.seconds(8))
        #expect(bench.alice.words.last == "accepted")
        #expect(bench.alice.words.filter { $0 == "progress 183" }.count == 1)
    }

    @Test func `a call without an offer gets ours, and its answer comes with the ACK`() throws {
        let bench = SessionBench()
        try bench.call("")
        let bob = try #require(bench.admit())
        bench.bob.agent.accept(bob, session: Array("our offer".utf8), now: bench.now)
        bench.settle()
        // Alice's side makes no answer of its own accord: who sends no offer is a telephone, not this PBX.
        #expect(bench.alice.words == ["answer our offer", "accepted"])
        #expect(bench.bob.words.contains("confirmed"))
    }
}

/// Session timers, INFO and referrals.
struct SessionServiceTests {
    @Test func `the session is refreshed in time, and lives on`() throws {
        let bench = SessionBench { $0.sessionTimer.wished = 90 }
        _ = try bench.talk()
        bench.wait(.seconds(300))
        let refreshes = (bench.alice.sent + bench.bob.sent).filter { $0.isRequest && $0.method == .update }
        #expect(refreshes.count == 6)
        #expect(!bench.alice.words.contains { $0.hasPrefix("ended") })
        #expect(!bench.bob.words.contains { $0.hasPrefix("ended") })
    }

    @Test func `a session that nobody refreshes ends`() throws {
        let bench = SessionBench { $0.sessionTimer.wished = 90 }
        _ = try bench.talk()
        bench.alice.loses = { _ in true }
        bench.bob.loses = { _ in true }
        bench.wait(.seconds(200))
        #expect((bench.alice.words + bench.bob.words).filter { $0.hasPrefix("ended") }.count == 2)
        bench.wait(.seconds(100))
        #expect(bench.isEmpty)
    }

    @Test func `a session that is too short is made longer`() throws {
        let bench = SessionBench { $0.sessionTimer.least = 180 }
        try bench.call { $0.sessionInterval = 100 }
        #expect(bench.admit() != nil)
    }

    @Test func `keys come by INFO`() throws {
        let bench = SessionBench()
        let (alice, _) = try bench.talk()
        bench.alice.agent.inform(alice, contentType: "application/dtmf-relay", body: Array("Signal=5".utf8), now: bench.now)
        bench.settle()
        #expect(bench.bob.words.last == "info Signal=5")
    }

    @Test func `a referral is taken on, and told of until it is over`() throws {
        let bench = SessionBench()
        let (alice, bob) = try bench.talk()
        bench.alice.agent.refer(alice, to: try SIPURI("sip:carol@example.test"), now: bench.now)
        bench.settle()
        guard case .referred(_, let referral)? = bench.bob.told.last else {
            Issue.record("no referral")
            return
        }
        #expect(String(decoding: referral.target.written, as: UTF8.self) == "sip:carol@example.test")
        bench.bob.agent.answer(referral: referral.id, of: bob, 202, now: bench.now)
        bench.settle()
        bench.bob.agent.tell(referral: referral.id, of: bob, 200, now: bench.now)
        bench.settle()
        #expect(bench.alice.words.suffix(2) == ["referral 100", "referral 200 over"])
    }

    @Test func `a referral names the call that it takes the place of`() throws {
        let bench = SessionBench()
        let (alice, _) = try bench.talk()
        let (other, otherAtBob) = try bench.talk()
        bench.alice.agent.refer(alice, to: try SIPURI("sip:bob@192.0.2.1:5070"), replacing: other, now: bench.now)
        bench.settle()
        guard case .referred(_, let referral)? = bench.bob.told.last, let replaces = referral.replaces else {
            Issue.record("no referral")
            return
        }
        #expect(bench.bob.agent.leg(replacedBy: replaces) == otherAtBob)
    }

    @Test func `a legs's name is never used again`() throws {
        let bench = SessionBench()
        let (first, _) = try bench.talk()
        bench.alice.agent.hangUp(first, now: bench.now)
        bench.wait(.seconds(40))
        let (second, _) = try bench.talk()
        #expect(first != second)
        bench.alice.agent.hangUp(first, now: bench.now)
        bench.settle()
        #expect(bench.bob.words.last == "confirmed")
    }
}
