import Connector

/// One telephone that can be rung.
package enum RingTarget: Hashable, Sendable {
    case `extension`(String)
    /// The mobile telephone of whoever has this extension.
    case mobile(of: String)
    /// A number outside, in E.164.
    case outside(String)
}

/// In which order several are rung.
package enum RingManner: String, Sendable, CaseIterable {
    /// All at once.
    case all
    /// One after the other, in the order of the file.
    case inTurn = "in_turn"
    /// One after the other, in a new order for each call.
    case random
}

/// Telephones that ring together, under one name.
package struct RingGroup: Sendable, Equatable {
    package var name: String
    /// What colleagues dial for it; `nil` where it cannot be dialled.
    package var number: String?
    package var members: [RingTarget] = []
    package var manner = RingManner.all
    /// How long it rings; one after the other: each of them.
    package var ringTime = Duration.seconds(25)

    package init(name: String) { self.name = name }
}

/// Callers who wait their turn.
package struct CallQueue: Sendable, Equatable {
    package enum Strategy: String, Sendable, CaseIterable {
        case all, random
        /// The next after whoever was rung last.
        case inTurn = "in_turn"
        /// Whoever has not talked for longest.
        case longestIdle = "longest_idle"
    }

    package var name: String
    package var number: String?
    package var members: [RingTarget] = []
    package var strategy = Strategy.all
    /// How long a member rings before another is tried.
    package var ringTime = Duration.seconds(20)
    /// How long a member is left alone after a talk.
    package var restTime = Duration.zero
    /// A prompt that is played while the caller waits; `nil` plays the ringing tone.
    package var music: String?
    /// How often the caller hears which place he has: `position-1` to `position-9`, then `position-many`; `nil` never.
    package var positionEvery: Duration?
    package var longestWait = Duration.seconds(300)
    /// Callers that may wait; the next goes on at once.
    package var places = 20
    /// When the wait is over, no place is free, or no member can be rung at all; empty goes on with the step after the queue.
    package var otherwise: [PlanStep] = []

    package init(name: String) { self.name = name }
}

/// A question to the caller that is answered with a key.
package struct Menu: Sendable, Equatable {
    package var name: String
    package var prompt: String
    /// By the key: `0` to `9`, `*`, `#`.
    package var keys: [Character: [PlanStep]] = [:]
    /// The caller may dial an extension, a group or a queue by its number.
    package var dialsExtensions = false
    /// How long a key is waited for, after the prompt and between digits.
    package var wait = Duration.seconds(5)
    /// How often the question is asked.
    package var times = 2
    /// Said after a key that means nothing.
    package var invalid: String?
    /// When no key has come that means something; empty goes on with the step after the menu.
    package var otherwise: [PlanStep] = []

    package init(name: String, prompt: String) {
        self.name = name
        self.prompt = prompt
    }
}

/// Where callers leave a message.
package struct VoicemailBox: Sendable, Equatable {
    package var name: String
    /// A prompt; `nil` beeps only.
    package var greeting: String?
    package var longest = Duration.seconds(180)
    /// Extensions that may hear it, and whose telephones show that there is something.
    package var owners: [String] = []

    package init(name: String) { self.name = name }
}

extension CallQueue {
    /// Prompts that tell the caller which place he has.
    package static let positionPrompts = (1...9).map { "position-\($0)" } + ["position-many"]

    /// The prompt of a place, from 1.
    package static func prompt(ofPosition position: Int) -> String {
        (1...9).contains(position) ? "position-\(position)" : "position-many"
    }
}
