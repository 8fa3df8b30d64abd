/// What a user agent tells its owner, in the order in which it happened.
package enum SIPUserAgentEvent {
    /// A request outside of our dialogs: the owner answers it (`respond`), makes a leg of it (`admit`), or passes over it in silence
    /// (`ignore`). To has a tag where the dialog it speaks of is not, or no longer, ours.
    case request(SIPMessage, SIPTransactionID, SIPFlow)
    /// 101 to 199 for our INVITE.
    case progress(SIPLegID, SIPMessage)
    /// 200 for our INVITE, which is acknowledged already. Its session, where it has one, was told before as `.answer`.
    case accepted(SIPLegID, SIPMessage)
    /// The peer has acknowledged our 200.
    case confirmed(SIPLegID)
    /// Our INVITE came to nothing; the leg is over.
    case refused(SIPLegID, SIPCallRefusal)
    /// The peer took its INVITE back, and has its 487; the leg is over.
    case cancelled(SIPLegID, reason: [UInt8]?)
    /// The leg is over, and not by our word.
    case ended(SIPLegID, SIPEnding)
    /// The peer offers another session; it waits for `answer(offer:)` or `refuseOffer`.
    case offer(SIPLegID, sdp: ArraySlice<UInt8>)
    /// The peer answers our offer.
    case answer(SIPLegID, sdp: ArraySlice<UInt8>)
    /// The peer will not have our offer: the session stays what it was.
    case offerRefused(SIPLegID, status: UInt16)
    /// Waits for `answer(referral:)`.
    case referred(SIPLegID, SIPReferral)
    /// How far the peer has come with our REFER: the status that it tells, or that it gave itself.
    case referralProgress(SIPLegID, status: UInt16, isOver: Bool)
    /// INFO, answered already (RFC 6086).
    case info(SIPLegID, SIPMessage)
    /// The answer to a request of the owner's own (`send`).
    case response(SIPMessage, SIPTransactionID, owner: UInt64)
    case failed(SIPTransactionID, owner: UInt64, SIPTransactionFailure)
    /// The leg's name means nothing from here on.
    case forgotten(SIPLegID)
}

/// Why an INVITE of ours came to nothing.
package struct SIPCallRefusal {
    /// The peer's, or 408 where nobody answered, 503 where it could not be sent.
    package let status: UInt16
    /// nil where the status is ours.
    package let response: SIPMessage?
}

/// How a leg ended by another's word.
package struct SIPEnding {
    package enum Kind: Equatable {
        /// BYE.
        case peer
        /// No ACK came for our 200, or no PRACK for our 183.
        case unacknowledged
        /// The session was not refreshed.
        case expired
        /// The peer knows nothing of the call any more, or is not to be reached.
        case lost
    }

    package let kind: Kind
    /// The request or answer that said so.
    package let message: SIPMessage?
}
