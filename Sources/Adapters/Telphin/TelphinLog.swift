import AdapterKit
import Connector

/// Telphin's own log of calls as its API gives it: a page of `call_history`, or one call of it.
///
/// Pure: who fetched the page put it into the inbox with the source `history`. Each row becomes an ending, so that a call whose
/// events were lost is there all the same, and one that is known counts as reconciled. Times are UTC, durations seconds. That
/// `call_uuid` is the events' `CallID` is inferred: where it finds no call, the row goes to the one it is like.
struct TelphinLog {
    private let raw: RawStamp

    init(_ raw: RawStamp) { self.raw = raw }

    /// One element a fact: an ending for each row, and each of its recordings.
    func decode(_ body: [UInt8]) -> [Decoded] {
        let root: JSONNode
        do {
            root = try JSONText(body).root
        } catch {
            return [.undecoded(reason: error.description)]
        }
        if root["call_uuid"].exists { return decode(root, number: 1) }
        guard root["call_history"].isArray else { return [.undecoded(reason: "`call_history` is missing")] }
        let decoded = root["call_history"].elements.enumerated().flatMap { number, row in decode(row, number: number + 1) }
        return decoded.isEmpty ? [.ignored(reason: "no calls")] : decoded
    }

    private func decode(_ node: JSONNode, number: Int) -> [Decoded] {
        let row = TelphinLogRow(node)
        guard let name = row.name, let end = row.endedAt else {
            return [.undecoded(reason: "row \(number) has no name or no end")]
        }
        var event = event(.ended, of: row, named: name)
        event.occurredAt = end
        event.facts = row.facts
        event.ending = row.ending
        event.custom = row.custom
        let recorded = row.recordings.enumerated().map { place, recording in
            var ready = self.event(.recordingReady, of: row, named: name, ordinal: place + 1)
            ready.recording = RecordingReport(key: recording, phase: .ready)
            return ready
        }
        return ([rang(row, named: name), event] + recorded).compactMap { $0.map(Decoded.call) }
    }

    /// That an employee's phone rang, where nobody took it: else the caller would seem to have left a menu.
    private func rang(_ row: TelphinLogRow, named name: String) -> CallEvent? {
        guard let leg = row.ringing(in: name), let start = row.facts.startedAt else { return nil }
        var event = event(.ringing, of: row, named: name, ordinal: -1)
        event.occurredAt = start
        event.leg = leg
        event.facts.direction = row.facts.direction
        return event
    }

    /// The same row in another page is a repeat; one that says anything else is news.
    private func event(_ type: EventType, of row: TelphinLogRow, named name: String, ordinal: Int = 0) -> CallEvent {
        var repeatKey = RepeatKey(raw.connection)
        repeatKey.add("log" as StaticString)
        repeatKey.add(row.text)
        return CallEvent(
            id: repeatKey.eventID(ordinal: ordinal), rawID: raw.id,
            keys: [ExternalKey(.call, name)] + row.recordings.map { ExternalKey(.recording, $0) }, type: type,
            occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: raw.source, likeness: CallLikeness(ofWhole: row.facts)
        )
    }
}

/// One row of the log.
struct TelphinLogRow {
    private let node: JSONNode

    init(_ node: JSONNode) { self.node = node }

    private subscript(_ name: StaticString) -> String? {
        node[name].anyText.flatMap { $0.isEmpty ? nil : $0 }
    }

    var text: String { String(decoding: node.source, as: UTF8.self) }

    /// `call_uuid`, as the events write it.
    var name: String? { self["call_uuid"].flatMap(TelphinCallName.read) }

    var endedAt: Instant? { TelphinTime.parse(utc: self["hangup_time_gmt"]) }

    /// Recordings of the legs, each once; bounded as a call's own.
    var recordings: [String] {
        var recordings: [String] = []
        for leg in node["cdr"].elements {
            guard let recording = leg["record_uuid"].anyText, !recording.isEmpty, recording.utf8.count <= 256,
                recordings.count < 16, !recordings.contains(recording)
            else { continue }
            recordings.append(recording)
        }
        return recordings
    }

    var facts: CallFacts {
        CallFacts(
            direction: direction, startedAt: TelphinTime.parse(utc: self["init_time_gmt"] ?? self["start_time_gmt"]),
            externalNumber: direction == .internal ? nil : otherSide, line: self["did_number"])
    }

    private var direction: Direction? {
        if let from = self["from_username"], let to = self["to_username"], TelphinNumber.isExtension(from),
            TelphinNumber.isExtension(to)
        {
            return .internal
        }
        switch self["flow"]?.lowercased() {
        case "in": return .inbound
        case "out": return .outbound
        default: return nil
        }
    }

    private var otherSide: String? {
        switch self["flow"]?.lowercased() {
        case "in": self["from_username"]
        case "out": self["to_username"]
        default: nil
        }
    }

    /// `answered` without a talk was a menu or a queue: it reached nobody.
    private var isAnswered: Bool? {
        switch result {
        case "bridged": true
        case "answered": node["bridged_duration"].anyInt.map { $0 > 0 } ?? (self["bridged_time_gmt"] != nil)
        case "not answered", "busy", "failed", "rejected": false
        default: nil
        }
    }

    private var result: String? { self["result"]?.lowercased() }

    var ending: EndReport {
        EndReport(
            reason: reason, cause: Cause(providerCode: self["result"], text: self["hangup_cause"]), answered: isAnswered,
            answeredAt: isAnswered == true ? TelphinTime.parse(utc: self["bridged_time_gmt"]) : nil, endedAt: endedAt, user: user,
            talks: talks)
    }

    /// Phones on which there was a talk, by the legs in their order (inferred). When they talked, legs do not say: the first one was
    /// there when the call was bridged, and one alone until its end.
    private var talks: [TalkReport] {
        guard facts.direction == .inbound, isAnswered == true else { return [] }
        let phones = node["cdr"].elements.lazy.filter { $0["result"].anyText?.lowercased() == "bridged" }
            .compactMap { $0["dest_number"].anyText }.filter { TelphinNumber.isExtension($0) && !isStation($0) }
        var users: [Party] = []
        for phone in phones.prefix(Self.legLimit) where !users.contains(TelphinNumber.user(phone)) {
            users.append(TelphinNumber.user(phone))
        }
        let answer = TelphinTime.parse(utc: self["bridged_time_gmt"])
        return users.enumerated().compactMap { place, user in
            TalkReport(of: user, from: place == 0 ? answer : nil, to: users.count == 1 ? endedAt : nil, since: facts.startedAt)
        }
    }

    /// More legs than one call has.
    private static let legLimit = 64

    /// Whether it is the queue or the menu that the row is of.
    private func isStation(_ number: String) -> Bool {
        guard let type = self["extension_type"]?.lowercased(), type != "phone", let name = self["extension_name"] else {
            return false
        }
        return TelphinNumber.short(name) == TelphinNumber.short(number)
    }

    /// Who hung up where that is told, else what the result says.
    private var reason: EndReason {
        switch (result, self["hangup_disposition"]?.lowercased()) {
        case ("busy", _): .busy
        case ("rejected", _), (_, "callee_refuse"): .rejected
        case ("failed", _): .failed
        case (_, "caller_bye"), (_, "caller_cancel"): .callerHungUp
        case (_, "callee_bye"): .calleeHungUp
        case ("not answered", _): .noAnswer
        case ("bridged", _): .normal
        default: .unknown
        }
    }

    /// The extension of the row, where it is a phone or does not say what it is.
    private var user: Party? {
        guard let name = self["extension_name"], TelphinNumber.isExtension(name) else { return nil }
        return switch self["extension_type"]?.lowercased() {
        case "queue": .queue(ref: TelphinNumber.short(name))
        case "ivr": .ivr(ref: TelphinNumber.short(name))
        case "phone", nil: TelphinNumber.user(name)
        default: nil
        }
    }

    /// The leg of an incoming call to a phone that nobody took, named as the events name it.
    func ringing(in call: String) -> LegReport? {
        guard facts.direction == .inbound, isAnswered == false, self["extension_type"]?.lowercased() == "phone",
            let number = self["extension_id"], let user
        else { return nil }
        return LegReport(key: "\(number)-\(call)", phase: .ringing, from: .external(number: otherSide), to: user)
    }

    /// What has no place in the record.
    var custom: [CustomField] {
        var custom: [CustomField] = []
        custom.keepMembers(of: node, except: Self.known)
        return custom
    }

    private static let known: NameSet = [
        "call_uuid", "flow", "result", "init_time_gmt", "start_time_gmt", "bridged_time_gmt", "hangup_time_gmt", "from_username",
        "to_username", "did_number", "extension_name", "hangup_cause", "cdr",
    ]
}
