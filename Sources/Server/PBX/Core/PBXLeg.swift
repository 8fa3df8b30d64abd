import Connector
import Media
import NetworkTypes
import SIP

/// The PBX's relation to one telephone or number in one call: its signalling, its sound, and what was agreed on with it.
final class PBXLeg {
    enum State: Comparable {
        /// Its INVITE is on the way, or ours to it is.
        case trying
        case ringing
        case answered
        case ended
    }

    /// Where the peer is.
    enum Place: Equatable {
        case phone(extension: String, contact: String)
        case trunk(TrunkID, number: String)
    }

    /// Unique in its call; what the records say.
    let name: String
    let place: Place
    unowned var call: PBXCall
    var sip: SIPLegID?
    var state = State.trying {
        // Who talks is busy, and no longer only rung.
        didSet { if state == .answered, oldValue != .answered, let short = self.extension { call.core.onPresence(short) } }
    }
    var session: LegSession
    /// The attempt by which it is called; nil of whoever called in, and once it has answered.
    var attempt: RingAttempt?
    /// The leg of whom it was called for: it speaks for that one's party.
    let parent: PBXLeg?
    /// How it came out of a transfer, where no attempt says so.
    var handover: LegReport.Handover?
    /// Whether its peer called us.
    let isCaller: Bool
    /// Whether the peer has us on hold.
    var isHoldingUs = false
    /// Whether it is on hold by a command: it hears music, and nobody hears it.
    var isHeldByCommand = false
    /// What `TollDesk` counts it as; nil of what costs nothing.
    var toll: UInt64?
    /// The Call-ID of its dialog.
    var sipCallID: String?
    /// REFERs of the peer that are under way.
    var referral: UInt32?
    /// Measured when its stream closed.
    var quality: PBXRecord.Quality?

    init(_ name: String, _ place: Place, in call: PBXCall, session: LegSession, isCaller: Bool, parent: PBXLeg? = nil) {
        self.name = name
        self.place = place
        self.call = call
        self.session = session
        self.isCaller = isCaller
        self.parent = parent
    }

    var stream: MediaStreamID { session.port.id }

    /// Who is there, in the record's words.
    var party: Party {
        switch place {
        case .phone(let short, let contact): .user(extension: short, endpoint: contact)
        case .trunk(_, let number): .external(number: number.isEmpty ? nil : number)
        }
    }

    /// The employee's short number; nil for whoever is outside.
    var `extension`: String? {
        guard case .phone(let short, _) = place else { return nil }
        return short
    }

    var trunk: TrunkID? {
        guard case .trunk(let trunk, _) = place else { return nil }
        return trunk
    }
}
