import Connector

/// The causes of Q.850 by which Asterisk says why a leg ended that nobody took. SIP's 603 comes as 21, 486 as 17, 404 as 1.
enum HangupCause {
    /// `nil` for a cause that says nothing of that: 0 (unknown) and 16 (normal) among them.
    static func reason(_ cause: Int?) -> EndReason? {
        switch cause {
        case 1, 28: .invalidNumber
        case 2, 3, 20, 27: .unreachable
        case 17: .busy
        case 18, 19: .noAnswer
        case 21: .rejected
        case 34, 38, 41, 42, 44, 47, 58, 88: .failed
        default: nil
        }
    }

    /// Cleared in the ordinary way, or for no reason that was told.
    static func isPlain(_ cause: Int?) -> Bool { cause == 0 || cause == 16 }
    /// Another telephone took the call.
    static let answeredElsewhere = 26
    /// What the caller's CANCEL makes of his own leg (interworking).
    static let canceled = 127
}
