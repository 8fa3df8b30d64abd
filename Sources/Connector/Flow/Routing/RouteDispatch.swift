import Synchronization

/// Carries out decisions for providers who do not wait: sends a waiting call on by a command, or writes the provider's table.
///
/// Once a call, and only for calls that are told of now: what a crash interrupts is not taken up again, for the call has gone on.
/// Everything has a bound; what is beyond it is left to the provider's own routing.
package final class RouteDispatch: Sendable {
    /// Calls being decided or sent on at once.
    static let capacity = 256
    /// Calls remembered, so that a repeated request sends nothing twice.
    static let remembered = 4096

    private struct Name: Hashable {
        let connection: ConnectionID
        let call: ExternalKey
    }

    private struct State {
        var underWay = 0
        /// Two halves, as in `ContactBook`.
        var young: Set<Name> = []
        var old: Set<Name> = []
        var lanes: [ConnectionID: ProviderLane] = [:]
        var isClosing = false
    }

    private let plan: RingPlan
    private let journal: any Journal
    private let client: @Sendable (ConnectionID) -> (any ProviderClient)?
    private let clock: any Timekeeper
    private let makeRawID: @Sendable (Instant) -> RawID
    private let state = Mutex(State())

    /// - Parameter client: the way to a connection's provider; `nil` where there is none.
    package init(
        plan: RingPlan, journal: any Journal, client: @escaping @Sendable (ConnectionID) -> (any ProviderClient)?,
        clock: any Timekeeper, makeRawID: @escaping @Sendable (Instant) -> RawID
    ) {
        self.plan = plan
        self.journal = journal
        self.client = client
        self.clock = clock
        self.makeRawID = makeRawID
    }

    /// Decides and carries out what follows, beside the caller; from any thread, once the request is committed.
    package func begin(_ question: RoutingQuestion, for connection: ConnectionProfile, _ ability: RoutingAbility) {
        guard take(Name(connection: connection.id, call: question.call)) else { return }
        let since = clock.now()
        let decision = plan.decide(question, for: connection, ability) { [self] decision in
            carryOut(decision, question, connection.id, ability, since: since)
        }
        if let decision { carryOut(decision, question, connection.id, ability, since: since) }
    }

    /// Sends nothing from now on.
    package func close() { state.withLock { $0.isClosing = true } }

    /// - Returns: whether this call is new, and there is room for it.
    private func take(_ name: Name) -> Bool {
        let isTaken: Bool? = state.withLock { state in
            guard !state.isClosing, !state.young.contains(name), !state.old.contains(name) else { return nil }
            guard state.underWay < Self.capacity else { return false }
            if state.young.count >= Self.remembered / 2 {
                state.old = state.young
                state.young = []
            }
            state.young.insert(name)
            state.underWay += 1
            return true
        }
        if isTaken == false { plan.note(.overloaded) }
        return isTaken ?? false
    }

    // MARK: Carrying out

    private func carryOut(
        _ decision: RoutingDecision, _ question: RoutingQuestion, _ connection: ConnectionID, _ ability: RoutingAbility,
        since: Instant
    ) {
        let order = RouteOrder(
            id: CommandID(bits: makeRawID(since).bits), question: question, decision: decision, deadline: ability.deadline)
        guard needsProvider(decision, ability) else { return finish(decision, question, connection) }
        Task { finish(await send(order, connection, ability, since: since), question, connection) }
    }

    /// A table also forgets; a call that nobody is named for goes on as it is.
    private func needsProvider(_ decision: RoutingDecision, _ ability: RoutingAbility) -> Bool {
        switch ability.manner {
        case .table: decision.result.isWord
        case .answer, .command: decision.target != nil || decision.rejects
        }
    }

    /// - Returns: what became of the decision.
    private func send(
        _ order: RouteOrder, _ connection: ConnectionID, _ ability: RoutingAbility, since: Instant
    ) async -> RoutingDecision {
        var order = order
        let deadline = since.advanced(by: ability.deadline)
        func left(_ result: RoutingDecision.Result) -> RoutingDecision {
            order.decision.left(result, took: since.duration(to: clock.now()))
        }
        guard let client = client(connection) else { return left(.refused) }
        switch turn(of: connection, ability, deadline) {
        case .now: break
        case .closed: return left(.closed)
        case .at(let moment) where moment > deadline: return left(.overloaded)
        case .at(let moment):
            do {
                try await Task.sleep(for: clock.now().duration(to: moment))
            } catch {
                return left(.late)
            }
        }
        order.deadline = clock.now().duration(to: deadline)
        guard order.deadline > .zero, !state.withLock({ $0.isClosing }) else { return left(.late) }
        do throws(ProviderFailure) {
            let outcome = try await client.route(order)
            settle(connection) { $0.succeeded() }
            return decision(of: order, outcome, since: since)
        } catch {
            let now = clock.now()
            settle(connection) { $0.note(error, at: now) }
            return left(.refused)
        }
    }

    private func decision(of order: RouteOrder, _ outcome: RouteOutcome, since: Instant) -> RoutingDecision {
        var decision = order.decision
        decision.took = since.duration(to: clock.now())
        switch outcome {
        case .sent: break
        case .written: if decision.target != nil { decision.result = .writtenAhead }
        case .unchanged: if decision.target != nil { decision.result = .inTable }
        }
        return decision
    }

    /// Connections whose pace is kept; for tests.
    var laneCount: Int { state.withLock { $0.lanes.count } }

    private func turn(of connection: ConnectionID, _ ability: RoutingAbility, _ deadline: Instant) -> ProviderLane.Turn {
        let now = clock.now()
        return state.withLock { state in
            // Of connections that are no more, and of those that nobody calls.
            if state.lanes[connection] == nil { state.lanes = state.lanes.filter { !$0.value.isAsNew(at: now) } }
            var lane = state.lanes[connection] ?? ProviderLane(ability.rateLimit, at: now)
            defer { state.lanes[connection] = lane }
            return lane.take(at: now, deadline: deadline)
        }
    }

    private func settle(_ connection: ConnectionID, _ change: (inout ProviderLane) -> Void) {
        state.withLock { state in
            guard var lane = state.lanes[connection] else { return }
            change(&lane)
            state.lanes[connection] = lane
        }
    }

    /// Writes the decision down. A journal that does not take it leaves it out of the record, which is counted; the call has gone its
    /// way.
    private func finish(_ decision: RoutingDecision, _ question: RoutingQuestion, _ connection: ConnectionID) {
        state.withLock { $0.underWay -= 1 }
        plan.note(decision.result)
        let now = clock.now()
        let record = SystemRecord.routing(decision, of: question, in: connection, id: makeRawID(now), at: now)
        let isQueued = journal.append([record]) { [plan] outcome in
            if outcome != .committed { plan.noteUnrecorded() }
        }
        if !isQueued { plan.noteUnrecorded() }
    }
}

extension ProviderLane {
    /// What a failure says of the provider's health.
    fileprivate mutating func note(_ failure: ProviderFailure, at now: Instant) {
        switch failure.kind {
        case .unavailable, .unknown: failed(at: now)
        case .limited, .unauthorized: rest(until: now.advanced(by: failure.retryAfter ?? .seconds(10)))
        case .rejected: if let pause = failure.retryAfter { rest(until: now.advanced(by: pause)) }
        case .invalid, .unsupported: break
        }
    }
}
