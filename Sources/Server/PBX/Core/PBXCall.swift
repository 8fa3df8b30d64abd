import Connector
import Media
import NetworkTypes
import PBXPlan
import SIP

/// One conversation in the PBX: who called, whom it rings, who talks, and what is to become of it.
///
/// What it does at the moment is its `activity`; what is to come, its `script`.
final class PBXCall {
    let name: String
    /// What is written down of it; of a consultation, together with the call that waits for it.
    let book: CallBook
    /// Whether it is the talk of an employee who has another call on hold: that call's record tells of it.
    let isConsultation: Bool
    unowned let core: PBXCore
    let direction: Direction
    let origin: Origin
    /// Our number that was called, or is shown; nil inside the house.
    var line: String?
    /// What was dialled or called, for the script's decisions.
    let dialled: String
    let began: Instant
    /// Who called in; of a call that the CRM began, the employee who was rung first.
    var caller: PBXLeg?
    private(set) var legs: [PBXLeg] = []
    var activity: (any CallActivity)?
    var script: CallScript
    var recorder: CallRecorder
    /// The command that asked for it.
    var command: String?
    /// The name that came with the caller's number.
    var callerName: String?
    /// The member of a queue who took it.
    var queueMember: (queue: String, member: RingTarget)?
    private(set) var isOver = false
    /// Of a consultation: the leg, in the call that waits, of who asks.
    private let askingLeg: String?

    init(
        _ name: String, in core: PBXCore, direction: Direction, origin: Origin, line: String?, dialled: String,
        consultationOf other: PBXCall? = nil
    ) {
        self.name = name
        book = other?.book ?? CallBook(name)
        isConsultation = other != nil
        askingLeg = other?.liveLegs.first { $0.isHoldingUs && !$0.isCaller }?.name
        book.open()
        self.core = core
        self.direction = direction
        self.origin = origin
        self.line = line
        self.dialled = dialled
        began = core.wallClock()
        recorder = CallRecorder()
        script = CallScript([], of: core.plan)
    }

    // MARK: Legs

    func nextLegName() -> String { book.nextLegName() }

    func add(_ leg: PBXLeg) { legs.append(leg) }

    /// Takes a leg out that another call takes over.
    func remove(_ leg: PBXLeg) { legs.removeAll { $0 === leg } }

    var liveLegs: [PBXLeg] { legs.filter { $0.state != .ended } }

    // MARK: Telling

    /// Writes down one moment, numbered in its order.
    func tell(_ fact: PBXRecord.Fact, at moment: Instant? = nil) {
        core.outlet(book.record(fact, at: moment ?? core.wallClock()))
    }

    func tell(
        _ phase: PBXRecord.LegMoment.Phase, _ leg: PBXLeg, reason: EndReason? = nil, cause: Cause = Cause(),
        isTransferredAway: Bool = false, at moment: Instant? = nil
    ) {
        // Whoever called in has no leg of his own: he is `from` of the others.
        guard !leg.isCaller || leg.parent != nil else { return }
        tell(
            .leg(
                PBXRecord.LegMoment(
                    phase, leg: leg.name, from: leg.parent?.party ?? caller.flatMap { $0 === leg ? nil : $0.party },
                    to: leg.party,
                    parent: leg.parent.flatMap { $0.isCaller ? nil : $0.name } ?? askingLeg,
                    handover: leg.handover ?? leg.attempt?.handover,
                    group: leg.attempt?.group, trunk: leg.trunk?.description, sipCallID: leg.sipCallID,
                    codec: leg.session.codecName, reason: reason, isTransferredAway: isTransferredAway, cause: cause,
                    quality: phase == .ended ? leg.quality : nil)), at: moment)
    }

    // MARK: Course

    /// Does something else from now on.
    func begin(_ next: any CallActivity) {
        activity?.leave()
        activity = next
        next.enter()
    }

    /// What was done is done: on with the script.
    func proceed() { begin(script.next(for: self)) }

    /// The call is over: whoever is still there is hung up on, and the last record is written. Once.
    func end(_ reason: EndReason, by: Call.EndedBy? = nil, cause: Cause = Cause(), status: UInt16 = 480) {
        guard !isOver else { return }
        isOver = true
        activity?.leave()
        activity = nil
        recorder.finish(in: self)
        for leg in liveLegs { core.release(leg, status: status, cause: cause) }
        if let (queue, member) = queueMember { core.queues.talked(member, in: queue) }
        if let last = book.close(isConsultation ? nil : PBXRecord.Ending(reason, by: by, cause: cause)) { tell(.ended(last)) }
        core.forget(self)
    }
}

/// Numbers what is told of one call, its consultations included: the end is told when the last of them is over.
final class CallBook {
    let call: String
    private var sequence = 0
    private var legCount = 0
    private var users = 0
    private var ending: PBXRecord.Ending?

    init(_ call: String) { self.call = call }

    func nextLegName() -> String {
        legCount += 1
        return String(legCount)
    }

    /// One more writes in it.
    func open() { users += 1 }

    /// One is done.
    /// - Parameter ending: the call's; nil of a consultation.
    /// - Returns: what is to be told now, where this was the last one.
    func close(_ ending: PBXRecord.Ending?) -> PBXRecord.Ending? {
        users -= 1
        self.ending = ending ?? self.ending
        return users == 0 ? self.ending : nil
    }

    func record(_ fact: PBXRecord.Fact, at moment: Instant) -> PBXRecord {
        sequence += 1
        return PBXRecord(call: call, sequence: sequence, at: moment, fact)
    }
}
