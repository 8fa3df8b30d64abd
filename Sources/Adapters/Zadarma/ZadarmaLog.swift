import AdapterKit
import Connector

/// Zadarma's own log of calls: a page of `/v1/statistics/pbx/`.
///
/// Pure: who fetched the page put it into the inbox with the source `history`. A row is a leg; rows of one `pbx_call_id` are one
/// call (inferred). Each call becomes an ending, so that one whose notifications were lost is there all the same, and one that is
/// known counts as reconciled. A recording's `call_id` is taken for the `call_id_with_rec` of the notifications (inferred).
struct ZadarmaLog {
    private let raw: RawStamp
    private let zone: LocalZone

    init(_ raw: RawStamp, zone: LocalZone) {
        self.raw = raw
        self.zone = zone
    }

    /// One element a fact: an ending for each call, and each of its recordings.
    func decode(_ body: [UInt8]) -> [Decoded] {
        let stats: JSONNode
        do {
            stats = try JSONText(body).root["stats"]
        } catch {
            return [.undecoded(reason: error.description)]
        }
        guard stats.isArray else { return [.undecoded(reason: "`stats` is missing")] }
        var decoded: [Decoded] = []
        var order: [String] = []
        var calls: [String: [ZadarmaLogRow]] = [:]
        for (number, node) in stats.elements.enumerated() {
            guard let row = ZadarmaLogRow(node, zone: zone) else {
                decoded.append(.undecoded(reason: "row \(number + 1) has no call or no time"))
                continue
            }
            if calls[row.call] == nil { order.append(row.call) }
            calls[row.call, default: []].append(row)
        }
        for name in order { decoded += events(of: name, calls[name] ?? []).map(Decoded.call) }
        return decoded.isEmpty ? [.ignored(reason: "no calls")] : decoded
    }

    private func events(of name: String, _ rows: [ZadarmaLogRow]) -> [CallEvent] {
        // Whom somebody talked with says how it ended; else who was tried last.
        guard let last = rows.max(by: { $0.startedAt < $1.startedAt }),
            let telling = rows.last(where: { $0.outcome.answered == true }) ?? Optional(last)
        else { return [] }
        var ended = event(.ended, of: name, rows, ordinal: 0)
        ended.occurredAt = last.startedAt.advanced(by: last.talk)
        ended.facts = telling.facts
        ended.facts.startedAt = rows.map(\.startedAt).min()
        ended.facts.timeZone = zone.name
        ended.ending = EndReport(
            reason: telling.outcome.reason, cause: Cause(providerCode: telling.disposition), answered: telling.outcome.answered,
            user: telling.employee, talks: talks(rows))
        let recordings = rows.compactMap(\.recording).prefix(16)
        return rang(name, rows) + [ended]
            + recordings.enumerated().map { place, recording in
                var ready = event(.recordingReady, of: name, rows, ordinal: place + 1)
                ready.keys.append(ExternalKey(.recording, recording))
                ready.recording = RecordingReport(key: recording, phase: .ready)
                return ready
            }
    }

    /// Who talked, in their order; when he answered, no row says.
    private func talks(_ rows: [ZadarmaLogRow]) -> [TalkReport] {
        // Rows of one second stay in the log's order.
        let answered = rows.enumerated().filter { $0.element.outcome.answered == true }
            .sorted { ($0.element.startedAt, $0.offset) < ($1.element.startedAt, $1.offset) }
        return answered.prefix(16).compactMap { TalkReport(of: $0.element.employee, since: $0.element.startedAt) }
    }

    /// That employees' phones rang, where nobody took the call: else the caller would seem to have left a menu.
    private func rang(_ name: String, _ rows: [ZadarmaLogRow]) -> [CallEvent] {
        guard rows.allSatisfy({ $0.outcome.answered == false }) else { return [] }
        return rows.prefix(16).enumerated().compactMap { place, row in
            guard let leg = row.ringing else { return nil }
            var event = event(.ringing, of: name, rows, ordinal: -1 - place)
            event.occurredAt = row.startedAt
            event.leg = leg
            return event
        }
    }

    /// The same rows in another page are a repeat; others are news.
    private func event(_ type: EventType, of name: String, _ rows: [ZadarmaLogRow], ordinal: Int) -> CallEvent {
        var repeatKey = RepeatKey(raw.connection)
        repeatKey.add("log" as StaticString)
        for row in rows { repeatKey.add(row.text) }
        return CallEvent(
            id: repeatKey.eventID(ordinal: ordinal), rawID: raw.id, keys: [ExternalKey(.call, name)], type: type,
            occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: raw.source)
    }
}

/// One leg of the log.
struct ZadarmaLogRow {
    let call: String
    let startedAt: Instant
    let disposition: String?
    let outcome: ZadarmaDisposition
    /// How long they talked; zero where nobody did.
    let talk: Duration
    /// `call_id`, where the leg was recorded.
    let recording: String?
    /// As it came: tells it from every other.
    let text: String
    private let caller: String?
    private let called: String?
    private let device: String?

    /// nil without a call or a time.
    init?(_ node: JSONNode, zone: LocalZone) {
        func field(_ name: StaticString) -> String? { node[name].anyText.flatMap { $0.isEmpty ? nil : $0 } }
        guard let call = field("pbx_call_id"), call.utf8.count <= 256,
            let start = field("callstart").flatMap({ LocalTimestamp.parse($0, in: zone) })
        else { return nil }
        self.call = call
        startedAt = start
        disposition = field("disposition")
        outcome = ZadarmaDisposition(disposition)
        let seconds = node["seconds"].anyInt.map { min(max($0, 0), 604_800) } ?? 0
        talk = outcome.answered == true ? .seconds(seconds) : .zero
        let isRecorded = node["is_recorded"].bool ?? (field("is_recorded") == "true" || node["is_recorded"].anyInt == 1)
        recording = isRecorded ? field("call_id").flatMap { $0.utf8.count <= 256 ? $0 : nil } : nil
        text = String(decoding: node.source, as: UTF8.self)
        caller = field("clid").map(Self.number)
        called = field("destination").map(ZadarmaMessage.shortened)
        device = field("sip").map(ZadarmaMessage.shortened)
    }

    /// `Name <79000000101>` is the number in the brackets.
    private static func number(_ text: String) -> String {
        guard let open = text.lastIndex(of: "<"), let close = text.lastIndex(of: ">"), open < close else {
            return ZadarmaMessage.shortened(text)
        }
        return ZadarmaMessage.shortened(String(text[text.index(after: open)..<close]))
    }

    var facts: CallFacts {
        CallFacts(
            direction: direction,
            externalNumber: direction == .inbound ? caller : direction == .outbound ? called : nil)
    }

    private var direction: Direction? {
        if call.hasPrefix("in_") { return caller.map(ZadarmaMessage.isShort) ?? false ? .internal : .inbound }
        guard call.hasPrefix("out_") else { return nil }
        return called.map(ZadarmaMessage.isShort) ?? false ? .internal : .outbound
    }

    /// The leg of an incoming call to an extension, named as the notifications have it.
    var ringing: LegReport? {
        guard direction == .inbound, let called, let employee else { return nil }
        return LegReport(
            key: "\(call)/\(called)", phase: .ringing, from: .external(number: caller), to: employee, handover: .unmarked)
    }

    /// Who was called in the house, or who called out of it.
    var employee: Party? {
        let side = direction == .outbound ? device : called
        return side.flatMap { ZadarmaMessage.isShort($0) ? .user(extension: $0, endpoint: nil) : nil }
    }
}
