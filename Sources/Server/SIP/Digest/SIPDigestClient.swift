/// Answers challenges with one account's password, and goes on with what they said before it is asked again.
///
/// The realm is the challenge's, whatever the account's domain (MultiFon says `BREDBAND`). `nc` grows with each request and the client's
/// nonce is new each time, since some providers refuse repetitions. Of several challenges the strongest that we have is answered.
package final class SIPDigestClient: SIPAuthorizer {
    private let user: [UInt8]
    private let password: [UInt8]
    private let chance: () -> UInt64
    private var current: (digest: SIPDigest, opaque: [UInt8]?, isProxy: Bool)?

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
        guard let (digest, opaque) = digests.min(by: { Self.rank($0.0.algorithm) < Self.rank($1.0.algorithm) }) else {
            return nil
        }
        current = (digest, opaque, isProxy)
        current?.digest.nonceCount = 0
        return advance(method: method, uri: uri)
    }

    package func advance(method: SIPMethod, uri: SIPURI) -> SIPFieldLines? {
        guard let (known, opaque, isProxy) = current else { return nil }
        var digest = known
        digest.nonceCount &+= 1
        // A session's secret holds the first of the client's nonces for as long as the challenge lasts (RFC 7616 §3.4.2).
        if !digest.algorithm.isSession || digest.clientNonce.isEmpty {
            digest.clientNonce = Array(String(chance(), radix: 16).utf8)
        }
        current?.digest = digest
        let uri = Array(uri.written)
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
        if let opaque { value += Array(", opaque=".utf8) + SIPMessageWriter.quoted(opaque) }
        var lines = SIPFieldLines()
        lines.add(isProxy ? .proxyAuthorization : .authorization, parsed: value[...])
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
