/// A signature of messages under a key that was prepared once.
///
/// The key's part of the computation is kept and copied for each message. Vendors know two forms:
/// ```swift
/// let hmac = KeyedDigest(hmac: .sha1, key: secret)                                  // RFC 2104
/// let mango = KeyedDigest(.sha256, prefix: apiKey, suffix: salt)                    // hash of prefix + message + suffix
/// let isGood = mango.sign { $0.update(json) }.matches(hex: sign)
/// ```
/// May be shared by all threads: the kept states never change after `init`, and OpenSSL copies from them as constants
/// (`EVP_MD_CTX_copy_ex` takes its source as `const`), hence the unchecked `Sendable`.
package final class KeyedDigest: @unchecked Sendable {
    private enum Ending: ~Copyable {
        /// HMAC: the inner digest is hashed again behind the outer padding.
        case outer(Digest)
        case suffix([UInt8])
    }

    private let beginning: Digest
    private let ending: Ending

    /// HMAC (RFC 2104) with a key of any length.
    package init(hmac algorithm: DigestAlgorithm, key: [UInt8]) {
        let short = key.count > algorithm.blockByteCount ? Digest.hash(key, algorithm).bytes : key
        let padded = short + [UInt8](repeating: 0, count: algorithm.blockByteCount - short.count)
        var inner = Digest(algorithm)
        inner.update(padded.map { $0 ^ 0x36 })
        var outer = Digest(algorithm)
        outer.update(padded.map { $0 ^ 0x5C })
        beginning = inner
        ending = .outer(outer)
    }

    /// The plain hash of prefix, message and suffix.
    package init(_ algorithm: DigestAlgorithm, prefix: [UInt8], suffix: [UInt8]) {
        var digest = Digest(algorithm)
        digest.update(prefix)
        beginning = digest
        ending = .suffix(suffix)
    }

    /// The signature of the message that `feed` puts in, in as many parts as it likes.
    package func sign(_ feed: (inout Digest) throws -> Void) rethrows -> DigestValue {
        var digest = beginning.copy()
        try feed(&digest)
        switch ending {
        case .suffix(let suffix):
            digest.update(suffix)
            return digest.finish()
        case .outer(let outer):
            let inner = digest.finish()
            var digest = outer.copy()
            inner.withUnsafeBytes { digest.update($0) }
            return digest.finish()
        }
    }

    package func sign(_ message: [UInt8]) -> DigestValue {
        sign { $0.update(message) }
    }

    package func sign(_ message: String) -> DigestValue {
        sign { $0.update(message) }
    }
}
