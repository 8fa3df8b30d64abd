import Connector
import Digests
import HTTPServer
import Synchronization

/// Remembers answers by `Idempotency-Key`, so that a client may ask again after a lost answer.
///
/// In memory, within three bounds: a day, the latest 10,000, and 16 MB of answers; a restart forgets them, and an answer
/// larger than all that is not kept at all. What it guards must therefore bear repetition, as a replay does.
final class IdempotencyStore: Sendable {
    static let lifetime: Int64 = 86_400_000
    static let capacity = 10_000
    static let standardByteLimit = 16 << 20

    private struct Entry {
        let request: DigestValue
        let since: Instant
        let answer: HTTPResponse
        let byteCount: Int
    }

    private struct State {
        /// Requests that are being answered: as many as there are open ones.
        var underWay: [String: DigestValue] = [:]
        var entries: [String: Entry] = [:]
        /// Keys of `entries` in the order of their answers.
        var order: ArraySlice<String> = []
        var byteCount = 0
    }

    private let state = Mutex(State())
    private let byteLimit: Int

    /// - Parameter byteLimit: bytes of answers with their keys.
    init(byteLimit: Int = standardByteLimit) { self.byteLimit = byteLimit }

    /// Bytes that are kept.
    var byteCount: Int { state.withLock { $0.byteCount } }

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
            let entry = Entry(request: request, since: now, answer: answer, byteCount: answer.byteCount + key.utf8.count)
            state.withLock { state in
                state.underWay[key] = nil
                keep(entry, key, &state)
            }
            return answer
        } catch {
            state.withLock { $0.underWay[key] = nil }
            throw error
        }
    }

    /// - Returns: the answer that was given before; `nil` where this is the first request.
    private func begin(_ key: String, _ request: DigestValue, at now: Instant) throws -> HTTPResponse? {
        try state.withLock { state in
            forget(in: &state) { now.milliseconds(since: $0.since) > Self.lifetime }
            guard let former = state.entries[key]?.request ?? state.underWay[key] else {
                state.underWay[key] = request
                return nil
            }
            guard former == request else { throw Self.reused }
            guard let answer = state.entries[key]?.answer else { throw Self.inProgress }
            return answer
        }
    }

    private func keep(_ entry: Entry, _ key: String, _ state: inout State) {
        guard entry.byteCount <= byteLimit else { return }
        state.byteCount += entry.byteCount
        state.entries[key] = entry
        state.order.append(key)
        while state.order.count > Self.capacity || state.byteCount > byteLimit { Self.forgetOldest(in: &state) }
    }

    private func forget(in state: inout State, where isOver: (Entry) -> Bool) {
        while let oldest = state.order.first, let entry = state.entries[oldest], isOver(entry) { Self.forgetOldest(in: &state) }
    }

    private static func forgetOldest(in state: inout State) {
        guard let oldest = state.order.popFirst() else { return }
        state.byteCount -= state.entries.removeValue(forKey: oldest)?.byteCount ?? 0
    }

    private static let reused = APIProblem(
        .unprocessable, "idempotency-key-reused", "The Idempotency-Key was used for another request",
        detail: "The same key came before with another body or address.", hint: "Take a fresh key for each action.")
    private static let inProgress = APIProblem(
        .conflict, "in-progress", "The first request with this key is under way", detail: "Ask again in a moment.",
        headers: ["Retry-After": "1"])
}

extension HTTPResponse {
    /// About what it takes to keep the answer.
    fileprivate var byteCount: Int {
        let headers = headers.fields.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count }
        guard case .bytes(let body) = body else { return headers }
        return headers + body.count
    }
}
