import Connector

/// A ledger in memory: takes in what was read from raw records and keeps the calls that come of it.
package struct RecordPlay {
    /// One revision of a call, as far as a later one depends on it.
    struct Step: Equatable {
        var revision: Int
        var state: Call.State
        /// It is part of another call now.
        var isMerged: Bool
    }

    private let profile: ConnectionProfile
    private let ledger: CallLedger
    private var batch = DerivedBatch()
    private var raws: Set<Int64> = []
    /// Some ending was told of a leg alone: a leg that comes later may open the call again (decision 013).
    private(set) var endsByLegs = false
    /// When the last news came.
    package private(set) var latestNews = Instant.earliest

    package init(profile: ConnectionProfile, numbering: any NumberingPlan) {
        self.profile = profile
        ledger = CallLedger(reader: EmptyJournal(), numbering: numbering)
    }

    /// Takes in the events of `decoded`.
    package mutating func take(_ decoded: [Decoded], of raw: RawRecord) throws {
        raws.insert(raw.position)
        latestNews = max(latestNews, raw.receivedAt)
        let events = decoded.compactMap { if case .call(let event) = $0 { event } else { nil } }
        if events.contains(where: { $0.ending.map { $0.scope != .call } ?? false }) { endsByLegs = true }
        try ledger.apply(events, of: raw, profile: profile, into: &batch)
    }

    /// What the gateway does at `now` when nothing more has come: calls without an end are closed (rule 8), and those are over whose
    /// every leg has ended.
    package mutating func close(at now: Instant) throws {
        for stale in ledger.staleCalls(at: now, profiles: { [profile] _ in profile }) {
            var name = StableHash()
            name.combine(stale.key.value)
            let closing = SystemRecord.closing(stale, id: RawID(time: now, rest: name.value), at: now)
            let events = SystemRecord.decode(closing).compactMap { if case .call(let event) = $0 { event } else { nil } }
            try ledger.apply(events, of: closing, profile: profile, into: &batch)
        }
    }

    // MARK: What came of it

    /// The last revision of each call as the API shows it, by their beginnings.
    /// - Throws: what the record's reader throws; never, as the ledger writes them.
    package func records() throws -> [JSONValue] {
        var latest: [CallID: [UInt8]] = [:]
        for change in batch.changes { latest[change.call] = change.body }
        return try latest.values.map { try JSONValue(parsing: try PackedJSON.expand($0)) }
            .sorted { Self.place(of: $0) < Self.place(of: $1) }
    }

    private static func place(of record: JSONValue) -> (String, String) {
        (record["started_at"]?.string ?? "", record["id"]?.string ?? "")
    }

    /// The revisions of each call, in their order.
    var steps: [CallID: [Step]] {
        batch.calls.reduce(into: [:]) { steps, row in
            steps[row.id, default: []].append(Step(revision: row.revision, state: row.state, isMerged: row.mergedInto != nil))
        }
    }

    /// Everything that was told, each event once.
    var told: Set<EventID> { Set(batch.events.map(\.id)) }

    /// Calls for which no raw record can be named.
    var callsWithoutSource: [CallID] {
        let sourced = Set(batch.events.filter { raws.contains($0.rawPosition) }.map(\.call))
        let standing = steps.filter { $0.value.last?.isMerged == false }
        return Set(standing.keys).subtracting(sourced).sorted()
    }
}

/// The record as rule 1 compares it.
package enum RecordShape {
    /// What a record is compared without: identifiers, and when the record itself was written.
    private static let silent: Set = [
        "id", "revision", "created_at", "updated_at", "participant_id", "leg_id", "parent_leg_id", "transferor_id",
        "transferee_id", "from_leg_id", "to_leg_id",
    ]

    /// The calls that are left, without what rule 1 leaves out: which calls were two at first depends on the order.
    package static func standing(_ records: [JSONValue]) -> [JSONValue] {
        records.filter { $0["merged_into"] == .null }.map(timeless)
    }

    /// The record without what rule 1 leaves out.
    package static func timeless(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(let members):
            .object(members.filter { !silent.contains($0.name) }.map { .init($0.name, timeless($0.value)) })
        case .array(let elements): .array(elements.map(timeless))
        default: value
        }
    }

    /// Who had which call with whom, whatever the clocks say.
    static func gist(_ record: JSONValue) -> String {
        let names = (record["external_ids"]?.elements ?? []).map { "\(text($0["kind"])):\(text($0["value"]))" }
        let people = (record["participants"]?.elements ?? []).map { person in
            "\(text(person["kind"])) \(text(person["extension"])) \(text(person["number"]?["raw"]))"
        }
        let recordings = (record["recordings"]?.elements ?? []).map { text($0["provider_ref"]) }
        return [
            names.sorted().joined(separator: ","), text(record["direction"]), text(record["line"]?["id"]),
            text(record["external_party"]?["number"]?["raw"]), people.sorted().joined(separator: ","),
            recordings.sorted().joined(separator: ","),
        ].joined(separator: " | ")
    }

    private static func text(_ value: JSONValue?) -> String { value?.string ?? "-" }

    /// Names of the fields in which two records differ, at their top.
    static func difference(_ one: JSONValue, _ other: JSONValue) -> [String] {
        let names = one.members.map(\.name) + other.members.map(\.name).filter { one[$0] == nil }
        return names.filter { one[$0] != other[$0] }
    }
}
