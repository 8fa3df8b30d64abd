import Connector

/// A CRM that answers when the test says so.
package final class HeldLookup: ContactLookup {
    private struct State {
        var queries: [ContactQuery] = []
        var waiting: [(query: ContactQuery, answer: CheckedContinuation<Result<ContactAnswer, ContactFailure>, Never>)] = []
        var ready: Result<ContactAnswer, ContactFailure>?
    }

    private let state = Guarded(State())
    private let arrivals: AsyncStream<ContactQuery>
    private let arrived: AsyncStream<ContactQuery>.Continuation

    /// - Parameter ready: given at once to every question; `nil` holds them.
    package init(_ ready: Result<ContactAnswer, ContactFailure>? = nil) {
        (arrivals, arrived) = AsyncStream.makeStream()
        state.withLock { $0.ready = ready }
    }

    /// Every question so far.
    package var queries: [ContactQuery] { state.withLock { $0.queries } }

    package func ask(_ query: ContactQuery, within deadline: Duration) async throws(ContactFailure) -> ContactAnswer {
        let result = await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Result<ContactAnswer, ContactFailure>? in
                state.queries.append(query)
                if state.ready == nil { state.waiting.append((query, continuation)) }
                return state.ready
            }
            if let ready { continuation.resume(returning: ready) }
            arrived.yield(query)
        }
        return try result.get()
    }

    /// Waits for the next question.
    package func next() async -> ContactQuery? {
        for await query in arrivals { return query }
        return nil
    }

    /// Answers the oldest question that waits.
    package func answer(_ result: Result<ContactAnswer, ContactFailure>) {
        let oldest = state.withLock { $0.waiting.isEmpty ? nil : $0.waiting.removeFirst() }
        oldest?.answer.resume(returning: result)
    }
}
