import Connector

/// A telephone of ours.
package struct PlanExtension: Sendable, Equatable {
    /// The short number that is dialled for it, and the user of its registration.
    package var number: String
    package var name: String?
    package var secret: PlanSecret
    /// In E.164; rung where the plan says `mobile 101`.
    package var mobile: String?
    /// Lines that it shows, the best first; a trunk shows the first that is its own.
    package var lines: [String] = []
    package var mayDial = DialRights()
    /// How many calls it may be in at once, whoever began them; with so many it is busy.
    package var calls = 2
    /// Whether the calls that it makes are recorded. What comes in is recorded as the route says.
    package var isRecorded = false
    /// Its own box: opened by the feature code, and takes what it does not answer.
    package var voicemail: String?
    /// What makes it pick up by itself for a call that the CRM began; `nil` lets it ring.
    package var autoAnswer: AutoAnswerHeader?
    /// How long it rings for a colleague.
    package var ringTime = Duration.seconds(25)
    /// What becomes of a colleague's call that it does not take; empty leaves it to `voicemail`, else hangs up.
    package var otherwise: [PlanStep] = []
    /// Of its calls to the outside.
    package var limits = CallLimits.ofAnExtension

    package init(number: String, secret: PlanSecret = PlanSecret("")) {
        self.number = number
        self.secret = secret
    }
}

/// A secret of the file, or the reference to it where the file is only looked at. Never shown.
package struct PlanSecret: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
    package let text: String

    package init(_ text: String) { self.text = text }

    package var description: String { "(secret)" }
    package var customMirror: Mirror { Mirror(self, children: [:]) }
}

/// A whole header of an INVITE.
package struct AutoAnswerHeader: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// What most makes of telephones take.
    package static let callInfo = AutoAnswerHeader(name: "Call-Info", value: "<sip:pbx.invalid>;answer-after=0")
    package static let alertInfo = AutoAnswerHeader(name: "Alert-Info", value: "<sip:pbx.invalid>;info=alert-autoanswer;delay=0")
}

/// Where a telephone may call.
package struct DialRights: Sendable, Equatable {
    /// `nil` allows its own country.
    package var allowed: [Destination]?
    package var denied: [Destination] = []

    package init(allowed: [Destination]? = nil, denied: [Destination] = []) {
        self.allowed = allowed
        self.denied = denied
    }

    /// Whether it may, and which of its words decided; `nil` where none fits.
    ///
    /// The word that says most of the number counts; of two that say as much, the forbidding one.
    /// - Parameter home: the country of numbers without a country code.
    package func permit(_ number: PhoneNumber, home: String) -> (isAllowed: Bool, by: Destination?) {
        let allowed = Destination.best(self.allowed ?? [.country(home, kind: nil)], for: number)
        let denied = Destination.best(self.denied, for: number)
        if let denied, denied.specificity >= (allowed?.specificity ?? -1) { return (false, denied.destination) }
        return (allowed != nil, allowed?.destination)
    }
}
