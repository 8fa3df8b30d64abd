import AdapterKit
import Connector

/// The answer of `GET /v1/statistics/pbx/` (version 2): `{"status": "success", "stats": […]}`, one row for each leg.
///
/// Rows of the same `pbx_call_id` are one call (inferred). `callstart` is local time of the account; `seconds` is how long they spoke.
/// - Source: zadarma.com/support/api; columns as an account showed them to Nik1125/twenty-zadarma.
package struct ZadarmaStatistics: HistoryReader {
    private let zone: LocalZone

    /// - Parameter zone: the account's.
    package init(zone: LocalZone) { self.zone = zone }

    /// Zadarma gives a thousand rows a page.
    private static let rowLimit = 10_000

    package func read(_ body: [UInt8]) throws(HistoryError) -> HistoryRows {
        let text: JSONText
        do {
            text = try JSONText(body)
        } catch {
            throw HistoryError(.unreadable, error.description)
        }
        guard !text.root["status"].equals("error") else { throw HistoryError(.refused, "the provider says no") }
        guard text.root["stats"].isArray else { throw HistoryError(.unreadable, "`stats` is missing") }
        let elements = text.root["stats"].elements
        guard elements.count <= Self.rowLimit else { throw HistoryError(.tooMany, "more than \(Self.rowLimit) rows") }
        return page(elements)
    }

    private func page(_ elements: [JSONNode]) -> HistoryRows {
        var page = HistoryRows()
        var calls: [String: Int] = [:]
        var legs: [[ZadarmaStatisticsLeg]] = []
        for element in elements {
            guard let leg = ZadarmaStatisticsLeg(element, zone: zone) else {
                page.skipped += 1
                continue
            }
            if let call = calls[leg.call] {
                legs[call].append(leg)
            } else {
                calls[leg.call] = legs.count
                legs.append([leg])
            }
        }
        page.rows = legs.map { ZadarmaStatisticsCall($0, zone: zone).row() }
        return page
    }
}

/// One row.
struct ZadarmaStatisticsLeg {
    let call: String
    let start: Instant
    let seconds: Int
    let disposition: ZadarmaDisposition
    let word: String?
    /// The extension, as far as the row shows one.
    let employee: String?
    /// Who calls, and who is called: numbers or short numbers.
    let from: String?
    let to: String?
    let recording: String?

    /// nil without a call or a beginning.
    init?(_ json: JSONNode, zone: LocalZone) {
        func text(_ name: StaticString) -> String? { json[name].anyText.flatMap { $0.isEmpty ? nil : $0 } }
        guard let call = text("pbx_call_id"), !call.unicodeScalars.contains("\u{FFFD}"),
            let start = text("callstart").flatMap({ LocalTimestamp.parse($0, in: zone) })
        else { return nil }
        self.call = call
        self.start = start
        seconds = min(max(0, json["seconds"].anyInt ?? 0), Self.longest)
        word = text("disposition")
        disposition = ZadarmaDisposition(word)
        from = text("clid").map(Self.number)
        to = text("destination").map(ZadarmaMessage.shortened)
        let short = text("sip").map(ZadarmaMessage.shortened)
        employee = [short, call.hasPrefix("in_") ? to : from].compactMap(\.self).first(where: ZadarmaMessage.isShort)
        let isRecorded = json["is_recorded"].bool ?? (json["is_recorded"].anyInt == 1 || json["is_recorded"].equals("true"))
        recording = isRecorded ? text("call_id") : nil
    }

    /// A week: no call lasts longer.
    private static let longest = 604_800

    /// Of `"Name" <79000000101>` the number.
    private static func number(_ text: String) -> String {
        guard let start = text.lastIndex(of: "<"), let end = text.lastIndex(of: ">"), start < end else {
            return ZadarmaMessage.shortened(text)
        }
        return ZadarmaMessage.shortened(String(text[text.index(after: start)..<end]))
    }
}

/// The legs of one call.
private struct ZadarmaStatisticsCall {
    private let legs: [ZadarmaStatisticsLeg]
    private let zone: LocalZone

    init(_ legs: [ZadarmaStatisticsLeg], zone: LocalZone) {
        self.legs = legs.sorted { $0.start < $1.start }
        self.zone = zone
    }

    func row() -> HistoryRow {
        let direction = direction
        let outsider = direction == .internal ? nil : outsider(direction == .outbound)
        let facts = CallFacts(
            direction: direction, startedAt: legs[0].start, externalNumber: outsider, timeZone: zone.name)
        var recordings: [RecordingReport] = []
        for key in legs.compactMap(\.recording) where !recordings.contains(where: { $0.key == key }) {
            recordings.append(RecordingReport(key: key, phase: .completed))
        }
        var row = HistoryRow(
            keys: [ExternalKey(.call, legs[0].call)], facts: facts, ending: ending(), recordings: recordings)
        row.custom.keep("seconds", String(legs.reduce(0) { $0 + $1.seconds }))
        return row
    }

    /// As the notifications have it: by the prefix, and within the house where both numbers are short.
    private var direction: Direction? {
        let goesOut = legs[0].call.hasPrefix("out_")
        guard goesOut || legs[0].call.hasPrefix("in_") else { return nil }
        let other = goesOut ? legs[0].to : legs[0].from
        if let other, ZadarmaMessage.isShort(other) { return .internal }
        return goesOut ? .outbound : .inbound
    }

    private func outsider(_ goesOut: Bool) -> String? {
        legs.lazy.compactMap { goesOut ? $0.to : $0.from }.first { !ZadarmaMessage.isShort($0) }
    }

    /// When it ended is not told, only how long they spoke.
    private func ending() -> EndReport {
        let talks = legs.filter { $0.disposition.answered == true }
        let last = talks.last ?? legs[legs.count - 1]
        let answered = talks.isEmpty ? legs.contains { $0.disposition.answered == nil } ? nil : false : true
        return EndReport(
            reason: last.disposition.reason, cause: Cause(providerCode: last.word), answered: answered,
            user: last.employee.map { .user(extension: $0, endpoint: nil) })
    }
}
