import Digests
import NetworkTypes

/// Challenges telephones and checks what they answer.
///
/// No table of nonces: a nonce is the time it was made at and an HMAC over it, so that any number of strangers costs nothing. What is
/// kept is how far each nonce in use has been counted (`nc`), for a bounded number of them.
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
    /// The highest `nc` seen of each nonce, and which of the 64 below it.
    private var windows: [[UInt8]: (highest: UInt32, seen: UInt64)] = [:]
    private static let windowLimit = 20_000

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
        let nonce = nonce(at: now)
        for algorithm in offersSHA256 ? [SIPDigest.Algorithm.sha256, .md5] : [.md5] {
            var value = Array("Digest realm=".utf8) + SIPMessageWriter.quoted(realm.utf8)
            value += Array(", nonce=\"".utf8) + nonce + Array("\", algorithm=\(algorithm.rawValue), qop=\"auth\"".utf8)
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
        guard let name = parameters["username"], name.count <= 64, let nonce = parameters["nonce"], nonce.count == Self.nonceLength,
            let uri = parameters["uri"], uri.count <= 512, let response = parameters["response"], response.count <= 64,
            let algorithm = SIPDigest.Algorithm(named: parameters["algorithm"]), let made = age(of: nonce)
        else { return .challenge(isStale: false) }
        let user = String(decoding: name, as: UTF8.self)
        let usesQOP = parameters["qop"].map { $0[...].equals(ignoringCase: "auth") } ?? false
        var digest = SIPDigest(algorithm: algorithm, realm: Array(realm.utf8), nonce: nonce, usesQOP: usesQOP)
        digest.nonceCount = parameters["nc"].flatMap { HexDigits.number($0.prefix(9)) } ?? 0
        digest.clientNonce = Array((parameters["cnonce"] ?? []).prefix(256))
        let known = password(user)
        let expected = digest.response(
            user: name, password: Array((known ?? "nobody has this password").utf8), method: Array(request.methodName), uri: uri)
        guard ConstantTime.equal(expected, response), known != nil else { return .refused(user) }
        guard now.duration(since: made) <= lifetime, made <= now else { return .challenge(isStale: true) }
        guard isFresh(nonce, usesQOP ? digest.nonceCount : nil) else { return .challenge(isStale: true) }
        return .accepted(user)
    }

    private func isOurs(_ credentials: SIPCredentials) -> Bool {
        credentials.isDigest && (credentials.parameters["realm"] ?? []).elementsEqual(realm.utf8)
    }

    // MARK: Nonces

    private static let nonceLength = 16 + 32

    /// When it is made, and an HMAC over that.
    private func nonce(at now: MonotonicInstant) -> [UInt8] {
        var nonce: [UInt8] = []
        HexDigits.append(UInt64(bitPattern: now.nanoseconds), count: 16, to: &nonce)
        return nonce + signature(of: nonce)
    }

    private func signature(of time: [UInt8]) -> [UInt8] { Array(key.sign(time).hex.utf8.prefix(32)) }

    /// When a nonce of ours was made; nil for one that is not ours.
    private func age(of nonce: [UInt8]) -> MonotonicInstant? {
        let time = Array(nonce.prefix(16))
        guard ConstantTime.equal(signature(of: time), Array(nonce.suffix(32))), let high = HexDigits.number(time[..<8]),
            let low = HexDigits.number(time[8...])
        else { return nil }
        return MonotonicInstant(nanoseconds: Int64(bitPattern: UInt64(high) << 32 | UInt64(low)))
    }

    /// A count comes once; those that overtake each other on the way are let through, up to 64 behind the highest. Without `qop` a
    /// nonce may be used again for as long as it lives, which is what RFC 2069 offers.
    private func isFresh(_ nonce: [UInt8], _ count: UInt32?) -> Bool {
        guard let count else { return true }
        guard count > 0 else { return false }
        if windows.count >= Self.windowLimit, windows[nonce] == nil { windows.removeAll(keepingCapacity: true) }
        var (highest, seen) = windows[nonce] ?? (0, 0)
        if count > highest {
            let step = count - highest
            seen = step < 64 ? seen << UInt64(step) | 1 : 1
            highest = count
        } else {
            let behind = highest - count
            guard behind < 64, seen >> UInt64(behind) & 1 == 0 else { return false }
            seen |= 1 << UInt64(behind)
        }
        windows[nonce] = (highest, seen)
        return true
    }
}
