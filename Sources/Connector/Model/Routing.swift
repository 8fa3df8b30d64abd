/// A call that came in, of which the provider may be told whom to ring.
package struct RoutingQuestion: Hashable, Sendable {
    /// The provider's name of the call, as this connection's decoder gives it.
    package var call: ExternalKey
    /// The caller's number as received; a hidden one makes no question.
    package var number: String
    /// Our number that was called, as received.
    package var line: String?
    /// The provider's name of the leg that can be sent elsewhere, where a command does it.
    package var leg: String?
    /// Where in the call it is asked, for a provider that asks in several places: two deliveries of one question have it in common.
    package var place: String?

    package init(call: ExternalKey, number: String, line: String? = nil, leg: String? = nil, place: String? = nil) {
        self.call = call
        self.number = number
        self.line = line
        self.leg = leg
        self.place = place
    }
}

/// How a provider can be told whom to ring; part of an adapter's description.
package struct RoutingAbility: Hashable, Sendable {
    package enum Manner: Sendable {
        /// The provider asks, and waits for our answer to its request.
        case answer
        /// A call that waits in a menu or queue is sent on by a command, after the request that told of it.
        case command
        /// The provider keeps a table by callers' numbers, which is written for the calls to come.
        case table
    }

    package var manner: Manner
    /// From the request to the decision; after that the provider's own routing stands.
    package var deadline: Duration
    package var targets: Set<RoutingTarget.Kind>
    /// Whether a call can be refused.
    package var rejects: Bool
    /// How often a command or a row may be sent.
    package var rateLimit: RateLimit

    package init(
        _ manner: Manner, deadline: Duration, targets: Set<RoutingTarget.Kind>, rejects: Bool = false,
        rateLimit: RateLimit = RateLimit(burst: 5, interval: .milliseconds(200))
    ) {
        self.manner = manner
        self.deadline = deadline
        self.targets = targets
        self.rejects = rejects
        self.rateLimit = rateLimit
    }
}

/// Whom to ring.
package enum RoutingTarget: Hashable, Sendable {
    /// An employee, by the short number or login that the connection's `employees` know.
    case user(String)
    /// A queue or ring group by its short number, or what else the provider calls it.
    case group(String)
    /// A number outside.
    case number(String)

    package enum Kind: String, Sendable, CaseIterable { case user, group, number }

    package var kind: Kind {
        switch self {
        case .user: .user
        case .group: .group
        case .number: .number
        }
    }

    /// The short number, login, name or number.
    package var ref: String {
        switch self {
        case .user(let ref), .group(let ref), .number(let ref): ref
        }
    }
}

/// What is done with a call that came in: whom to ring, or nothing, which leaves it to the provider's own routing.
package struct RoutingDecision: Hashable, Sendable {
    /// How it came about; raw values are `route[].result` of the call record.
    package enum Result: String, Sendable, CaseIterable {
        /// The CRM said so, now.
        case asked
        /// The CRM said so a moment ago.
        case cached
        /// The CRM said so, and the provider's table was changed for the calls to come.
        case writtenAhead = "written_ahead"
        /// The CRM said so, and the provider's table had it already.
        case inTable = "in_table"
        // From here on: the provider's own routing.
        /// The CRM does not know the number.
        case unknownCaller = "unknown_caller"
        /// The CRM knows the number, and names nobody to ring.
        case nobodyNamed = "nobody_named"
        /// The CRM names an employee whom this connection does not have.
        case unknownEmployee = "unknown_employee"
        /// The provider cannot do what the CRM wants.
        case impossible = "not_possible"
        /// The provider did not take the decision.
        case refused
        /// The CRM did not answer within the provider's time.
        case late
        /// The CRM could not be asked, or its answer could not be used.
        case failed
        /// The CRM failed again and again, and is left alone for a while.
        case closed
        /// Too many questions were under way.
        case overloaded

        /// Whether the CRM's own word stands behind it.
        package var isWord: Bool {
            switch self {
            case .refused, .late, .failed, .closed, .overloaded: false
            default: true
            }
        }
    }

    package var result: Result
    /// `nil` leaves the call to the provider.
    package var target: RoutingTarget?
    /// The call is to be refused.
    package var rejects: Bool
    /// Who calls, by the CRM.
    package var callerName: String?
    /// From the question to the decision.
    package var took: Duration

    package init(
        _ result: Result, target: RoutingTarget? = nil, rejects: Bool = false, callerName: String? = nil, took: Duration = .zero
    ) {
        self.result = result
        self.target = target
        self.rejects = rejects
        self.callerName = callerName
        self.took = took
    }

    /// The same, left to the provider after all.
    package func left(_ result: Result, took: Duration) -> RoutingDecision {
        RoutingDecision(result, callerName: callerName, took: took)
    }
}
