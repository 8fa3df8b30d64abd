/// An INVITE that is to be sent.
package struct SIPCallRequest {
    /// The Request-URI.
    package var target: SIPURI
    /// Who calls: a name for people, as UTF-8, and an address of ours.
    package var displayName: [UInt8]
    package var from: SIPURI
    package var to: SIPURI
    /// Where it is sent: an address that was resolved already.
    package var flow: SIPFlow
    package var offer: [UInt8]
    /// More headers: P-Asserted-Identity, Alert-Info, Diversion.
    package var lines = SIPFieldLines()
    package var maxForwards: UInt8 = 70
    /// Answers challenges; nil takes one for a refusal.
    package var authorizer: (any SIPAuthorizer)?
    /// Seconds of Session-Expires; nil for the user agent's own wish.
    package var sessionInterval: UInt32?

    package init(target: SIPURI, from: SIPURI, displayName: [UInt8] = [], to: SIPURI, flow: SIPFlow, offer: [UInt8]) {
        self.target = target
        self.from = from
        self.displayName = displayName
        self.to = to
        self.flow = flow
        self.offer = offer
    }
}

/// Knows the credentials for one peer: a trunk's account.
package protocol SIPAuthorizer: AnyObject {
    /// The header that answers a challenge, to be sent with the repeated request; nil where the peer will not have what we know.
    func answer(_ challenge: SIPMessage, method: SIPMethod, uri: SIPURI) -> SIPFieldLines?
    /// The header to send before anybody asks, by the last challenge; nil where there was none.
    func advance(method: SIPMethod, uri: SIPURI) -> SIPFieldLines?
}

/// What a peer asks by REFER (RFC 3515): to call somebody in its stead.
package struct SIPReferral: Sendable {
    /// Names it in the NOTIFYs that tell how it goes.
    package let id: UInt32
    /// Whom to call, without the URI's headers.
    package let target: SIPURI
    /// The call that the new one takes the place of, where the transfer is attended (RFC 3891).
    package let replaces: SIPReplaces?
    /// As written; nil where the peer does not say.
    package let referredBy: [UInt8]?
    /// Whether the peer wants no NOTIFYs (RFC 4488).
    package let isQuiet: Bool
}

/// Which dialog a call is to take the place of (RFC 3891 §6), as its receiver sees it: `to-tag` is ours.
package struct SIPReplaces: Sendable, Equatable {
    package let callID: [UInt8]
    package let toTag: [UInt8]
    package let fromTag: [UInt8]
    package let isEarlyOnly: Bool

    /// Reads the value of a Replaces header, or of a URI's header of that name with its escapes undone.
    package init?(_ value: some Collection<UInt8>) {
        var parts = value.split(separator: UInt8.semicolon, omittingEmptySubsequences: false).map { Self.trimmed(Array($0)) }
        guard parts.count >= 3, parts.count <= 16, !parts[0].isEmpty else { return nil }
        callID = parts.removeFirst()
        var tags: [String: [UInt8]] = [:]
        for part in parts {
            let halves = part.split(separator: UInt8.equals, maxSplits: 1)
            guard let name = halves.first else { continue }
            tags[String(decoding: Self.trimmed(Array(name)), as: UTF8.self).lowercased()] =
                halves.count > 1 ? Self.trimmed(Array(halves[1])) : []
        }
        guard let to = tags["to-tag"], let from = tags["from-tag"] else { return nil }
        toTag = to
        fromTag = from
        isEarlyOnly = tags["early-only"] != nil
    }

    private static func trimmed(_ bytes: [UInt8]) -> [UInt8] {
        Array(bytes.drop(while: \.isLinearSpace).reversed().drop(while: \.isLinearSpace).reversed())
    }
}
