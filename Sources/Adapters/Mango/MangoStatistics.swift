import AdapterKit
import Connector

/// The answer of `/vpbx/stats/result`: CSV, one row for each leg.
///
/// Semicolons between columns, no header, no quotes; rows end with a line feed, in one client's experience with a carriage return
/// before it. The columns are those that `/vpbx/stats/request` asked for. Rows of the same `entry_id` are one call. Times are Unix
/// seconds.
/// - Source: "API Mango Office" 1.9 of 02.06.2026, section on basic statistics.
package struct MangoStatistics: HistoryReader {
    /// A column, by its name in `fields` of the request.
    package enum Field: String, Sendable, CaseIterable {
        case records, start, finish, answer
        case fromExtension = "from_extension"
        case fromNumber = "from_number"
        case toExtension = "to_extension"
        case toNumber = "to_number"
        case disconnectReason = "disconnect_reason"
        case line = "line_number"
        case location, create
        case entry = "entry_id"
    }

    /// What to ask for: everything. Mango's own standard leaves out `entry_id`, without which no row finds its call.
    package static let fields = Field.allCases

    private let fields: [Field]

    /// - Parameter fields: what was asked for, in that order.
    package init(fields: [Field] = Self.fields) { self.fields = fields }

    /// More legs than a month of a busy PBX has.
    private static let rowLimit = 200_000

    package func read(_ body: [UInt8]) throws(HistoryError) -> HistoryRows {
        var page = HistoryRows()
        var calls: [String: Int] = [:]
        var legs: [[MangoStatisticsLeg]] = []
        var rest = body[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        guard rest.first != UInt8(ascii: "{") else { throw HistoryError(.refused, Self.problem(rest)) }
        for (number, line) in rest.split(separator: UInt8(ascii: "\n")).enumerated() {
            guard number < Self.rowLimit else { throw HistoryError(.tooMany, "more than \(Self.rowLimit) rows") }
            guard let leg = leg(line.last == 0x0D ? line.dropLast() : line) else {
                page.skipped += 1
                continue
            }
            if let call = calls[leg.entry] {
                legs[call].append(leg)
            } else {
                calls[leg.entry] = legs.count
                legs.append([leg])
            }
        }
        page.rows = legs.map { MangoStatisticsCall($0).row() }
        return page
    }

    /// An error comes as JSON, `{"code": 3104}` or with `result`.
    private static func problem(_ json: ArraySlice<UInt8>) -> String {
        guard let text = try? JSONText(Array(json)) else { return "unknown" }
        return HistoryError.shortCode(text.root["code"].anyText ?? text.root["result"].anyText)
    }

    /// The call of a row that has all the columns.
    static func entry(ofRow line: ArraySlice<UInt8>) -> String? {
        let columns = line.split(separator: UInt8(ascii: ";"), maxSplits: fields.count, omittingEmptySubsequences: false)
        guard columns.count == fields.count, let place = fields.firstIndex(of: .entry), !columns[place].isEmpty else {
            return nil
        }
        return String(decoding: columns[place], as: UTF8.self)
    }

    /// nil where the columns are not those asked for, or call and beginning are missing.
    private func leg(_ line: ArraySlice<UInt8>) -> MangoStatisticsLeg? {
        let columns = line.split(separator: UInt8(ascii: ";"), maxSplits: fields.count, omittingEmptySubsequences: false)
        guard columns.count == fields.count else { return nil }
        func text(_ field: Field) -> String? {
            guard let place = fields.firstIndex(of: field), !columns[place].isEmpty else { return nil }
            return String(decoding: columns[place], as: UTF8.self)
        }
        return MangoStatisticsLeg(text)
    }
}

/// One row.
struct MangoStatisticsLeg {
    let entry: String
    let start: Instant
    let created: Instant?
    let finish: Instant?
    let answer: Instant?
    let from: Party?
    let to: Party?
    /// In a menu or a queue nobody of ours talks.
    let isStation: Bool
    let code: String?
    let line: String?
    let records: [String]

    init?(_ text: (MangoStatistics.Field) -> String?) {
        func moment(_ field: MangoStatistics.Field) -> Instant? {
            MangoMessage.moment(text(field).flatMap { DecimalInteger.parse($0.utf8) })
        }
        guard let entry = text(.entry), !entry.unicodeScalars.contains("\u{FFFD}"), let start = moment(.start) else { return nil }
        self.entry = entry
        self.start = start
        created = moment(.create)
        finish = moment(.finish)
        answer = moment(.answer)
        from = Self.party(text(.fromExtension), text(.fromNumber))
        to = Self.party(text(.toExtension), text(.toNumber))
        isStation = text(.location).map { $0 != "abonent" } ?? false
        code = text(.disconnectReason)
        line = text(.line)
        // With brackets by the document, without them in its sample.
        records = text(.records)?.split { "[], ".contains($0) }.map(String.init) ?? []
    }

    private static func party(_ short: String?, _ number: String?) -> Party? {
        if let short { return .user(extension: short, endpoint: number) }
        return number.map { .external(number: $0) }
    }

    /// Nobody of ours calls.
    var comesIn: Bool {
        if case .user = from { false } else { true }
    }

    var goesOut: Bool {
        if case .user = from, case .external = to { true } else { false }
    }

    /// Who called from outside.
    var caller: String? { if case .external(let number) = from { number } else { nil } }

    /// Whom an employee called outside.
    var called: String? { if goesOut, case .external(let number) = to { number } else { nil } }
}

/// The legs of one call.
private struct MangoStatisticsCall {
    private let legs: [MangoStatisticsLeg]
    private let direction: Direction

    init(_ legs: [MangoStatisticsLeg]) {
        self.legs = legs.sorted { $0.start < $1.start }
        direction = Self.direction(self.legs)
    }

    /// By the first leg. The first leg of a callback looks like a call from the client whom the second one calls.
    private static func direction(_ legs: [MangoStatisticsLeg]) -> Direction {
        let first = legs[0]
        if first.goesOut { return .outbound }
        guard first.comesIn else { return .internal }
        return legs.contains { $0.called != nil && $0.called == first.caller } ? .outbound : .inbound
    }

    func row() -> HistoryRow {
        let start = legs.compactMap(\.created).min() ?? legs[0].start
        let facts = CallFacts(
            direction: direction, startedAt: min(start, legs[0].start),
            externalNumber: outsider, line: legs.lazy.compactMap(\.line).first)
        var records: [String] = []
        for record in legs.flatMap(\.records) where !records.contains(record) { records.append(record) }
        return HistoryRow(
            keys: [ExternalKey(.session, legs[0].entry)], facts: facts, ending: ending(),
            recordings: records.prefix(Self.recordingLimit).map { RecordingReport(key: $0, phase: .ready) })
    }

    private var outsider: String? {
        switch direction {
        case .internal: nil
        case .inbound: legs.lazy.compactMap(\.caller).first
        case .outbound: legs.lazy.compactMap(\.called).first
        }
    }

    /// More recordings than one call has.
    private static let recordingLimit = 64

    /// Where an employee and the other side spoke with each other.
    private var talks: [MangoStatisticsLeg] {
        legs.filter { leg in
            leg.answer != nil && !leg.isStation && employee(of: leg) != nil && (direction != .outbound || leg.goesOut)
        }
    }

    /// `nil` while the contact goes on, as far as its legs show: they are told of while others are up. A menu or queue that was left in
    /// the ordinary way, and somebody who passed the call on, are followed by another leg.
    private func ending() -> EndReport? {
        guard let latest = legs.max(by: { ($0.finish ?? .earliest) < ($1.finish ?? .earliest) }) else { return nil }
        let reason = MangoCodes.reason(word: latest.code)
        return reason == .transferred || latest.isStation && reason == .normal ? nil : wholeEnding()
    }

    private func wholeEnding() -> EndReport {
        let last = talks.last ?? legs.last { !$0.isStation } ?? legs[legs.count - 1]
        return EndReport(
            reason: MangoCodes.reason(word: last.code), cause: Cause(providerCode: last.code), answered: !talks.isEmpty,
            answeredAt: talks.compactMap(\.answer).min(), endedAt: legs.compactMap(\.finish).max(), user: employee(of: last),
            talks: talks.prefix(Self.talkLimit).compactMap(talk))
    }

    /// More talks than one call has.
    private static let talkLimit = 64

    /// `nil` for what was no talk with the party outside.
    private func talk(_ leg: MangoStatisticsLeg) -> TalkReport? {
        guard direction != .internal, let from = leg.answer, let to = leg.finish, from <= to, !isConsultation(leg),
            case .user(let name, _) = employee(of: leg)
        else { return nil }
        return TalkReport(name, from: from, to: to)
    }

    /// An employee asked a colleague, and talked on himself when that was over.
    private func isConsultation(_ leg: MangoStatisticsLeg) -> Bool {
        guard let asking = employee(leg.from), employee(leg.to) != nil, let end = leg.finish else { return false }
        return talks.contains { other in
            employee(of: other).map { Self.isSame($0, asking) } == true && other.start <= leg.start
                && other.finish.map { $0 > end } == true
        }
    }

    private static func isSame(_ one: Party, _ other: Party) -> Bool {
        guard case .user(let name, _) = one, case .user(let otherName, _) = other else { return false }
        return name == otherName
    }

    private func employee(_ party: Party?) -> Party? {
        if case .user = party { party } else { nil }
    }

    private func employee(of leg: MangoStatisticsLeg) -> Party? {
        direction == .outbound ? employee(leg.from) ?? employee(leg.to) : employee(leg.to) ?? employee(leg.from)
    }
}
