import Connector
import Digests
import HTTPServer
import Synchronization
import TestSupport
import Testing

@testable import Gateway

@Suite struct IdempotencyStoreTests {
    private static let request = digest("request")
    private let now = Instant(unixSeconds: 1_772_442_000)
    private let acts = Guarded(0)

    private static func digest(_ text: String) -> DigestValue {
        var digest = Digest(.sha256)
        digest.update(text)
        return digest.finish()
    }

    /// Asks for an answer of `count` bytes.
    /// - Returns: whether it had to be made.
    private func ask(_ store: IdempotencyStore, _ key: String, _ count: Int, at moment: Instant? = nil) async throws -> Bool {
        let before = acts.withLock { $0 }
        _ = try await store.once(key, request: Self.request, at: moment ?? now) {
            acts.withLock { $0 += 1 }
            return HTTPResponse(.ok, body: .bytes([UInt8](repeating: 0x20, count: count)))
        }
        return acts.withLock { $0 } > before
    }

    @Test func `answers are kept within their bytes, the oldest go first`() async throws {
        let store = IdempotencyStore(byteLimit: 1000)
        for key in ["a", "b", "c"] { #expect(try await ask(store, key, 300)) }
        #expect(store.byteCount == 903)
        #expect(try await !ask(store, "a", 300))
        #expect(try await ask(store, "d", 500))
        #expect(store.byteCount == 802)
        #expect(try await !ask(store, "c", 300))
        #expect(try await !ask(store, "d", 500))
        #expect(try await ask(store, "a", 300), "it had to go")
    }

    @Test func `an answer beyond all bounds is given and not kept`() async throws {
        let store = IdempotencyStore(byteLimit: 1000)
        #expect(try await ask(store, "small", 10))
        for _ in 0..<2 { #expect(try await ask(store, "large", 1001)) }
        #expect(store.byteCount == 15)
        #expect(try await !ask(store, "small", 10))
    }

    @Test func `answers are kept for a day, and at most so many`() async throws {
        let store = IdempotencyStore()
        #expect(try await ask(store, "old", 1))
        #expect(try await !ask(store, "old", 1, at: now.advanced(by: .seconds(86_400))))
        #expect(try await ask(store, "old", 1, at: now.advanced(by: .seconds(86_401))))
        for number in 0..<IdempotencyStore.capacity { #expect(try await ask(store, "k\(number)", 1, at: now)) }
        #expect(try await !ask(store, "k0", 1))
        #expect(try await ask(store, "old", 1))
    }

    @Test func `what failed is forgotten, what is under way is not begun again`() async throws {
        let store = IdempotencyStore()
        await #expect(throws: CancellationError.self) {
            _ = try await store.once("k", request: Self.request, at: now) { throw CancellationError() }
        }
        let inner = Mutex<String?>(nil)
        _ = try await store.once("k", request: Self.request, at: now) {
            do {
                _ = try await store.once("k", request: Self.request, at: now) { HTTPResponse(.ok) }
            } catch let problem as APIProblem {
                inner.withLock { $0 = problem.code }
            }
            return HTTPResponse(.ok)
        }
        #expect(inner.withLock { $0 } == "in-progress")
        #expect(store.byteCount == 1)
        let reused = await #expect(throws: APIProblem.self) {
            _ = try await store.once("k", request: Self.digest("other"), at: now) { HTTPResponse(.ok) }
        }
        #expect(reused?.code == "idempotency-key-reused")
    }
}
