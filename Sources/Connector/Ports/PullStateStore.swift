/// How far the pulling of one connection's history has come; kept by the journal.
package struct PullState: Sendable, Equatable {
    package var connection: ConnectionID
    /// From when on the history is known without a gap.
    package var since: Instant?
    /// Up to when it was asked for and came whole; where the next pull goes on.
    package var through: Instant?
    /// Up to when it may have been told: noted before a pull begins.
    package var reach: Instant?
    /// When a pull last reached back a day.
    package var wideAt: Instant?
    /// When a pull last came to its end.
    package var succeededAt: Instant?
    /// What went wrong since then.
    package var failure: Failure?
    /// Rows that were new, since the beginning.
    package var rowCount: Int

    package struct Failure: Sendable, Equatable {
        package var at: Instant
        /// For people: no secret, no whole number.
        package var reason: String
        /// Pulls that failed one after another.
        package var count: Int

        package init(at: Instant, reason: String, count: Int) {
            self.at = at
            self.reason = reason
            self.count = count
        }
    }

    package init(
        connection: ConnectionID, since: Instant? = nil, through: Instant? = nil, reach: Instant? = nil, wideAt: Instant? = nil,
        succeededAt: Instant? = nil, failure: Failure? = nil, rowCount: Int = 0
    ) {
        self.connection = connection
        self.since = since
        self.through = through
        self.reach = reach
        self.wideAt = wideAt
        self.succeededAt = succeededAt
        self.failure = failure
        self.rowCount = rowCount
    }
}

/// Where these are kept: part of the journal.
package protocol PullStateStore: Sendable {
    /// Writes a state in place of what was kept of the connection.
    ///
    /// `completion` is called once, on the writer's thread, after the commit or its failure; it must not block.
    /// - Returns: `false`, with no completion, where nothing is taken any more.
    func save(_ state: PullState, completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool
}

/// By which ways the calls of a day were seen.
package struct SeenCalls: Sendable, Equatable {
    /// The day, or the hour, that the calls began in: its first moment, in UTC.
    package var begin: Instant
    /// Calls that the provider told of while they happened.
    package var seenByWebhook = 0
    /// Calls that his history has.
    package var seenByHistory = 0
    /// Calls that only his history has: their webhooks never came.
    package var recovered = 0
    /// Calls that should be in his history by now and are not.
    package var missingInHistory = 0

    package init(
        begin: Instant, seenByWebhook: Int = 0, seenByHistory: Int = 0, recovered: Int = 0, missingInHistory: Int = 0
    ) {
        self.begin = begin
        self.seenByWebhook = seenByWebhook
        self.seenByHistory = seenByHistory
        self.recovered = recovered
        self.missingInHistory = missingInHistory
    }
}

/// Which calls to count, and how.
package struct SeenQuery: Sendable {
    package var tenant: TenantID
    package var connection: ConnectionID
    /// `started_at` in `[from, to)`.
    package var from: Instant
    package var to: Instant
    package var unit: Unit
    /// Calls that are over and began in here should be in the history.
    package var known: Range<Instant>?

    package enum Unit: Int64, Sendable {
        case hour = 3_600_000
        case day = 86_400_000
    }

    package init(
        tenant: TenantID, connection: ConnectionID, from: Instant, to: Instant, unit: Unit, known: Range<Instant>? = nil
    ) {
        self.tenant = tenant
        self.connection = connection
        self.from = from
        self.to = to
        self.unit = unit
        self.known = known
    }
}
