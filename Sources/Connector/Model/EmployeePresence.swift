/// Whether an employee can be reached by telephone now; raw values are those of the API.
package enum EmployeePresence: String, Sendable, CaseIterable, Comparable {
    /// Nobody knows.
    case unknown
    /// No telephone of his is there.
    case offline
    case online
    case ringing
    /// He talks.
    case busy

    /// Of several telephones the liveliest counts.
    package static func < (left: Self, right: Self) -> Bool { left.rank < right.rank }

    private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}
