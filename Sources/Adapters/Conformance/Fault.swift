/// What goes wrong between a vendor and the gateway, and must not show in the records.
package enum Fault: String, CaseIterable, Sendable {
    /// Requests come in another order.
    case reordering
    /// Requests come again, later and as other requests.
    case duplication
    /// Requests do not come, or come when nobody expects them any more.
    case loss
    /// A request comes a day late: its call was closed meanwhile.
    case delay
    /// Bodies end early.
    case truncation
    /// The gateway's clock and the vendor's differ by hours, all the time or from some moment on.
    case clockSkew = "clock_skew"
    /// The same said in other characters, and bytes that are no characters.
    case encoding

    /// For a table: what it is called.
    package var title: String { rawValue.replacing("_", with: " ") }
}

/// One request on its way to the gateway, or the vendor's log at the end.
struct Arrival: Sendable, Equatable {
    /// Which of the case's requests it is, from 0; the log has the number behind the last.
    var number: Int
    var request: RecordedRequest
    /// A vendor's log that was asked for, and no request.
    var isLog = false
    /// How often it came before.
    var repeats = 0
    /// It comes when the calls of the others are closed.
    var isLate = false
    /// What was done to it, for a person; nil where it is as recorded.
    var change: String?
    /// It is not shown to the gatekeeper: what was done to it breaks the vendor's signature.
    var skipsGate = false

    /// How a report names it.
    var name: String {
        (isLog ? "log" : "\(number + 1)") + (repeats > 0 ? " again" : "") + (change.map { " (\($0))" } ?? "")
    }
}

/// A case with a fault in it: what comes, in which order.
struct FaultyRun: Sendable {
    /// What must hold beside the rules of the record.
    enum Expectation: Sendable {
        /// The same events and records as without the fault (rule 1).
        case sameEvents
        /// The same records, whatever their events are called: what stands in other bytes may make others.
        case sameRecords
        /// The same calls between the same people: when something was received may have moved times.
        case sameCalls
        /// Nothing but the rules: what was lost is lost.
        case rulesAlone
    }

    var arrivals: [Arrival]
    var expectation: Expectation
    /// Bodies say something else than the vendor said, and no gatekeeper was asked: a number that is cut short may be an employee's, so
    /// that an internal call has somebody outside (rule 5).
    var isSpoiled = false
}
