/// What a connection does for as long as it is live: keep something alive at the provider, or listen there. Comes from
/// `ProviderClient.keeper`, so that it shares the client's tokens and sessions.
///
/// One keeper of a connection works at a time. It is begun when the connection comes live, cancelled when the connection's file changes
/// or the gateway ends, and begun anew after a pause where it failed. One that does not end keeps its successor waiting.
package protocol ConnectionKeeper: Sendable {
    /// Works until it is cancelled, and then ends within a moment: every wait of the context ends at once, every request too. Returns
    /// earlier where there is nothing to do, after a report that says why.
    /// - Throws: `ProviderFailure`; its `retryAfter` is heeded.
    func run(_ context: KeepingContext) async throws(ProviderFailure)

    /// Whether the keeper of a connection's changed file begins while this one ends, to take over what this one holds.
    var handsOver: Bool { get }
}

extension ConnectionKeeper {
    package var handsOver: Bool { false }
}

/// What a keeper works with. Its client has `Outgoing` already.
package struct KeepingContext: Sendable {
    package let profile: ConnectionProfile
    /// Where the provider reaches this connection, its `url_token` included: a secret. `nil` where `public_url` is not set.
    package let address: String?
    /// What must outlive the gateway.
    package let notes: any ConnectionNotes
    private let clock: any Timekeeper
    private let waiting: Pause
    private let signals: SignalBox
    private let onReport: @Sendable (Upkeep) -> Void
    private let onHeard: @Sendable ([HeardRecord]) async -> Bool
    private let calls: @Sendable () async -> [CommandTarget]

    /// - Parameters:
    ///   - report: takes in how things stand.
    ///   - openCalls: the connection's calls that have not ended, as far as the journal knows.
    ///   - hear: puts records into the journal, all or none; false where it does not take them.
    package init(
        profile: ConnectionProfile, address: String?, notes: any ConnectionNotes, clock: any Timekeeper, pause: @escaping Pause,
        signals: SignalBox, report: @escaping @Sendable (Upkeep) -> Void,
        openCalls: @escaping @Sendable () async -> [CommandTarget] = { [] },
        hear: @escaping @Sendable ([HeardRecord]) async -> Bool
    ) {
        self.profile = profile
        self.address = address
        self.notes = notes
        self.clock = clock
        waiting = pause
        self.signals = signals
        onReport = report
        calls = openCalls
        onHeard = hear
    }

    package var now: Instant { clock.now() }

    /// Tells how things stand; the latest word counts. Cheap where nothing has changed.
    package func report(_ upkeep: Upkeep) { onReport(upkeep) }

    /// Writes down what was heard: from there on it is like a webhook, and this connection's decoder reads it.
    /// - Returns: whether it is committed; else somebody who can ask the provider again should.
    package func hear(_ record: HeardRecord) async -> Bool { await onHeard([record]) }

    /// The same for several, in order: all of them or none.
    package func hear(_ records: [HeardRecord]) async -> Bool { records.isEmpty ? true : await onHeard(records) }

    /// The connection's calls that have not ended, as far as the journal knows: for a keeper that begins, and must find out which of
    /// them still are.
    package func openCalls() async -> [CommandTarget] { await calls() }

    /// Waits so long.
    /// - Returns: whether the time is over; false where the keeper is to end.
    package func pause(_ duration: Duration) async -> Bool {
        do {
            try await waiting(duration)
            return !Task.isCancelled
        } catch {
            return false
        }
    }

    /// Why a wait ended.
    package enum Occasion: Sendable, Equatable {
        case due
        case signal(AdapterSignal)
        /// The keeper is to end.
        case cancelled
    }

    /// Waits until `moment`, or until this connection's decoder has news for the keeper, whichever comes first.
    package func wait(until moment: Instant) async -> Occasion {
        let seen = signals.count
        if let signal = signals.take() { return .signal(signal) }
        let rest = now.duration(to: moment)
        if rest > .zero, !Task.isCancelled {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await signals.wait(beyond: seen) }
                // A cancelled pause is an ended wait, whichever way it ends.
                group.addTask { _ = try? await waiting(rest) }
                await group.next()
                group.cancelAll()
            }
        }
        if Task.isCancelled { return .cancelled }
        return signals.take().map(Occasion.signal) ?? .due
    }
}

/// News of a decoder for its connection's keeper: `Decoded.signal`, and where it came from.
package struct AdapterSignal: Sendable, Equatable {
    package var connection: ConnectionID
    package var name: String
    package var fields: [CustomField]
    /// The path of the request that told it.
    package var path: String

    package init(connection: ConnectionID, name: String, fields: [CustomField] = [], path: String = "") {
        self.connection = connection
        self.name = name
        self.fields = fields
        self.path = path
    }

    package subscript(field: String) -> String? { fields.first { $0.name == field }?.value }
}

/// What a keeper heard that did not come by webhook.
package struct HeardRecord: Sendable, Equatable {
    package var source: CallSource
    /// By which the decoder knows what it is.
    package var path: String
    package var body: [UInt8]
    /// When it was heard, where that was before it is handed over.
    package var receivedAt: Instant?

    package init(source: CallSource, path: String, body: [UInt8], receivedAt: Instant? = nil) {
        self.source = source
        self.path = path
        self.body = body
        self.receivedAt = receivedAt
    }
}

/// How long-lived work stands, in a keeper's words. No secret; names of people and numbers in `items` only.
package struct Upkeep: Sendable, Equatable {
    package enum Condition: String, Sendable, CaseIterable {
        /// It has only begun.
        case starting
        case good
        /// Part of it does not work, or would if the operator did something.
        case impaired
        /// None of it works.
        case failing
    }

    /// One of the things that are kept.
    package struct Item: Sendable, Equatable {
        package var name: String
        package var isKept: Bool
        /// When it ends, unless it is renewed.
        package var until: Instant?
        package var problem: String?

        package init(name: String, isKept: Bool, until: Instant? = nil, problem: String? = nil) {
            self.name = name
            self.isKept = isKept
            self.until = until
            self.problem = problem
        }
    }

    package var condition: Condition
    /// A sentence: what is kept.
    package var summary: String
    /// What the operator can do about it.
    package var remedy: String?
    package var wanted: Int
    package var kept: Int
    /// Some of what is kept, what is not first; `wanted` and `kept` count all.
    package var items: [Item]

    package init(
        _ condition: Condition, _ summary: String, remedy: String? = nil, wanted: Int = 0, kept: Int = 0, items: [Item] = []
    ) {
        self.condition = condition
        self.summary = summary
        self.remedy = remedy
        self.wanted = wanted
        self.kept = kept
        self.items = items
    }
}

/// A few bytes of one connection that outlive the gateway: names by which a provider knows what we began there.
///
/// Whoever reads them must do without: a folder that is lost, or another node's, has none.
package protocol ConnectionNotes: Sendable {
    /// What was kept last; `nil` where there is nothing, or nothing that can be read.
    func load() async -> [UInt8]?
    /// Puts `bytes` in the place of what was kept: afterwards the old or the new ones are there, never half of them.
    /// - Throws: where they cannot be kept.
    func save(_ bytes: [UInt8]) async throws
}
