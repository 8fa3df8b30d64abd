/// What a datagram on the SIP port holds.
package enum SIPDatagram: Sendable {
    case message(SIPMessage)
    /// Nothing but line ends (RFC 5626 §3.5.1); over UDP they get no answer.
    case keepAlive
    /// A STUN message (RFC 5626 §8, RFC 8489 §5), for whoever speaks it.
    case stun

    /// Two zero bits, and the magic cookie.
    static func isSTUN(_ bytes: Span<UInt8>) -> Bool {
        bytes.count >= 20 && bytes[0] < 4 && bytes[4] == 0x21 && bytes[5] == 0x12 && bytes[6] == 0xA4 && bytes[7] == 0x42
    }

    /// The message, if it is one.
    package var message: SIPMessage? {
        guard case .message(let message) = self else { return nil }
        return message
    }
}
