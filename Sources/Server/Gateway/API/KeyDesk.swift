import Connector
import Digests
import HTTPServer
import Synchronization

/// Knows the API keys: from memory, which is read anew when it is older than a few seconds or was told to.
package final class KeyDesk: Sendable {
    private struct Memory {
        var keys: [[UInt8]: APIKey] = [:]
        var readAt: Instant?
    }

    /// A revoked key works no longer than this.
    static let lifetime: Int64 = 5000
    /// An unknown key makes the store be read, at most this often.
    static let patience: Int64 = 1000

    private let store: any KeyStore
    private let readers: ReaderPool
    private let clock: any Timekeeper
    private let memory = Mutex(Memory())

    package init(store: any KeyStore, readers: ReaderPool, clock: any Timekeeper) {
        self.store = store
        self.readers = readers
        self.clock = clock
    }

    /// The key that `secret` is, unless it was revoked. Only its SHA-256 is compared, by a hash table: what the time tells of
    /// a digest is of no use to whoever lacks the secret.
    func key(for secret: String) async throws -> APIKey? {
        let hash = Self.hash(of: secret)
        if age > Self.lifetime { try await refresh() }
        if let key = memory.withLock({ $0.keys[hash] }) { return key }
        guard age > Self.patience else { return nil }
        try await refresh()
        return memory.withLock { $0.keys[hash] }
    }

    /// Reads the store now: a key was made or revoked.
    package func refresh() async throws {
        let store = store
        let keys = try await readers.run { try store.keys() }
        let valid = keys.filter { $0.revokedAt == nil }.map { ($0.secretHash, $0) }
        let now = clock.now()
        memory.withLock {
            $0 = Memory(keys: Dictionary(valid) { first, _ in first }, readAt: now)
        }
    }

    /// Milliseconds since the store was read.
    private var age: Int64 {
        let now = clock.now()
        return memory.withLock { $0.readAt.map { now.milliseconds(since: $0) } ?? .max }
    }

    // MARK: Secrets

    /// A fresh secret, `km_` and 43 characters, and what is stored of it.
    package static func makeSecret() -> (secret: String, hash: [UInt8]) {
        let secret = "km_" + Self.urlSafe(Base64.encode(randomBytes(32)))
        return (secret, hash(of: secret))
    }

    /// Base64 in the alphabet of addresses, without padding (RFC 4648 §5).
    private static func urlSafe(_ base64: String) -> String {
        base64.replacing("=", with: "").replacing("+", with: "-").replacing("/", with: "_")
    }

    package static func hash(of secret: String) -> [UInt8] { Digest.hash(secret, .sha256).bytes }

    /// The secret in an `Authorization` header; `nil` where there is none of ours.
    static func secret(in header: String?) -> String? {
        guard let header, header.utf8.count <= 512, let blank = header.firstIndex(of: " "),
            header[..<blank].lowercased() == "bearer"
        else { return nil }
        let secret = header[blank...].drop { $0 == " " }
        return secret.hasPrefix("km_") ? String(secret) : nil
    }
}
