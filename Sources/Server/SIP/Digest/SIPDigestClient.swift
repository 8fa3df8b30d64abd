/// Answers challenges with one account's password, and goes on with what they said before it is asked again.
///
/// The realm is the challenge's, whatever the account's domain (MultiFon says `BREDBAND`). `nc` grows with each request and the client's
/// nonce is new each time, since some providers refuse repetitions. Of several challenges the strongest that we have is answered.
///
/// REGISTER and all else are challenged apart, by a registrar and by a proxy, so each goes on with its own challenge; what was challenged
/// by nobody yet tries the other's. How often a nonce was used is one count for both.
package final class SIPDigestClient: SIPAuthorizer {
    private let user: [UInt8]
    private let password: [UInt8]
    private let chance: () -> UInt64
    private var ofRegistration: Known?
    private var ofCalls: Known?

    /// A challenge that is answered until the next one.
    private struct Known {
        var digest: SIPDigest
        let opaque: [UInt8]?
        let isProxy: Bool
        let use: NonceUse
    }

    /// How many requests went with a nonce (`nc`), whoever challenged with it and how often (RFC 7616 §3.4).
    private final class NonceUse {
        var count: UInt32 = 0
    }

    /// - Parameter chance: unguessable numbers.
    package init(user: String, password: String, chance: @escaping () -> UInt64) {
        self.user = Array(user.utf8)
        self.password = Array(password.utf8)
        self.chance = chance
    }

    package func answer(_ challenge: SIPMessage, method: SIPMethod, uri: SIPURI) -> SIPFieldLines? {
        let isProxy = challenge.status == 407
        let offered = (try? challenge.credentials(isProxy ? .proxyAuthenticate : .wwwAuthenticate)) ?? []
        let digests = offered.compactMap { challenge in Self.digest(challenge).map { ($0, challenge.parameters["opaque"]) } }
        guard let (best, opaque) = digests.min(by: { Self.rank($0.0.algorithm) < Self.rank($1.0.algorithm) }) else {
            return nil
        }
        var digest = best
        // A session's secret holds the first of the client's nonces for as long as the challenge lasts (RFC 7616 §3.4.2).
        if digest.algorithm.isSession { digest.clientNonce = freshNonce() }
        self[method] = Known(digest: digest, opaque: opaque, isProxy: isProxy, use: use(of: digest))
        return advance(method: method, uri: uri)
    }

    /// What a method goes on with.
    private subscript(_ method: SIPMethod) -> Known? {
        get { method == .register ? ofRegistration ?? ofCalls : ofCalls ?? ofRegistration }
        set { if method == .register { ofRegistration = newValue } else { ofCalls = newValue } }
    }

    /// A nonce that comes again is counted on: beginning anew would repeat what was sent.
    private func use(of digest: SIPDigest) -> NonceUse {
        let known = [ofRegistration, ofCalls].compactMap(\.self)
        return known.first { $0.digest.nonce == digest.nonce && $0.digest.realm == digest.realm }?.use ?? NonceUse()
    }

    package func advance(method: SIPMethod, uri: SIPURI) -> SIPFieldLines? {
        guard var known = self[method] else { return nil }
        known.use.count &+= 1
        known.digest.nonceCount = known.use.count
        if !known.digest.algorithm.isSession { known.digest.clientNonce = freshNonce() }
        return written(known, method: method, uri: Array(uri.written))
    }

    private func freshNonce() -> [UInt8] { Array(String(chance(), radix: 16).utf8) }

    private func written(_ known: Known, method: SIPMethod, uri: [UInt8]) -> SIPFieldLines {
        let digest = known.digest
        let response = digest.response(user: user, password: password, method: Array(method.rawValue.utf8), uri: uri)
        var value = Array("Digest username=".utf8) + SIPMessageWriter.quoted(user)
        value += Array(", realm=".utf8) + SIPMessageWriter.quoted(digest.realm)
        value += Array(", nonce=".utf8) + SIPMessageWriter.quoted(digest.nonce)
        value += Array(", uri=".utf8) + SIPMessageWriter.quoted(uri)
        value += Array(", response=\"".utf8) + response + Array("\", algorithm=\(digest.algorithm.rawValue)".utf8)
        if digest.usesQOP {
            value += Array(", qop=auth, nc=".utf8) + digest.count + Array(", cnonce=\"".utf8) + digest.clientNonce + [.quote]
        } else if digest.algorithm.isSession {
            value += Array(", cnonce=\"".utf8) + digest.clientNonce + [.quote]
        }
        if let opaque = known.opaque { value += Array(", opaque=".utf8) + SIPMessageWriter.quoted(opaque) }
        var lines = SIPFieldLines()
        lines.add(known.isProxy ? .proxyAuthorization : .authorization, parsed: value[...])
        return lines
    }

    /// What a challenge asks for; nil for another scheme, an algorithm or a quality that we do not have.
    private static func digest(_ challenge: SIPCredentials) -> SIPDigest? {
        let parameters = challenge.parameters
        guard challenge.isDigest, let nonce = parameters["nonce"], let realm = parameters["realm"],
            nonce.count <= 512, realm.count <= 512, let algorithm = SIPDigest.Algorithm(named: parameters["algorithm"])
        else { return nil }
        guard let qualities = parameters["qop"] else {
            return SIPDigest(algorithm: algorithm, realm: realm, nonce: nonce, usesQOP: false)
        }
        let hasAuth = qualities.split(separator: .comma).contains { quality in
            quality.filter { !$0.isLinearSpace }[...].equals(ignoringCase: "auth")
        }
        return hasAuth ? SIPDigest(algorithm: algorithm, realm: realm, nonce: nonce, usesQOP: true) : nil
    }

    private static func rank(_ algorithm: SIPDigest.Algorithm) -> Int {
        SIPDigest.Algorithm.allCases.firstIndex(of: algorithm) ?? 9
    }
}
