/// Which way a call would take: asked by a person, answered without making it.
package struct RoutePreviewQuestion: Hashable, Sendable {
    package enum Direction: String, Sendable, CaseIterable { case outbound, inbound }

    package var direction: Direction
    /// What is dialled; of an inbound call, our number that is called.
    package var number: String
    /// The extension that calls; `nil`: the house itself. Means nothing to an inbound call.
    package var from: String?
    /// The trunk on which an inbound call comes.
    package var trunk: String?
    package var at: Instant

    package init(_ direction: Direction, _ number: String, from: String? = nil, trunk: String? = nil, at: Instant) {
        self.direction = direction
        self.number = number
        self.from = from
        self.trunk = trunk
        self.at = at
    }
}

/// Which way a call would take, and why.
package struct RoutePreview: Sendable, Equatable {
    /// What becomes of it.
    package enum Outcome: String, Sendable, CaseIterable {
        /// It goes outside, over `trunks`.
        case outside
        case emergency
        /// It stays in the house: `steps`.
        case inside
        /// It is not made, or not taken.
        case refused
    }

    /// Why something is not done: a word for programs, a sentence for people.
    package struct Reason: Hashable, Sendable {
        package var code: String
        package var text: String

        package init(_ code: String, _ text: String) {
            self.code = code
            self.text = text
        }
    }

    /// What a minute costs.
    package struct Price: Hashable, Sendable {
        /// A decimal number.
        package var amount: String
        package var currency: String
        /// `minute` or `second`: what is paid in full once it has begun.
        package var billedBy: String

        package init(amount: String, currency: String, billedBy: String) {
            self.amount = amount
            self.currency = currency
            self.billedBy = billedBy
        }
    }

    /// A trunk that is tried, or with `reason` is not.
    package struct Trunk: Hashable, Sendable {
        package var name: String
        package var line: String?
        package var price: Price?
        package var priority: Int?
        /// Where the rule stands in the file, and what it is for.
        package var fileLine: Int?
        package var destination: String?
        package var reason: Reason?

        package init(
            _ name: String, line: String? = nil, price: Price? = nil, priority: Int? = nil, fileLine: Int? = nil,
            destination: String? = nil, reason: Reason? = nil
        ) {
            self.name = name
            self.line = line
            self.price = price
            self.priority = priority
            self.fileLine = fileLine
            self.destination = destination
            self.reason = reason
        }
    }

    /// Somebody who rings.
    package struct Ring: Hashable, Sendable {
        /// A short number, or one outside.
        package var number: String
        /// `extension`, `mobile` or `outside`.
        package var kind: String
        package var name: String?

        package init(_ number: String, kind: String, name: String? = nil) {
            self.number = number
            self.kind = kind
            self.name = name
        }
    }

    /// Something that is done with the call while nobody answers.
    package struct Step: Sendable, Equatable {
        /// As the plan calls it: `schedule`, `ring`, …
        package var kind: String
        /// The name of the schedule, the group, the prompt, ….
        package var ref: String?
        /// What it comes to: `open`, `in_turn`, `busy`, ….
        package var result: String?
        package var rings: [Ring]
        package var seconds: Int?
        /// Of a menu: what its keys lead to.
        package var keys: [Key]

        package init(
            _ kind: String, ref: String? = nil, result: String? = nil, rings: [Ring] = [], seconds: Int? = nil, keys: [Key] = []
        ) {
            self.kind = kind
            self.ref = ref
            self.result = result
            self.rings = rings
            self.seconds = seconds
            self.keys = keys
        }
    }

    /// A key of a menu.
    package struct Key: Sendable, Equatable {
        package var key: String
        package var steps: [Step]

        package init(_ key: String, _ steps: [Step]) {
            self.key = key
            self.steps = steps
        }
    }

    /// The connection whose plan was asked.
    package var connection: ConnectionID
    package var question: RoutePreviewQuestion
    /// The number in E.164, where it is one.
    package var e164: String?
    package var outcome: Outcome
    /// Why it is refused.
    package var reason: Reason?
    /// The answer to whoever calls, where it is refused.
    package var status: UInt16?
    /// In the order in which they are tried.
    package var trunks: [Trunk] = []
    package var passedOver: [Trunk] = []
    /// What the call goes by: `line`, `trunk`, `other`.
    package var by: String?
    package var steps: [Step] = []

    package init(_ connection: ConnectionID, _ question: RoutePreviewQuestion, _ outcome: Outcome) {
        self.connection = connection
        self.question = question
        self.outcome = outcome
    }
}
