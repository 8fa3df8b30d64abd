import Connector
import NetworkTypes
import SIP

final class PhoneDesk {
    struct Contact { let uri: SIPURI; let flow: SIPFlow; let name: String }
    enum Verdict { case phone(String); case answered }
    func contacts(of short: String) -> [Contact] { [] }
    func address(of user: String) -> SIPURI { fatalError() }
    func register(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, now: MonotonicInstant) {}
    func authenticate(_ message: SIPMessage, _ transaction: SIPTransactionID, _ flow: SIPFlow, now: MonotonicInstant) -> Verdict { .answered }
    func isKnown(_ flow: SIPFlow) -> Bool { false }
}
final class TrunkCredentials: SIPAuthorizer {
    init(user: String, password: String) {}
    func answer(_ challenge: SIPMessage, method: SIPMethod, uri: SIPURI) -> SIPFieldLines? { nil }
    func advance(method: SIPMethod, uri: SIPURI) -> SIPFieldLines? { nil }
}
