import Connector
import HTTPServer

/// `/completeness`, over all connections or of one: how many calls were seen by which way, by day.
///
/// Counted of the calls' `sources` when it is asked; a day is one of UTC and holds the calls that began in it.
struct CompletenessRoutes: Sendable {
    let services: APIServices

    var routes: [APIRoute] { [all, one] }

    private static let usualDays = 7
    private static let longestDays = 92

    private static let parameters = [
        APIParameter(
            name: "from", schema: .moment,
            description: "Calls that began then or later, from the day's first moment; a week ago where absent"),
        APIParameter(
            name: "to", schema: .moment,
            description:
                "Calls that began before, up to the day's last moment; now where absent, \(longestDays) days after `from` at most"
        ),
    ]

    private var all: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/completeness", scope: .read,
            summary: "How many calls were seen by webhook, seen by history, recovered, or are missing: by day",
            parameters: Self.parameters,
            answer: APIAnswer(
                description: "All connections together, and each by itself", schema: "Completeness",
                example: Examples.completeness)
        ) { call in
            let days = try days(of: call)
            return try await answer(services.connections.current.of(call.tenant), days)
        }
    }

    private var one: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/connections/{id}/completeness", scope: .read,
            summary: "The same of one connection",
            parameters: [
                APIParameter(name: "id", place: .path, isRequired: true, schema: .text, description: "Its name in adapters.d")
            ] + Self.parameters,
            answer: APIAnswer(description: "One connection", schema: "Completeness", example: Examples.completeness),
            otherStatuses: [404: "No such connection of this tenant"]
        ) { call in
            let days = try days(of: call)
            guard let connection = services.connections.current[call.http.parameters["id"] ?? ""],
                connection.tenant == call.tenant
            else { throw APIProblem.notFound("connection") }
            return try await answer([connection], days)
        }
    }

    // MARK: Reading

    /// Whole days of UTC.
    private func days(of call: APICall) throws -> Range<Instant> {
        var query = call.query
        let day = Duration.seconds(86_400)
        let to = query.instant("to") ?? services.clock.now()
        let from = query.instant("from") ?? to.advanced(by: day * -Self.usualDays)
        if from > to { query.note("from", "Give a moment before `to`.") }
        if from.advanced(by: day * Self.longestDays) < to {
            query.note("to", "Give a moment within \(Self.longestDays) days of `from`.")
        }
        try query.finish()
        let end = Self.dayStart(to)
        return Self.dayStart(from)..<(end == to && from < to ? end : end.advanced(by: day))
    }

    private static func dayStart(_ moment: Instant) -> Instant {
        let day = SeenQuery.Unit.day.rawValue
        let rest = (moment.milliseconds % day + day) % day
        return Instant(milliseconds: moment.milliseconds - rest)
    }

    private func answer(_ connections: [ProviderConnection], _ days: Range<Instant>) async throws -> HTTPResponse {
        let profiles = connections.map(\.profile)
        let reports = try await services.readers.read { reader in
            try profiles.map { try ConnectionCompleteness($0, days, reader) }
        }
        let active = Set(connections.map(\.id).filter { services.reconciliation?.reconciliation(of: $0)?.isActive == true })
        return .json { json in
            json.beginObject()
            json.field("from", days.lowerBound.description)
            json.field("to", days.upperBound.description)
            json.field("time_zone", "UTC")
            json.beginArray("days")
            for day in SeenDay.sum(of: reports.map(\.days)) { day.write(to: &json) }
            json.endArray()
            json.beginArray("connections")
            for report in reports { report.write(isActive: active.contains(report.connection), to: &json) }
            json.endArray()
            json.endObject()
        }
    }
}

/// How complete the call log of one connection is.
private struct ConnectionCompleteness: Sendable {
    let connection: ConnectionID
    let state: PullState?
    let days: [SeenDay]

    init(_ profile: ConnectionProfile, _ range: Range<Instant>, _ reader: any JournalReader) throws {
        connection = profile.id
        state = try reader.pullState(of: profile.id)
        let query = SeenQuery(
            tenant: profile.tenant, connection: profile.id, from: range.lowerBound, to: range.upperBound, unit: .day,
            known: state.flatMap(PullSchedule(profile.reconciling).known))
        let seen = Dictionary(uniqueKeysWithValues: try reader.seenCalls(query).map { ($0.begin, $0) })
        let unread = try reader.unreadRows(of: profile.id, from: range.lowerBound, to: range.upperBound)
        days = Set(seen.keys).union(unread.keys).sorted().map { day in
            SeenDay(calls: seen[day] ?? SeenCalls(begin: day), unreadRows: unread[day] ?? 0)
        }
    }

    func write(isActive: Bool, to json: inout JSONWriter) {
        json.beginObject()
        json.field("connection_id", connection.name)
        json.field("reconciled", isActive)
        json.field("known_since", state?.since?.description)
        json.field("known_until", state?.through?.description)
        json.beginArray("days")
        for day in days { day.write(to: &json) }
        json.endArray()
        json.endObject()
    }
}

/// One day.
private struct SeenDay: Sendable {
    var calls: SeenCalls
    /// Rows of the history, received on that day, that no call came of.
    var unreadRows: Int

    /// Several connections' days together.
    static func sum(of connections: [[SeenDay]]) -> [SeenDay] {
        var days: [Instant: SeenDay] = [:]
        for day in connections.joined() {
            var sum = days[day.calls.begin] ?? SeenDay(calls: SeenCalls(begin: day.calls.begin), unreadRows: 0)
            sum.calls.seenByWebhook += day.calls.seenByWebhook
            sum.calls.seenByHistory += day.calls.seenByHistory
            sum.calls.recovered += day.calls.recovered
            sum.calls.missingInHistory += day.calls.missingInHistory
            sum.unreadRows += day.unreadRows
            days[day.calls.begin] = sum
        }
        return days.values.sorted { $0.calls.begin < $1.calls.begin }
    }

    func write(to json: inout JSONWriter) {
        json.beginObject()
        json.field("day", String(calls.begin.description.prefix(10)))
        json.field("seen_by_webhook", calls.seenByWebhook)
        json.field("seen_by_history", calls.seenByHistory)
        json.field("recovered", calls.recovered)
        json.field("missing", calls.missingInHistory + unreadRows)
        json.field("missing_in_history", calls.missingInHistory)
        json.field("unread_rows", unreadRows)
        json.endObject()
    }
}
