/// The set of a call's events: each once, in an order that does not depend on how they came.
package struct CallHistory: Sendable {
    /// By time, then by identifier.
    package private(set) var events: [CallEvent] = []
    /// Their identifiers, in the same order: looking for a repeat touches nothing else.
    private var ids: [EventID] = []
    /// What the events say, gathered.
    private(set) var digest = EventDigest()

    package init() {}

    package init(_ events: some Sequence<CallEvent>) {
        for event in events { insert(event) }
    }

    /// What an insertion did to the set.
    package enum Insertion: Sendable {
        case added
        /// A repeat that came before the one we knew: it takes its place.
        case replaced
        case repeated
    }

    /// Takes in one event. Of repeats the earliest received stays, then the one with the smaller raw identifier.
    @discardableResult
    package mutating func insert(_ event: CallEvent) -> Insertion {
        if let known = ids.firstIndex(of: event.id) {
            guard Self.isEarlier(event, events[known]) else { return .repeated }
            events.remove(at: known)
            ids.remove(at: known)
            gather()
            place(event)
            return .replaced
        }
        place(event)
        return .added
    }

    func contains(_ event: EventID) -> Bool { ids.contains(event) }

    /// Takes back the events that were read from `raw`; returns their identifiers.
    package mutating func removeEvents(of raw: RawID) -> [EventID] {
        let removed = events.filter { $0.rawID == raw }.map(\.id)
        events.removeAll { $0.rawID == raw }
        ids = events.map(\.id)
        if !removed.isEmpty { gather() }
        return removed
    }

    /// Takes events out.
    mutating func remove(_ removed: Set<EventID>) {
        events.removeAll { removed.contains($0.id) }
        ids = events.map(\.id)
        gather()
    }

    private mutating func place(_ event: CallEvent) {
        var index = events.count
        while index > 0, Self.precedes(event, events[index - 1]) { index -= 1 }
        growByLittle()
        events.insert(sharing(event), at: index)
        ids.insert(event.id, at: index)
        if index == events.count - 1 { digest.take(event) } else { gather() }
    }

    /// Many calls are under way at once, and most have few events: twice the room each time would be too much.
    private mutating func growByLittle() {
        guard events.count == events.capacity, events.count < 64 else { return }
        events.reserveCapacity(events.count + 4)
    }

    /// The event with the names of the newest one, where they are equal: so they lie in memory once.
    private func sharing(_ event: CallEvent) -> CallEvent {
        guard let newest = events.last, newest.keys == event.keys else { return event }
        var event = event
        event.keys = newest.keys
        return event
    }

    /// Gathers anew: an event came that does not belong at the end.
    private mutating func gather() {
        digest = EventDigest()
        for event in events { digest.take(event) }
    }

    private static func isEarlier(_ left: CallEvent, _ right: CallEvent) -> Bool {
        (left.receivedAt, left.rawID) < (right.receivedAt, right.rawID)
    }

    private static func precedes(_ left: CallEvent, _ right: CallEvent) -> Bool {
        (left.occurredAt, left.id) < (right.occurredAt, right.id)
    }
}
