import Connector

/// The subscriptions of Beeline's double: who is to be told of whose telephones, and until when.
struct BeelineSubscriptions: Sendable {
    struct Subscription: Sendable {
        var id: String
        /// nil for everybody.
        var user: String?
        var kind: String
        var url: String
        var end: Instant
        var told = 0
    }

    /// More than a PBX of five has.
    private static let limit = 100

    /// Whose a subscription to everybody is.
    private static let owner = "MPBX_E_000001_EventSubscription@ip.beeline.ru"

    private var live: [Subscription] = []
    private var count = 0
    private let people: SimulatedPeople

    init(_ people: SimulatedPeople) { self.people = people }

    func all(at now: Instant) -> [Subscription] { live.filter { now < $0.end } }

    func subscription(_ id: String, at now: Instant) -> Subscription? { all(at: now).first { $0.id == id } }

    /// A subscription of the same person, kind and address is prolonged and keeps its name while it lives.
    /// - Returns: nil where there are too many.
    mutating func begin(
        user: String?, kind: String, url: String, until end: Instant, at now: Instant
    ) -> (subscription: Subscription, isNew: Bool)? {
        live.removeAll { $0.end <= now }
        if let place = live.firstIndex(where: { $0.user == user && $0.kind == kind && $0.url == url }) {
            live[place].end = end
            return (live[place], false)
        }
        guard live.count < Self.limit else { return nil }
        count += 1
        let id = BeelineScript.uuid("subscription \(count)", people)
        live.append(Subscription(id: id, user: user, kind: kind, url: url, end: end))
        return (live[live.count - 1], true)
    }

    /// - Returns: the subscription that is over now; nil where there was none.
    mutating func end(_ id: String, at now: Instant) -> Subscription? {
        guard let place = live.firstIndex(where: { $0.id == id }) else { return nil }
        let ended = live.remove(at: place)
        return now < ended.end ? ended : nil
    }

    /// Copies of an event for everybody who is to be told.
    mutating func copies(of event: BeelineEvent, at now: Instant) -> [SimulatedStep] {
        live.indices.filter { now < live[$0].end && (live[$0].user ?? event.user) == event.user }.map { place in
            live[place].told += 1
            var copy = event
            // Two subscriptions tell the same under different names.
            copy.id = BeelineScript.uuid("\(event.id) of \(live[place].id)", people)
            return Self.step(copy, live[place])
        }
    }

    /// An event of the subscription itself; nil where it is over.
    mutating func news(_ type: String, of id: String, data: String = "", at now: Instant) -> SimulatedStep? {
        guard let place = live.firstIndex(where: { $0.id == id && now < $0.end }) else { return nil }
        live[place].told += 1
        let event = BeelineEvent(
            id: BeelineScript.uuid("\(type) \(live[place].told) of \(id)", people), user: live[place].user ?? Self.owner,
            type: type, data: data)
        return Self.step(event, live[place])
    }

    private static func step(_ event: BeelineEvent, _ to: Subscription) -> SimulatedStep {
        event.step(event.xml(subscription: to.id, number: to.told), to: to.url)
    }
}
