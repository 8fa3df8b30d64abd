import Connector
import NetworkTypes
import PBXPlan

/// Under whose account a call goes outside, and at what price. An emergency call has none: nothing limits it, and nobody counts it.
struct TollTicket: Hashable {
    /// The extension that calls, or that sends the call on; nil: the house.
    var caller: String?
    var price: CallPrice?
}

/// Tells `TollGuard` of each call that goes outside, whoever began it: a telephone, a transfer, a forward, a group's mobile, the CRM.
///
/// One call of the guard's is one number that one attempt rings, over however many trunks: the next trunk after one that failed is not
/// another call. It ends with its leg, or, where no trunk took it, with its attempt.
final class TollDesk {
    private unowned let core: PBXCore
    private var guardian: TollGuard
    /// Calls that are counted, with the leg that has them now; none between two trunks.
    private var legs: [UInt64: PBXLeg?] = [:]
    private var lastID: UInt64 = 0
    private var timer: TimerID?
    /// Hears what the operator is to know.
    var onAlarm: ([TollGuard.Alarm]) -> Void = { _ in }

    /// How often the money of running calls is looked at.
    static let pulse = Duration.seconds(5)

    init(_ core: PBXCore, _ plan: DialPlan) {
        self.core = core
        guardian = TollGuard(plan)
    }

    /// What is used up, for decisions.
    var spent: TollGuard { guardian }

    /// Calls that are counted now.
    var count: Int { legs.count }

    func adopt(_ plan: DialPlan) { guardian.adopt(plan) }

    // MARK: What calls do

    /// A number is about to be rung over a trunk. Decided again: others may have begun since the way was chosen.
    /// - Throws: where a limit forbids it.
    func check(_ ticket: TollTicket?, _ number: PhoneNumber, over trunk: String, for attempt: RingAttempt) throws(CallFailure) {
        guard let ticket else { return }
        let isKnown = attempt.tolls[Self.key(number)] != nil
        let obstacle =
            (isKnown ? nil : guardian.obstacle(caller: ticket.caller, number: number, at: moment))
            ?? guardian.obstacle(trunk: trunk, at: moment)
        guard let obstacle else { return }
        refused(obstacle)
        throw CallFailure(.blocked, sip: 403, q850: 21, obstacle.words)
    }

    /// A trunk is tried for a number.
    func began(_ leg: PBXLeg, _ ticket: TollTicket?, _ number: PhoneNumber, over trunk: String, for attempt: RingAttempt) {
        guard let ticket else { return }
        var alarms: [TollGuard.Alarm] = []
        let id: UInt64
        if let known = attempt.tolls[Self.key(number)], legs[known] != nil {
            id = known
        } else {
            lastID += 1
            id = lastID
            attempt.tolls[Self.key(number)] = id
            alarms = guardian.begin(id, caller: ticket.caller, number: number, at: moment)
        }
        alarms += guardian.attempt(id, trunk: trunk, price: ticket.price, at: moment)
        legs[id] = leg
        leg.toll = id
        tell(alarms)
        wake()
    }

    func answered(_ leg: PBXLeg) { if let id = leg.toll { guardian.answered(id, at: moment) } }

    /// A leg is over. While its attempt goes on, the next trunk may have the call.
    func ended(_ leg: PBXLeg) {
        guard let id = leg.toll else { return }
        leg.toll = nil
        if let attempt = leg.attempt, !attempt.isOver {
            legs[id] = .some(nil)
        } else {
            end(id)
        }
    }

    /// Nobody else is rung by this attempt: what no trunk took is over.
    func concluded(_ attempt: RingAttempt) {
        for id in attempt.tolls.values { if case .some(nil) = legs[id] { end(id) } }
    }

    /// The same talk goes on as another leg.
    func moved(from leg: PBXLeg, to other: PBXLeg) {
        guard let id = leg.toll else { return }
        leg.toll = nil
        other.toll = id
        legs[id] = other
    }

    /// A limit stood in a call's way.
    func refused(_ obstacle: TollGuard.Obstacle) { tell(guardian.refused(obstacle, at: moment).map { [$0] } ?? []) }

    /// No call, or no trunk of it, for a limit's sake.
    func note(_ decision: OutgoingDecision) {
        if case .limit(let obstacle)? = decision.refusal { refused(obstacle) }
        for passed in decision.passedOver { if case .limit(let obstacle) = passed.reason { refused(obstacle) } }
    }

    private func end(_ id: UInt64) {
        legs[id] = nil
        tell(guardian.end(id, at: moment))
    }

    // MARK: What goes on

    private func wake() {
        guard timer == nil, !legs.isEmpty else { return }
        timer = core.after(Self.pulse) { [weak self] in self?.look() }
    }

    /// Ends what goes on though its money is spent, and tells of what has come near.
    private func look() {
        timer = nil
        tell(guardian.alarms(at: moment))
        for id in guardian.exhausted(at: moment).sorted() {
            guard case .some(let leg?) = legs[id] else { continue }
            leg.call.end(.blocked, by: .system, cause: Cause(q850: 21, text: "the money of a limit is spent"), status: 403)
        }
        wake()
    }

    private func tell(_ alarms: [TollGuard.Alarm]) { if !alarms.isEmpty { onAlarm(alarms) } }

    private var moment: Instant { core.wallClock() }

    private static func key(_ number: PhoneNumber) -> String { number.e164 ?? number.raw }
}

extension TollGuard.Alarm {
    /// For the operator.
    var words: String {
        switch level {
        case .near: obstacle.words.replacingReached
        case .reached: obstacle.words
        case .refused: obstacle.words + ": a call was refused"
        }
    }
}

extension String {
    fileprivate var replacingReached: String {
        hasSuffix("is reached") ? dropLast("is reached".count) + "is nearly reached" : self
    }
}
