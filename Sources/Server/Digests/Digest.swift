import CSystem

/// Hashes bytes as they come.
///
/// ```swift
/// var digest = Digest(.sha256)
/// digest.update(key)
/// digest.update(json)
/// let sign = digest.finish()
/// ```
/// A confined value: it cannot be copied by accident, only by `copy()`, and belongs to one thread at a time.
package struct Digest: ~Copyable {
    private let context: OpaquePointer
    package let algorithm: DigestAlgorithm

    package init(_ algorithm: DigestAlgorithm) {
        self.init(algorithm, context: newContext())
        check(EVP_DigestInit_ex(context, algorithm.method, nil))
    }

    private init(_ algorithm: DigestAlgorithm, context: OpaquePointer) {
        self.algorithm = algorithm
        self.context = context
    }

    deinit { EVP_MD_CTX_free(context) }

    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        check(EVP_DigestUpdate(context, bytes.baseAddress, bytes.count))
    }

    package mutating func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    package mutating func update(_ text: String) {
        var text = text
        text.withUTF8 { update(UnsafeRawBufferPointer($0)) }
    }

    /// The digest of everything so far.
    package consuming func finish() -> DigestValue {
        DigestValue(byteCount: algorithm.byteCount) { check(EVP_DigestFinal_ex(context, $0, nil)) }
    }

    /// Another one that goes on from here: a prefix is hashed once and kept.
    package func copy() -> Digest {
        let twin = Digest(algorithm, context: newContext())
        check(EVP_MD_CTX_copy_ex(twin.context, context))
        return twin
    }

    /// The digest of these bytes.
    package static func hash(_ bytes: [UInt8], _ algorithm: DigestAlgorithm) -> DigestValue {
        var digest = Digest(algorithm)
        digest.update(bytes)
        return digest.finish()
    }

    /// The digest of this text's UTF-8.
    package static func hash(_ text: String, _ algorithm: DigestAlgorithm) -> DigestValue {
        var digest = Digest(algorithm)
        digest.update(text)
        return digest.finish()
    }
}

/// A context without content.
///
/// Fails only when the machine has no memory for a few hundred bytes: as Swift's own allocations do, it then ends the process.
func newContext() -> OpaquePointer {
    guard let context = EVP_MD_CTX_new() else { preconditionFailure("OpenSSL has no memory for a digest") }
    return context
}

/// OpenSSL's digest functions fail on want of memory and on algorithms that the machine's policy forbids; never on data.
func check(_ result: CInt) {
    precondition(result == 1, "OpenSSL refuses a digest: is it forbidden by the system's policy (FIPS)?")
}
