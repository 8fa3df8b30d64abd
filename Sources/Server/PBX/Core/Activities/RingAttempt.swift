import Connector
import NetworkTypes
import PBXPlan
import SIP

/// Whom to ring: one telephone, with all its contacts, or a number over one trunk.
enum RingCandidate: Hashable {
    case phone(extension: String)
    /// - Parameter toll: whose account it goes on; nil of emergency calls.
    case trunk(TrunkID, number: PhoneNumber, line: String?, toll: TollTicket?)
}

/// Rings candidates, all at once or in waves, until one answers or none does.
///
/// Legs that it calls report to it, not to the call's activity. What it comes to is told once.
final class RingAttempt {
    enum Outcome {
        case answered(PBXLeg)
        case unanswered(LegEnding)
    }

    /// Those of a wave are rung together; the next wave is rung when the one before it has come to nothing.
    struct Wave {
        var candidates: [RingCandidate]
        var time: Duration
        /// How long one may say nothing at all: then it is taken for dead. nil leaves that to `time`.
        var patience: Duration?
    }

    /// Whose call it is: what the rung telephone shows, and what its leg's `from` is.
    let caller: PBXLeg?
    let group: String?
    let handover: LegReport.Handover?
    private unowned let call: PBXCall
    private var waves: [Wave]
    private let outcome: (Outcome) -> Void
    private var legs: [PBXLeg] = []
    private var timer: TimerID?
    private var silence: TimerID?
    private var best: LegEnding?
    private(set) var isOver = false { didSet { if isOver { call.core.toll.concluded(self) } } }
    /// The calls of `TollDesk` that it rings, by their numbers.
    var tolls: [String: UInt64] = [:]
    /// Headers for the telephones, as an auto-answer.
    var lines = SIPFieldLines()
    /// Hears the first provisional answer of each leg.
    var onRinging: (PBXLeg, _ hasSound: Bool) -> Void = { _, _ in }
    /// Whether the next wave is to try after this failure; of calls to the outside, by the plan's rule.
    var goesOn: (_ status: UInt16?, _ rang: Bool) -> Bool = { _, _ in true }

    init(
        _ call: PBXCall, caller: PBXLeg?, group: String? = nil, handover: LegReport.Handover? = nil, waves: [Wave],
        outcome: @escaping (Outcome) -> Void
    ) {
        self.call = call
        self.caller = caller
        self.group = group
        self.handover = handover ?? (call.isConsultation ? .consultative : nil)
        self.waves = waves
        self.outcome = outcome
    }

    func begin() { ringNextWave() }

    private func ringNextWave() {
        while !isOver, !waves.isEmpty {
            let wave = waves.removeFirst()
            for candidate in wave.candidates { ring(candidate) }
            // Some, or all, may have failed at once.
            guard !isOver else { return }
            if !legs.isEmpty {
                timer = call.core.after(wave.time) { [weak self] in self?.timeIsUp() }
                if let patience = wave.patience {
                    silence = call.core.after(patience) { [weak self] in self?.nothingHeard() }
                }
                return
            }
        }
        if !isOver { conclude(.unanswered(best ?? LegEnding(.unreachable, cause: Cause(sip: 480, q850: 20)))) }
    }

    private func ring(_ candidate: RingCandidate) {
        switch call.core.call(candidate, for: self, in: call) {
        case .success(let called): legs += called
        case .failure(let ending): note(ending.ending)
        }
    }

    private func timeIsUp() {
        timer = nil
        let late = LegEnding(.noAnswer, cause: Cause(sip: 480, q850: 19))
        note(late)
        dismiss(legs, late)
        guard goesOn(nil, true) else { return conclude(.unanswered(late)) }
        ringNextWave()
    }

    private func nothingHeard() {
        silence = nil
        guard legs.allSatisfy({ $0.state == .trying }) else { return }
        stopTimer()
        let dead = LegEnding(.unreachable, cause: Cause(sip: 408, q850: 18))
        note(dead)
        dismiss(legs, dead)
        guard goesOn(nil, false) else { return conclude(.unanswered(dead)) }
        ringNextWave()
    }

    // MARK: What the legs do

    func progressed(_ leg: PBXLeg, _ status: UInt16, hasSound: Bool) {
        guard !isOver, leg.state == .trying, status != 100 else { return }
        leg.state = .ringing
        call.tell(.ringing, leg)
        onRinging(leg, hasSound)
    }

    func accepted(_ leg: PBXLeg) {
        guard !isOver, legs.contains(where: { $0 === leg }) else { return call.core.release(leg, status: 487) }
        leg.state = .answered
        call.tell(.answered, leg)
        call.core.toll.answered(leg)
        leg.attempt = nil
        succeed(with: leg)
    }

    /// Somebody whom it does not ring has taken the call; he is one of the call's legs already.
    func pickedUp(by leg: PBXLeg) {
        guard !isOver else { return }
        succeed(with: leg)
    }

    private func succeed(with leg: PBXLeg) {
        stopTimer()
        isOver = true
        let others = legs.filter { $0 !== leg }
        legs = []
        dismiss(others, LegEnding(.answeredElsewhere, cause: Cause(q850: 26)))
        outcome(.answered(leg))
    }

    func refused(_ leg: PBXLeg, _ ending: LegEnding) {
        let rang = leg.state >= .ringing
        legs.removeAll { $0 === leg }
        note(ending)
        call.core.ended(leg, ending)
        guard !isOver, legs.isEmpty else { return }
        stopTimer()
        guard goesOn(ending.cause.sip.map { UInt16(clamping: $0) }, rang) else { return conclude(.unanswered(ending)) }
        ringNextWave()
    }

    // MARK: End

    /// Nobody is to be rung any more; the outcome is not told.
    func stop(_ ending: LegEnding) {
        guard !isOver else { return }
        isOver = true
        stopTimer()
        let rest = legs
        legs = []
        dismiss(rest, ending)
    }

    private func conclude(_ result: Outcome) {
        isOver = true
        stopTimer()
        outcome(result)
    }

    private func dismiss(_ dismissed: [PBXLeg], _ ending: LegEnding) {
        legs.removeAll { leg in dismissed.contains { $0 === leg } }
        for leg in dismissed {
            call.core.hangUp(leg, ending)
            call.core.ended(leg, ending)
        }
    }

    private func stopTimer() {
        for running in [timer, silence] { if let running { call.core.cancel(running) } }
        timer = nil
        silence = nil
    }

    /// What is told in the end is the most telling failure: that a person said no or was busy, rather than that a telephone was off.
    private func note(_ ending: LegEnding) {
        guard let known = best else {
            best = ending
            return
        }
        if Self.weight(ending.reason) > Self.weight(known.reason) { best = ending }
    }

    private static func weight(_ reason: EndReason) -> Int {
        switch reason {
        case .busy: 4
        case .rejected: 3
        case .noAnswer: 2
        case .unreachable: 0
        default: 1
        }
    }
}
