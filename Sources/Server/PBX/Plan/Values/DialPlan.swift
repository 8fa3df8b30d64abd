import AdapterKit
import Connector

/// What the section `pbx` of a connection's file says: who can be rung, whom an incoming call rings, and what an outgoing one takes.
///
/// A checked value: whatever a name in it refers to, is there (`PlanReader` sees to that), and no list of steps runs in a circle by itself.
/// Decisions over it are pure functions (`OutgoingRoute`, `IncomingRoute`, `RouteWalk`, `RingOrder`, `QueueOrder`, `DialledText`).
package struct DialPlan: Sendable, Equatable {
    /// Whose clock schedules go by, where they name none of their own.
    package var zone = LocalZone.utc
    /// ISO 4217; of all prices.
    package var currency = "RUB"
    /// By their short numbers.
    package var extensions: [String: PlanExtension] = [:]
    package var groups: [String: RingGroup] = [:]
    package var schedules: [String: Schedule] = [:]
    package var menus: [String: Menu] = [:]
    package var queues: [String: CallQueue] = [:]
    package var voicemail: [String: VoicemailBox] = [:]
    package var prompts = PromptFolder()
    /// What recordings of calls are made into after the call; messages stay WAV.
    package var recordingFormat = RecordingFormat.wav
    /// Lists of steps that several lines share.
    package var routes: [String: [PlanStep]] = [:]
    package var incoming = IncomingTable()
    /// In the order in which the file first names them.
    package var trunks: [PlanTrunk] = []
    package var outgoing: [OutgoingRule] = []
    package var emergency = EmergencyNumbers()
    package var features = FeatureCodes()
    package var failOver = FailOverRule()
    /// Limits of what may go to a destination, whoever calls; in the order of the file.
    package var destinationLimits: [DestinationLimit] = []
    /// From which share of a limit on an alarm is told, in percent.
    package var alarmPercent = 80

    package init() {}

    package func trunk(_ name: String) -> PlanTrunk? { trunks.first { $0.name == name } }
}

/// Which line or trunk takes which steps.
package struct IncomingTable: Sendable, Equatable {
    /// By our number that was called, in E.164.
    package var lines: [String: [PlanStep]] = [:]
    /// By the name of the trunk, for calls to lines that are not listed.
    package var trunks: [String: [PlanStep]] = [:]
    /// For all other calls; `nil` refuses them.
    package var other: [PlanStep]?

    package init() {}
}

/// The folder of announcements and music, and what is said in them.
package struct PromptFolder: Sendable, Equatable {
    /// Relative to the folder of the connection's file, or from `/`.
    package var path = "prompts"
    /// By the prompt's name, for whoever records them.
    package var texts: [String: String] = [:]

    package init() {}
}

/// Numbers that everybody may dial at any time, whatever else the plan says.
package struct EmergencyNumbers: Sendable, Equatable {
    package var numbers = ["112"]
    /// Trunks in the order in which they are tried; empty means all that the plan names.
    package var trunks: [String] = []

    package init() {}
}

/// What a telephone dials for something other than a person; `nil` switches it off.
package struct FeatureCodes: Sendable, Equatable {
    /// Takes a call that rings elsewhere: `*8` in one's own groups, `*8101` at 101.
    package var pickUp: String? = "*8"
    /// Hears one's voicemail.
    package var voicemail: String? = "*97"
    /// Says back what one says.
    package var echo: String? = "*43"

    package init() {}
}
