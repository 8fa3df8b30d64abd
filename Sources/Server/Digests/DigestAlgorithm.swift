import CSystem

/// A hash function that providers sign with.
///
/// MD5 and SHA-1 are here because vendors' signatures and SIP's digest use them; nothing new should.
package enum DigestAlgorithm: Sendable, CaseIterable {
    case md5, sha1, sha256

    /// Bytes of a digest.
    package var byteCount: Int {
        switch self {
        case .md5: 16
        case .sha1: 20
        case .sha256: 32
        }
    }

    /// Bytes of a block: what HMAC pads a key to (RFC 2104 §2).
    var blockByteCount: Int { 64 }

    /// OpenSSL's method: a pointer to a constant of the library.
    var method: OpaquePointer {
        switch self {
        case .md5: EVP_md5()
        case .sha1: EVP_sha1()
        case .sha256: EVP_sha256()
        }
    }
}
