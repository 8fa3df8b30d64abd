import Connector
import Synchronization

/// What the operator is told of the PBX: what it listens on, and what is amiss with it now. Told anew with each change.
///
/// Shared by the signalling loop and whoever runs the PBX.
final class PBXBulletin: Sendable {
    private struct State {
        var base = Upkeep(.starting, "the PBX begins")
        var alarms: [TollWords: Instant] = [:]
        var prompts: [String: String] = [:]
        var recordings: String?
        var report: (@Sendable (Upkeep) -> Void)?
        var alarmCount = 0
    }

    /// One alarm as it reads, which is also what it is known by.
    private typealias TollWords = String

    private let state = Mutex(State())
    /// How long an alarm stands; it is told again each hour while it lasts.
    private static let alarmTime = Duration.seconds(3600)
    /// Prompts that are named; of more only how many.
    private static let namedPrompts = 5

    /// Alarms of limits so far.
    var alarmCount: Int { state.withLock { $0.alarmCount } }

    /// Somebody listens from now on, and hears at once how it stands.
    func report(_ base: Upkeep, to report: @escaping @Sendable (Upkeep) -> Void) {
        tell { state in
            state.base = base
            state.report = report
            return true
        }
    }

    /// Limits of what goes outside are near, or reached.
    func raise(_ alarms: [String], at now: Instant) {
        tell { state in
            for words in alarms {
                state.alarms[words] = now
                state.alarmCount += 1
            }
            return !alarms.isEmpty
        }
    }

    /// A prompt could not be played. Told once, until it could.
    func missing(prompt: String, _ problem: String) {
        tell { state in
            guard state.prompts[prompt] == nil, state.prompts.count < 1000 else { return false }
            state.prompts[prompt] = problem
            return true
        }
    }

    func found(prompt: String) { tell { $0.prompts.removeValue(forKey: prompt) != nil } }

    /// Why recordings stay WAV where they should not; nil when they do not any more.
    func recordingsStay(_ problem: String?) {
        tell { state in
            defer { state.recordings = problem }
            return state.recordings != problem
        }
    }

    /// Alarms of an hour ago are over.
    func forgetOld(at now: Instant) {
        tell { state in
            let before = state.alarms.count
            state.alarms = state.alarms.filter { $0.value.advanced(by: Self.alarmTime) > now }
            return state.alarms.count != before
        }
    }

    /// - Parameter change: whether there is something to tell.
    private func tell(_ change: (inout State) -> Bool) {
        let told: (Upkeep, @Sendable (Upkeep) -> Void)? = state.withLock { state in
            guard change(&state), let report = state.report else { return nil }
            return (Self.upkeep(state), report)
        }
        if let (upkeep, report) = told { report(upkeep) }
    }

    private static func upkeep(_ state: State) -> Upkeep {
        var upkeep = state.base
        let alarms = state.alarms.keys.sorted()
        let prompts = state.prompts.sorted { $0.key < $1.key }
        let isGood = alarms.isEmpty && prompts.isEmpty && state.recordings == nil
        guard !isGood, upkeep.condition == .good else { return upkeep }
        upkeep.condition = .impaired
        let named = prompts.prefix(namedPrompts).map { "the prompt \($0.key) cannot be played: \($0.value)" }
        let more = prompts.count > namedPrompts ? ["\(prompts.count - namedPrompts) more prompts cannot be played"] : []
        let format = state.recordings.map { ["recordings stay WAV: \($0)"] } ?? []
        upkeep.summary = ([upkeep.summary] + alarms + named + more + format).joined(separator: "; ")
        upkeep.remedy =
            if !alarms.isEmpty {
                "look who calls where: if it is no thief, raise the limit in the plan"
            } else if !prompts.isEmpty {
                "put the files into the folder of prompts: WAV, 8 kHz, 16 bits, mono"
            } else {
                "install opus-tools, lame or ffmpeg and load the file again, or take `recording_format` out of the plan"
            }
        return upkeep
    }
}
