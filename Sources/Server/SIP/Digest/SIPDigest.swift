import Digests

/// The arithmetic of digest authentication (RFC 2617, RFC 7616, RFC 8760), for both sides.
struct SIPDigest: Equatable {
    /// In the order in which we like them.
    enum Algorithm: String, CaseIterable {
        case sha256 = "SHA-256"
        case sha256Session = "SHA-256-sess"
        case md5 = "MD5"
        case md5Session = "MD5-sess"

        /// By its name in a challenge or in credentials, whatever the case; MD5 where there is none. nil for one that we do not have.
        init?(named name: [UInt8]?) {
            guard let name else {
                self = .md5
                return
            }
            let text = String(decoding: name.prefix(32), as: UTF8.self).lowercased()
            guard let known = Self.allCases.first(where: { $0.rawValue.lowercased() == text }) else { return nil }
            self = known
        }

        var hash: DigestAlgorithm { self == .sha256 || self == .sha256Session ? .sha256 : .md5 }
        var isSession: Bool { self == .sha256Session || self == .md5Session }
    }

    let algorithm: Algorithm
    let realm: [UInt8]
    let nonce: [UInt8]
    /// Whether the peer wants `qop=auth`; else RFC 2069's short form.
    let usesQOP: Bool
    var nonceCount: UInt32 = 1
    var clientNonce: [UInt8] = []

    /// `response` in lowercase hexadecimal digits.
    func response(user: [UInt8], password: [UInt8], method: [UInt8], uri: [UInt8]) -> [UInt8] {
        response(secret: Self.secret(algorithm, user: user, realm: realm, password: password), method: method, uri: uri)
    }

    /// - Parameter secret: H(user:realm:password), in hexadecimal digits.
    func response(secret: [UInt8], method: [UInt8], uri: [UInt8]) -> [UInt8] {
        let first = algorithm.isSession ? hash(secret, nonce, clientNonce) : secret
        let second = hash(method, uri)
        return usesQOP
            ? hash(first, nonce, count, clientNonce, Array("auth".utf8), second) : hash(first, nonce, second)
    }

    static func secret(_ algorithm: Algorithm, user: [UInt8], realm: [UInt8], password: [UInt8]) -> [UInt8] {
        SIPDigest(algorithm: algorithm, realm: [], nonce: [], usesQOP: false).hash(user, realm, password)
    }

    /// `nc`: eight hexadecimal digits.
    var count: [UInt8] {
        let digits = String(nonceCount, radix: 16)
        return Array(repeating: 0x30, count: max(0, 8 - digits.utf8.count)) + Array(digits.utf8)
    }

    private func hash(_ parts: [UInt8]...) -> [UInt8] {
        var digest = Digest(algorithm.hash)
        for (place, part) in parts.enumerated() {
            if place > 0 { digest.update([.colon]) }
            digest.update(part)
        }
        return Array(digest.finish().hex.utf8)
    }
}
