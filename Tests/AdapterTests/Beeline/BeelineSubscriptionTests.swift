import BeelineAdapter
import Connector
import Testing

@Suite struct BeelineSubscriptionTests {
    private static func at(_ second: Int) -> Instant { Instant(unixSeconds: 1_795_000_000 + Int64(second)) }

    private static func grant(_ id: String = "a", _ seconds: Int = 86_400) -> BeelineGrant {
        BeelineGrant(id: id, duration: .seconds(seconds))
    }

    /// A subscription that was granted at second 0.
    private static func held(_ grant: BeelineGrant = grant()) -> BeelineSubscription {
        var subscription = BeelineSubscription(at: at(0))
        #expect(subscription.step(at: at(0)) == .ask)
        subscription.granted(grant, at: at(0))
        return subscription
    }

    @Test func `it is asked for at once, and once`() {
        var subscription = BeelineSubscription(at: Self.at(0))
        #expect(subscription.step(at: Self.at(0)) == .ask)
        #expect(subscription.step(at: Self.at(100)) == .wait(until: nil))
        #expect(!subscription.isHeld(at: Self.at(0)))
    }

    @Test(arguments: [(86_400, 77_760), (3600, 3000), (36_000, 32_400), (604_800, 544_320), (900, 450), (10, 5)])
    func `it is renewed before what was granted ends`(granted: Int, renewed: Int) {
        var subscription = Self.held(Self.grant("a", granted))
        #expect(subscription.step(at: Self.at(renewed - 1)) == .wait(until: Self.at(renewed)))
        #expect(subscription.isHeld(at: Self.at(granted - 1)))
        #expect(!subscription.isHeld(at: Self.at(granted)))
        #expect(subscription.step(at: Self.at(renewed)) == .ask)
    }

    @Test func `a renewal may change the name`() {
        var subscription = Self.held(Self.grant("a", 3600))
        #expect(subscription.step(at: Self.at(3000)) == .ask)
        subscription.granted(Self.grant("b", 3600), at: Self.at(3001))
        #expect(subscription.id == "b")
        subscription.terminated("a", at: Self.at(3002))
        #expect(subscription.step(at: Self.at(3003)) == .wait(until: Self.at(6001)))
    }

    @Test(arguments: ["a", nil])
    func `one that Beeline ends is asked for again at once`(id: String?) {
        var subscription = Self.held()
        subscription.terminated(id, at: Self.at(100))
        #expect(!subscription.isHeld(at: Self.at(100)))
        #expect(subscription.step(at: Self.at(100)) == .ask)
    }

    @Test func `one that never lasts is asked for at growing intervals`() {
        var subscription = BeelineSubscription(at: Self.at(0))
        var now = 0
        var pauses: [Int] = []
        for round in 0..<9 {
            #expect(subscription.step(at: Self.at(now)) == .ask)
            subscription.granted(Self.grant("\(round)"), at: Self.at(now))
            subscription.terminated("\(round)", at: Self.at(now + 1))
            guard case .wait(let until?) = subscription.step(at: Self.at(now + 1)) else { break }
            let next = Int(until.milliseconds(since: Self.at(0)) / 1000)
            pauses.append(next - now - 1)
            now = next
        }
        #expect(pauses == [5, 10, 20, 40, 80, 160, 300, 300, 300])
    }

    @Test func `a refusal is followed by a pause, and the old one counts until its end`() {
        var subscription = Self.held(Self.grant("a", 3600))
        #expect(subscription.step(at: Self.at(3000)) == .ask)
        subscription.failed(ProviderFailure(.unavailable, code: "503", text: ""), at: Self.at(3000))
        #expect(subscription.step(at: Self.at(3000)) == .wait(until: Self.at(3005)))
        #expect(subscription.isHeld(at: Self.at(3005)))
    }

    @Test(arguments: [
        (ProviderFailure.Kind.unauthorized, Duration?.none, 300), (.limited, .seconds(40), 40),
        (.limited, .seconds(90_000), 3600),
        (.unknown, nil, 5),
    ])
    func `how long the pause is, the refusal says`(kind: ProviderFailure.Kind, retryAfter: Duration?, seconds: Int) {
        var subscription = BeelineSubscription(at: Self.at(0))
        #expect(subscription.step(at: Self.at(0)) == .ask)
        subscription.failed(ProviderFailure(kind, code: "", text: "", retryAfter: retryAfter), at: Self.at(0))
        #expect(subscription.step(at: Self.at(0)) == .wait(until: Self.at(seconds)))
    }

    @Test func `one that ends while it is being renewed is asked for again`() {
        var subscription = Self.held(Self.grant("a", 3600))
        #expect(subscription.step(at: Self.at(3000)) == .ask)
        subscription.terminated("a", at: Self.at(3001))
        subscription.granted(Self.grant("a", 3600), at: Self.at(3002))
        #expect(!subscription.isHeld(at: Self.at(3002)))
        #expect(subscription.step(at: Self.at(3007)) == .ask)
        subscription.granted(Self.grant("b", 3600), at: Self.at(3008))
        #expect(subscription.isHeld(at: Self.at(3008)))
    }
}
