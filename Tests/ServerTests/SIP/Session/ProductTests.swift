import Testing

@testable import SIP

/// How a user agent names itself.
struct ProductTests {
    @Test func `requests and answers that grant something tell the product, refusals do not`() throws {
        let bench = SessionBench { $0.product = Array("Exchange 1".utf8) }
        let (alice, _) = try bench.talk()
        bench.alice.agent.hangUp(alice, now: bench.now)
        bench.settle()
        #expect(!bench.alice.sent.isEmpty)
        for message in bench.alice.sent { #expect(message.value(.userAgent)?.elementsEqual("Exchange 1".utf8) == true) }
        let granted = bench.bob.sent.filter { $0.status >= 200 }
        #expect(granted.count == 2)
        for message in granted { #expect(message.value(.server)?.elementsEqual("Exchange 1".utf8) == true) }
        try bench.call()
        let bob = try #require(bench.admit())
        bench.bob.agent.reject(bob, 486, now: bench.now)
        bench.settle()
        #expect(bench.bob.sent.last?.status == 486)
        #expect(bench.bob.sent.last?.value(.server) == nil)
    }

    @Test func `without a name nothing is told`() throws {
        let bench = SessionBench()
        _ = try bench.talk()
        for message in bench.alice.sent + bench.bob.sent {
            #expect(message.value(.userAgent) == nil)
            #expect(message.value(.server) == nil)
        }
    }
}
