import Synchronization

/// Counters of a server since its start; gauges where said so.
package struct HTTPStatistics: Sendable {
    /// Gauge.
    package var connectionsOpen = 0
    package var connectionsAccepted = 0
    /// Turned away at the accept: all places or all places of that address taken.
    package var connectionsRefused = 0
    /// Idle connections closed to make room.
    package var connectionsEvicted = 0
    package var handshakesCompleted = 0
    package var handshakesFailed = 0
    /// Closed or answered 408 because a deadline had passed.
    package var timeouts = 0
    package var bytesReceived = 0
    package var bytesSent = 0
    /// Deferred replies whose connection had ended.
    package var repliesDropped = 0
    /// Handlers that threw something else than `HTTPProblem`.
    package var handlerErrors = 0
    /// Answers by class: index 2 holds the 2xx.
    package var responsesByClass = [Int](repeating: 0, count: 6)
    /// Requests refused by the parser, by reason; every reason is there.
    package var parseErrors: [HTTPParseError: Int] = [:]
}

/// The counters of one loop: written by its thread alone (hence load and store, not a locked add), read by any.
final class HTTPCounters: Sendable {
    enum Name: Int, CaseIterable {
        case open, accepted, refused, evicted, handshakes, handshakeFailures, timeouts, received, sent, repliesDropped,
            handlerErrors
        case class0, class1, class2, class3, class4, class5
    }

    private static let reasons = HTTPParseError.allCases
    private let values: [Counter]
    private let parseErrors: [Counter]

    init() {
        values = Name.allCases.map { _ in Counter() }
        parseErrors = Self.reasons.map { _ in Counter() }
    }

    func add(_ name: Name, _ amount: Int = 1) { values[name.rawValue].add(amount) }

    func countResponse(_ status: HTTPStatus) { values[Name.class0.rawValue + status.code / 100].add(1) }

    func count(_ error: HTTPParseError) {
        if let index = Self.reasons.firstIndex(of: error) { parseErrors[index].add(1) }
    }

    func add(to sum: inout HTTPStatistics) {
        sum.connectionsOpen += self[.open]
        sum.connectionsAccepted += self[.accepted]
        sum.connectionsRefused += self[.refused]
        sum.connectionsEvicted += self[.evicted]
        sum.handshakesCompleted += self[.handshakes]
        sum.handshakesFailed += self[.handshakeFailures]
        sum.timeouts += self[.timeouts]
        sum.bytesReceived += self[.received]
        sum.bytesSent += self[.sent]
        sum.repliesDropped += self[.repliesDropped]
        sum.handlerErrors += self[.handlerErrors]
        for index in 0..<6 { sum.responsesByClass[index] += values[Name.class0.rawValue + index].value }
        for (reason, counter) in zip(Self.reasons, parseErrors) { sum.parseErrors[reason, default: 0] += counter.value }
    }

    private subscript(name: Name) -> Int { values[name.rawValue].value }

    private final class Counter: Sendable {
        private let number = Atomic<Int>(0)
        var value: Int { number.load(ordering: .relaxed) }
        func add(_ amount: Int) { number.store(number.load(ordering: .relaxed) &+ amount, ordering: .relaxed) }
    }
}
