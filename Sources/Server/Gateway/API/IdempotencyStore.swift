import Connector
import Digests
import HTTPServer
import Synchronization

/// Remembers answers by `Idempotency-Key`, so that a client may ask again after a lost answer.
///
/// In memory: a day, and the latest 10,000; a restart forgets them. What it guards must therefore bear repetition over a
/// restart, as a replay does.
final class IdempotencyStore: Sendable {
    private struct Entry {
        var request: DigestValue
        var since: Instant
        /// `nil` while the first request is under way.
        var answer: HTTPResponse?
    }

    private struct State {
        var entries: [String: Entry] = [:]
        /// Keys in the order of their arrival.
        var order: [String] = []
    }

    static let lifetime: Int64 = 86_400_000
    static let capacity = 10_000

    private let state = Mutex(State())

    /// Answers with `act()`, or with what it answered before to the same key and request.
    ///
    /// - Parameter key: with the tenant's name in front.
    /// - Throws: `APIProblem` 422 for the same key with another request, 409 while the first one is under way. A failed
    ///   action is forgotten: it may be tried again.
    func once(
        _ key: String, request: DigestValue, at now: Instant, _ act: () async throws -> HTTPResponse
    ) async throws -> HTTPResponse {
        if let known = try begin(key, request, at: now) { return known }
        do {
            let answer = try await act()
            state.withLock { $0.entries[key]?.answer = answer }
            return answer
        } catch {
            state.withLock { state in
                state.entries[key] = nil
                state.order.removeAll { $0 == key }
            }
            throw error
        }
    }

    private func begin(_ key: String, _ request: DigestValue, at now: Instant) throws -> HTTPResponse? {
        let known = state.withLock { state -> Entry? in
            Self.forget(in: &state, at: now)
            if let entry = state.entries[key] { return entry }
            state.entries[key] = Entry(request: request, since: now)
            state.order.append(key)
            return nil
        }
        guard let known else { return nil }
        guard known.request == request else {
            throw APIProblem(
                .unprocessable, "idempotency-key-reused", "The Idempotency-Key was used for another request",
                detail: "The same key came before with another body or address.", hint: "Take a fresh key for each action.")
        }
        guard let answer = known.answer else {
            throw APIProblem(
                .conflict, "in-progress", "The first request with this key is under way", detail: "Ask again in a moment.",
                headers: ["Retry-After": "1"])
        }
        return answer
    }

    private static func forget(in state: inout State, at now: Instant) {
        while let oldest = state.order.first, let entry = state.entries[oldest],
            state.order.count >= capacity || now.milliseconds(since: entry.since) > lifetime
        {
            state.entries[oldest] = nil
            state.order.removeFirst()
        }
    }
}
