import AdapterKit
import Connector

/// The vendor's own log of calls as its API gives it: a page of CSV rows (legacy), or of JSON items (v1).
///
/// Pure: who fetched the page put it into the inbox with the source `history`. Rows become endings, so that a call whose webhooks
/// were lost is there all the same, and one that is known counts as reconciled.
///
/// A row finds its call by `uid`, which in v1 is the `callid` of the webhooks, or by its recording. Old servers give a UUID of
/// their own: their rows find it by what it is like.
struct MegafonLog {
    private let reading: MegafonReading
    private let raw: RawStamp

    init(_ reading: MegafonReading, _ raw: RawStamp) {
        self.reading = reading
        self.raw = raw
    }

    /// One element a fact: an ending for each row, and a recording where there is one.
    func decode(_ body: [UInt8]) -> [Decoded] {
        guard let first = body.first(where: { $0 > UInt8(ascii: " ") }) else { return [.ignored(reason: "no calls")] }
        switch first {
        case UInt8(ascii: "["), UInt8(ascii: "{"), UInt8(ascii: "n"): return decodeJSON(body)
        default: return decodeCSV(body)
        }
    }

    private func decodeJSON(_ body: [UInt8]) -> [Decoded] {
        let text: JSONText
        do {
            text = try JSONText(body)
        } catch {
            return [.undecoded(reason: error.description)]
        }
        let items = text.root.isObject ? text.root["items"].elements : text.root.elements
        return decode(items.map(MegafonLogRow.init))
    }

    private func decodeCSV(_ body: [UInt8]) -> [Decoded] {
        let lines = body.split { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }
        return decode(lines.map { MegafonLogRow(columns: CommaSeparated.fields(of: $0)) })
    }

    private func decode(_ rows: [MegafonLogRow]) -> [Decoded] {
        let decoded = rows.enumerated().flatMap { number, row in decode(row, number: number + 1) }
        return decoded.isEmpty ? [.ignored(reason: "no calls")] : decoded
    }

    private func decode(_ row: MegafonLogRow, number: Int) -> [Decoded] {
        guard let name = row.name, let start = row.start.flatMap({ MegafonTime.parse($0, in: reading.zone) }) else {
            return [.undecoded(reason: "row \(number) has no name or no time")]
        }
        let recording = row.recording.flatMap(reading.recording)
        var event = event(.ended, of: row, named: name, recording: recording)
        event.ending = row.ending(from: start.moment)
        event.occurredAt = event.ending?.endedAt ?? start.moment
        event.facts = row.facts
        event.facts.startedAt = start.moment
        event.facts.timeZone = start.isLocal ? reading.zone.name : nil
        event.custom = row.custom
        event.likeness = CallLikeness(ofWhole: event.facts)
        guard let recording else { return [.call(event)] }
        var ready = self.event(.recordingReady, of: row, named: name, recording: recording, ordinal: 1)
        ready.recording = RecordingReport(key: recording, phase: .ready)
        ready.likeness = event.likeness
        return [.call(event), .call(ready)]
    }

    /// The same row in another page is a repeat; one that says anything else is news.
    private func event(
        _ type: EventType, of row: MegafonLogRow, named name: String, recording: String?, ordinal: Int = 0
    ) -> CallEvent {
        var repeatKey = RepeatKey(raw.connection)
        repeatKey.add("log" as StaticString)
        for part in row.parts { repeatKey.add(part) }
        var keys = [ExternalKey(.call, name)]
        if let recording { keys.append(ExternalKey(.recording, recording)) }
        return CallEvent(
            id: repeatKey.eventID(ordinal: ordinal), rawID: raw.id, keys: keys, type: type, occurredAt: raw.receivedAt,
            receivedAt: raw.receivedAt, source: raw.source)
    }
}

/// One row of the log, whichever of the two forms it had.
struct MegafonLogRow {
    let name: String?
    /// `in`, `out`; in CSV `missed` as well.
    private let kind: String
    /// v1 only.
    private let status: String?
    private let client: String?
    private let account: MegafonAccount?
    private let group: String?
    private let line: String?
    let start: String?
    private let wait: Duration?
    /// Unlike a webhook's duration, that of the talk alone.
    private let talk: Duration?
    let recording: String?
    /// What has no place in the record.
    let custom: [CustomField]
    /// What tells it from every other row.
    let parts: [String]

    /// `UID,type,client,account,via,start,wait,duration,record`; there is no head.
    init(columns: [String]) {
        func column(_ place: Int) -> String? {
            guard columns.indices.contains(place), !columns[place].isEmpty else { return nil }
            return columns[place]
        }
        name = column(0)
        kind = column(1)?.lowercased() ?? ""
        status = nil
        client = MegafonNumber.read(column(2))
        account = MegafonAccount(column(3))
        group = nil
        line = MegafonNumber.read(column(4))
        start = column(5)
        wait = MegafonTime.duration(column(6).flatMap { DecimalInteger.parse($0.utf8) })
        talk = MegafonTime.duration(column(7).flatMap { DecimalInteger.parse($0.utf8) })
        recording = column(8)
        custom = Self.custom(account: column(3), of: account)
        parts = columns
    }

    /// An item of v1's list.
    init(_ item: JSONNode) {
        func text(_ name: StaticString) -> String? {
            item[name].anyText.flatMap { $0.isEmpty ? nil : $0 }
        }
        name = text("uid")
        kind = text("type")?.lowercased() ?? ""
        status = text("status")
        client = MegafonNumber.read(text("client"))
        account = MegafonAccount(text("user") ?? text("account"))
        group = text("group_name")
        line = MegafonNumber.read(text("diversion"))
        start = text("start")
        wait = MegafonTime.duration(item["wait"].anyInt)
        talk = MegafonTime.duration(item["duration"].anyInt)
        recording = text("record")
        var custom = Self.custom(account: text("account"), of: account)
        custom.keepMembers(of: item, except: Self.known)
        self.custom = custom
        parts = [String(decoding: item.source, as: UTF8.self)]
    }

    private static let known: NameSet = [
        "uid", "type", "status", "client", "user", "account", "diversion", "start", "wait", "duration", "record",
    ]

    private static func custom(account text: String?, of account: MegafonAccount?) -> [CustomField] {
        guard case .machine = account else { return [] }
        var custom: [CustomField] = []
        custom.keep("account", text)
        return custom
    }

    // MARK: What it says

    var facts: CallFacts {
        let isInternal = client.map(MegafonNumber.isShort) ?? false
        return CallFacts(
            direction: isInternal ? .internal : direction, externalNumber: isInternal ? nil : client, line: line)
    }

    private var direction: Direction? {
        switch kind {
        case "in", "missed": .inbound
        case "out": .outbound
        default: nil
        }
    }

    /// CSV has no status: an incoming call that is not among the missed was answered, an outgoing one where there was a talk. What
    /// got no further than the menu reached nobody.
    private var outcome: MegafonOutcome {
        if case .machine = account { return MegafonOutcome("missed") }
        if let status { return MegafonOutcome(status) }
        switch kind {
        case "in": return MegafonOutcome("success")
        case "missed": return MegafonOutcome("missed")
        default: return MegafonOutcome(talk.map { $0 > .zero ? "success" : "missed" })
        }
    }

    func ending(from start: Instant) -> EndReport {
        let outcome = outcome
        var report = EndReport(
            reason: outcome.reason, cause: Cause(providerCode: status), answered: outcome.answered, user: user)
        guard let wait else { return report }
        let answer = start.advanced(by: wait)
        report.endedAt = talk.map(answer.advanced)
        if outcome.answered == true { report.answeredAt = answer }
        return report
    }

    /// The log knows logins only.
    private var user: Party? {
        switch account {
        case .employee(let login): .user(extension: login, endpoint: nil)
        case .group(let id): .queue(ref: group ?? id)
        case .machine("ivr"): .ivr(ref: nil)
        case .machine, nil: nil
        }
    }
}

/// Rows of CSV (RFC 4180), a line each.
enum CommaSeparated {
    /// The fields of a line; quotes around one are taken off, doubled ones within stand for one.
    static func fields(of line: some Sequence<UInt8>) -> [String] {
        var fields: [[UInt8]] = [[]]
        var isQuoted = false
        var wasQuote = false
        for byte in line {
            if byte == UInt8(ascii: "\"") {
                // The second of two quotes within quotes is one that is meant.
                if wasQuote, !isQuoted { fields[fields.count - 1].append(byte) }
                isQuoted.toggle()
                wasQuote = !isQuoted
                continue
            }
            wasQuote = false
            if byte == UInt8(ascii: ","), !isQuoted {
                fields.append([])
            } else {
                fields[fields.count - 1].append(byte)
            }
        }
        return fields.map { String(decoding: $0, as: UTF8.self) }
    }
}
