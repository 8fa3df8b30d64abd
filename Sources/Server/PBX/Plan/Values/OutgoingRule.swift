import AdapterKit
import Connector

/// A trunk as the plan sees it; what it is, its own connection's file says.
package struct PlanTrunk: Sendable, Equatable {
    /// The connection, or `connection/account`.
    package var name: String
    /// Our numbers that it may show, in E.164; the first where nothing else says which. Empty leaves it to the trunk's account.
    package var lines: [String] = []
    package var unit = CallPrice.Unit.minute
    package var limits = CallLimits()

    package init(name: String) { self.name = name }
}

/// A row of the table of directions and prices.
package struct OutgoingRule: Sendable, Equatable {
    /// A trunk that the row allows, and what a minute costs there; `nil` where the file does not say.
    package struct Carrier: Hashable, Sendable {
        package var trunk: String
        package var price: Money?

        package init(trunk: String, price: Money? = nil) {
            self.trunk = trunk
            self.price = price
        }
    }

    package var destinations: [Destination]
    /// In the order of the file; empty where the row forbids.
    package var carriers: [Carrier]
    /// Lower comes first.
    package var priority = 5
    /// A schedule in which the row counts; `nil` always.
    package var schedule: String?
    /// Extensions for which the row counts; empty for all.
    package var callers: [String] = []
    /// The line shown, where the trunk has it.
    package var line: String?
    /// Where it stands in the file, from 1.
    package var fileLine: Int

    package init(_ destinations: [Destination], by carriers: [Carrier], fileLine: Int = 0) {
        self.destinations = destinations
        self.carriers = carriers
        self.fileLine = fileLine
    }

    /// Calls there are not made.
    package var forbids: Bool { carriers.isEmpty }
}

/// Which failures of a trunk let the next one try.
package struct FailOverRule: Sendable, Equatable {
    /// How an attempt at a trunk came to nothing.
    package enum Failure: Hashable, Sendable {
        /// Its final answer.
        case status(UInt16)
        /// It said nothing in time.
        case timeout
        /// Nothing reached it.
        case unreachable
    }

    /// Answers one by one.
    package var statuses: Set<UInt16> = [401, 402, 403, 407, 408, 421, 488]
    /// Answers by their hundred.
    package var classes: Set<UInt16> = [5]
    package var onTimeout = true
    package var onUnreachable = true

    package init() {}

    /// For an emergency: whatever is no word of the called.
    package static let always: FailOverRule = {
        var rule = FailOverRule()
        rule.classes = [3, 4, 5, 6]
        return rule
    }()

    /// The called person's own word: nobody else is asked after it.
    package static let final: Set<UInt16> = [486, 487, 600, 603, 607]

    /// Whether the next trunk is to try.
    /// - Parameter rang: the called telephone has rung already; then the trunk has done its part, and a second call would ring it anew.
    package func goesOn(after failure: Failure, rang: Bool) -> Bool {
        guard !rang else { return false }
        switch failure {
        case .timeout: return onTimeout
        case .unreachable: return onUnreachable
        case .status(let status):
            guard !Self.final.contains(status) else { return false }
            return statuses.contains(status) || classes.contains(status / 100)
        }
    }
}

/// How much may go out; `nil` is no limit.
package struct CallLimits: Sendable, Equatable {
    /// Calls at the same time.
    package var atOnce: Int?
    /// Calls begun within an hour.
    package var anHour: Int?
    /// What calls cost within 24 hours.
    package var moneyADay: Money?

    package init(atOnce: Int? = nil, anHour: Int? = nil, moneyADay: Money? = nil) {
        self.atOnce = atOnce
        self.anHour = anHour
        self.moneyADay = moneyADay
    }

    /// What counts for an extension of which nothing else is said: enough for a busy day, too little for a thief's.
    package static let ofAnExtension = CallLimits(atOnce: 4, anHour: 100)
}

/// How much may go to a destination, whoever calls.
package struct DestinationLimit: Sendable, Equatable {
    package var destination: Destination
    package var limits: CallLimits

    package init(_ destination: Destination, _ limits: CallLimits) {
        self.destination = destination
        self.limits = limits
    }
}
