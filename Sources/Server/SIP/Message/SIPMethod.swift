/// A request's method, as far as we know it; any other token is `.other`, and its bytes are in the message.
///
/// Methods are compared with regard to case, and `%` is no escape in them (RFC 3261 §7.1).
package enum SIPMethod: String, Sendable, CaseIterable {
    case invite = "INVITE"
    case ack = "ACK"
    case bye = "BYE"
    case cancel = "CANCEL"
    case options = "OPTIONS"
    case register = "REGISTER"
    case prack = "PRACK"
    case update = "UPDATE"
    case info = "INFO"
    case refer = "REFER"
    case subscribe = "SUBSCRIBE"
    case notify = "NOTIFY"
    case message = "MESSAGE"
    case publish = "PUBLISH"
    case other = ""

    init(_ bytes: Span<UInt8>, _ range: Range<Int>) {
        guard range.count <= 9 else {
            self = .other
            return
        }
        var letters: UInt128 = 0
        for index in range { letters = letters << 8 | UInt128(bytes[index]) }
        self = Self.byLetters(letters)
    }

    /// The letters as one number, the last one lowest.
    private static func byLetters(_ letters: UInt128) -> SIPMethod {
        switch letters {
        case 0x494E_5649_5445: .invite
        case 0x41434B: .ack
        case 0x425945: .bye
        case 0x4341_4E43_454C: .cancel
        case 0x4F_5054_494F_4E53: .options
        case 0x5245_4749_5354_4552: .register
        case 0x50_5241_434B: .prack
        case 0x5550_4441_5445: .update
        case 0x494E_464F: .info
        case 0x52_4546_4552: .refer
        case 0x53_5542_5343_5249_4245: .subscribe
        case 0x4E4F_5449_4659: .notify
        case 0x4D_4553_5341_4745: .message
        case 0x50_5542_4C49_5348: .publish
        default: .other
        }
    }
}
