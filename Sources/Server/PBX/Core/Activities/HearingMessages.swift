import Connector
import Media
import PBXPlan

/// Plays an employee the messages of his box, the newest first: # goes on to the next.
final class HearingMessages: CallActivity {
    private unowned let call: PBXCall
    private let short: String
    private var rest: [String] = []

    init(_ call: PBXCall, of short: String) {
        self.call = call
        self.short = short
    }

    func enter() {
        let boxes = call.core.plan.voicemail.values.filter { $0.owners.contains(short) }.map(\.name)
        rest = call.core.messages(boxes)
        call.core.accept(callerOf: call)
        next()
    }

    private func next() {
        guard let caller = call.caller else { return }
        guard !rest.isEmpty else { return call.end(.normal, by: .system, cause: Cause(q850: 16)) }
        call.core.media.play(caller.stream, .file(rest.removeFirst()))
    }

    func played(to leg: PBXLeg) { next() }

    func pressed(_ key: Character, on leg: PBXLeg) { if key == "#" { next() } }

    func leave() { if let caller = call.caller { call.core.media.stop(caller.stream) } }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
