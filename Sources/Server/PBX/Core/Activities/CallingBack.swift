import Connector
import Media
import PBXPlan
import SIP

/// A call that the CRM began: the employee's telephone rings first; when he has taken it, the number is called for him.
final class CallingBack: CallActivity {
    private unowned let call: PBXCall
    private let phone: PlanExtension
    private let meant: DialledText
    private var attempt: RingAttempt?

    init(_ call: PBXCall, _ phone: PlanExtension, to meant: DialledText) {
        self.call = call
        self.phone = phone
        self.meant = meant
    }

    func enter() {
        let wave = RingAttempt.Wave(candidates: [.phone(extension: phone.number)], time: .seconds(30))
        let attempt = RingAttempt(call, caller: nil, waves: [wave]) { [unowned self] in concluded($0) }
        attempt.lines = autoAnswer
        self.attempt = attempt
        attempt.begin()
    }

    /// The header that makes the telephone pick up by itself, where its extension has one.
    private var autoAnswer: SIPFieldLines {
        var lines = SIPFieldLines()
        guard let header = phone.autoAnswer else { return lines }
        // The plan was checked for what no header may hold.
        try? lines.add(named: header.name, header.value)
        return lines
    }

    private func concluded(_ outcome: RingAttempt.Outcome) {
        attempt = nil
        switch outcome {
        case .answered(let leg):
            call.caller = leg
            call.core.dial(meant, for: call, by: phone.number)
        case .unanswered(let ending): call.end(ending.reason, by: .system, cause: ending.cause)
        }
    }

    func leave() { attempt?.stop(LegEnding(.byCommand)) }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
