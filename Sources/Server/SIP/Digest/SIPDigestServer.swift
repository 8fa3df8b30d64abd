import Digests
import NetworkTypes

/// Challenges telephones and checks what they answer.
///
/// No table of nonces: a nonce is the time it was made at, a number, and an HMAC over both, so that any number of strangers costs
/// nothing. What is kept is how far each nonce in use has been counted (`nc`), for a bounded number of them.
package final class SIPDigestServer {
    package enum Verdict: Equatable {
        /// The user's name as he gave it.
        case accepted(String)
        /// He is to answer a challenge: none came, or its nonce is too old (then `isStale`, and his password was right).
        case challenge(isStale: Bool)
        /// He knows no password of ours.
        case refused(String)
    }

    package let realm: String
    private let key: KeyedDigest
    private let lifetime: Duration
    private let offersSHA256: Bool
    private var counts = SIPNonceCounts()
    /// Of nonces made: several telephones may be challenged at one moment of the loop's clock, and each counts for itself.
    private var serial: UInt32 = 0

    /// - Parameters:
    ///   - key: random bytes of this process.
    ///   - offersSHA256: whether a SHA-256 challenge goes before that of MD5; many telephones take only the first.
    package init(realm: String, key: [UInt8], lifetime: Duration = .seconds(300), offersSHA256: Bool = false) {
        self.realm = realm
        self.key = KeyedDigest(hmac: .sha256, key: key)
        self.lifetime = lifetime
        self.offersSHA256 = offersSHA256
    }

    /// Headers of a 401.
    package func challenge(isStale: Bool, at now: MonotonicInstant) -> SIPFieldLines {
        var lines = SIPFieldLines()
        for algorithm in offersSHA256 ? [SIPDigest.Algorithm.sha256, .md5] : [.md5] {
            var value = Array("Digest realm=".utf8) + SIPMessageWriter.quoted(realm.utf8)
            value += Array(", nonce=\"".utf8) + nonce(at: now) + Array("\", algorithm=\(algorithm.rawValue), qop=\"auth\"".utf8)
            if isStale { value += Array(", stale=true".utf8) }
            lines.add(.wwwAuthenticate, parsed: value[...])
        }
        return lines
    }

    /// Judges a request by its one credential for our realm.
    /// - Parameter password: of a user; nil where there is none of that name. The work is the same.
    package func judge(_ request: SIPMessage, at now: MonotonicInstant, password: (String) -> String?) -> Verdict {
        let given = (try? request.credentials(.authorization)) ?? []
        guard let credentials = given.first(where: isOurs) else { return .challenge(isStale: false) }
        let parameters = credentials.parameters
        guard let name = parameters["username"], name.count <= 64, let nonce = parameters["nonce"],
            nonce.count == Self.nonceLength,
            let uri = parameters["uri"], uri.count <= 512, let response = parameters["response"], response.count <= 64,
            let algorithm = SIPDigest.Algorithm(named: parameters["algorithm"]), let made = moment(of: nonce)
        else { return .challenge(isStale: false) }
        let user = String(decoding: name, as: UTF8.self)
        let usesQOP = parameters["qop"].map { $0[...].equals(ignoringCase: "auth") } ?? false
        var digest = SIPDigest(algorithm: algorithm, realm: Array(realm.utf8), nonce: nonce, usesQOP: usesQOP)
        digest.nonceCount = parameters["nc"].flatMap { $0.count == 8 ? HexDigits.number($0[...]) : nil } ?? 0
        digest.clientNonce = Array((parameters["cnonce"] ?? []).prefix(256))
        let known = password(user)
        let expected = digest.response(
            user: name, password: Array((known ?? "nobody has this password").utf8), method: Array(request.methodName), uri: uri)
        guard ConstantTime.equal(expected, response), known != nil else { return .refused(user) }
        guard now.duration(since: made) <= lifetime, made <= now else { return .challenge(isStale: true) }
        guard usesQOP else { return isMeant(uri, request) ? .accepted(user) : .refused(user) }
        return counts.take(digest.nonceCount, of: nonce, madeAt: made) ? .accepted(user) : .challenge(isStale: true)
    }

    /// Without `qop` nothing is counted and credentials may come again: then only for the same target (RFC 7616 §3.4.6), so that who
    /// overheard a cheap call does not place a dear one with them. With `qop` telephones are free in how they write the URI.
    private func isMeant(_ uri: [UInt8], _ request: SIPMessage) -> Bool {
        guard let meant = try? SIPURI(uri), let target = request.requestURI else { return false }
        return meant.isEquivalent(to: target)
    }

    private func isOurs(_ credentials: SIPCredentials) -> Bool {
        credentials.isDigest && (credentials.parameters["realm"] ?? []).elementsEqual(realm.utf8)
    }

    // MARK: Nonces

    private static let headLength = 16 + 8
    private static let nonceLength = headLength + 32

    /// When it is made, its number, and an HMAC over them.
    private func nonce(at now: MonotonicInstant) -> [UInt8] {
        var nonce: [UInt8] = []
        serial &+= 1
        HexDigits.append(UInt64(bitPattern: now.nanoseconds), count: 16, to: &nonce)
        HexDigits.append(UInt64(serial), count: 8, to: &nonce)
        return nonce + signature(of: nonce)
    }

    private func signature(of head: [UInt8]) -> [UInt8] { Array(key.sign(head).hex.utf8.prefix(32)) }

    /// When a nonce of ours was made; nil for one that is not ours.
    private func moment(of nonce: [UInt8]) -> MonotonicInstant? {
        let head = Array(nonce.prefix(Self.headLength))
        guard ConstantTime.equal(signature(of: head), Array(nonce.suffix(32))), let high = HexDigits.number(head[..<8]),
            let low = HexDigits.number(head[8..<16])
        else { return nil }
        return MonotonicInstant(nanoseconds: Int64(bitPattern: UInt64(high) << 32 | UInt64(low)))
    }
}
