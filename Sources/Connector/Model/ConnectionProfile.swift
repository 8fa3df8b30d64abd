/// What the ledger knows of one connection: whose calls they are, how its numbers are read, who works there, how long to wait.
///
/// Made of the connection's file in `adapters.d`; a reload makes a new value.
package struct ConnectionProfile: Sendable, Equatable {
    /// What `lines` says of one of our numbers.
    package struct LineEntry: Sendable, Equatable {
        package var label: String?
        /// The advertising channel that the number stands for.
        package var channel: String?

        package init(label: String? = nil, channel: String? = nil) {
            self.label = label
            self.channel = channel
        }
    }

    /// What `employees` says of one short number or login.
    package struct EmployeeEntry: Sendable, Equatable {
        package var name: String?
        /// The CRM's identifier of the person: the `user_id` of call records.
        package var crmID: String?

        package init(name: String? = nil, crmID: String? = nil) {
            self.name = name
            self.crmID = crmID
        }
    }

    package var id: ConnectionID
    package var tenant: TenantID
    /// The vendor's slug in call records: `mango`, `megafon`, …
    package var provider: String
    /// ISO 3166-1 alpha-2, for numbers written without a country code.
    package var defaultCountry: String
    /// By number in E.164, as written in the file.
    package var lines: [String: LineEntry]
    /// By short number or login.
    package var employees: [String: EmployeeEntry]
    /// A call with no news for so long is closed.
    package var staleAfter: Duration
    /// An ended call is settled after so long: no news is usual any more. A call whose every leg has ended is then closed, for
    /// some vendors tell of no other end.
    package var settleAfter: Duration
    /// An ended call is final after so long: no change is expected.
    package var finalizeAfter: Duration
    /// The vendor's history does not name calls as his webhooks do, or may not: rows are put to the calls they are like.
    package var historyIsGuessed = false
    /// How the vendor's history is asked for.
    package var reconciling = ReconcilingPlan()

    /// How long a call whose legs have all ended waits for another, where the vendor ends legs only.
    package var nextLegAfter: Duration { min(settleAfter, staleAfter) }

    package static let standardStaleAfter = Duration.seconds(4 * 3600)
    package static let standardSettleAfter = Duration.seconds(30)
    package static let standardFinalizeAfter = Duration.seconds(24 * 3600)

    package init(
        id: ConnectionID, tenant: TenantID = .standard, provider: String, defaultCountry: String = "RU",
        lines: [String: LineEntry] = [:], employees: [String: EmployeeEntry] = [:],
        staleAfter: Duration = standardStaleAfter, settleAfter: Duration = standardSettleAfter,
        finalizeAfter: Duration = standardFinalizeAfter
    ) {
        self.id = id
        self.tenant = tenant
        self.provider = provider
        self.defaultCountry = defaultCountry
        self.lines = lines
        self.employees = employees
        self.staleAfter = staleAfter
        self.settleAfter = settleAfter
        self.finalizeAfter = finalizeAfter
    }
}
