import AdapterKit
import Connector

/// The vendor's words for what happened.
enum MyPbxEvent: String {
    case ringing, answered, hangup, recorded
}

/// Reads one connection's webhooks. Keeps no state but memory to use again.
final class MyPbxDecoder: EventDecoder {
    private var fields = FieldTable()

    func decode(_ raw: RawRecord) -> [Decoded] {
        do {
            try raw.body.withUnsafeBytes { try fields.readForm($0) }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the body cannot be read")]
        }
        guard let word = fields.text("event") else { return [.undecoded(reason: "`event` is missing")] }
        guard let event = MyPbxEvent(rawValue: word) else {
            return [.ignored(reason: "a kind of event this adapter does not know")]
        }
        guard let call = fields.text("call") else { return [.undecoded(reason: "`call` is missing")] }
        return [.call(MyPbxMessage(fields, event, of: call, raw.stamp).callEvent)]
    }
}

/// One request, and what it says of its call.
struct MyPbxMessage {
    /// Fields that have their place in the record; the others go into `custom`.
    private static let known: NameSet = ["event", "call", "at", "direction", "from", "to", "line", "reason", "record"]

    private let fields: FieldTable
    private let event: MyPbxEvent
    private let call: String
    private let raw: RawStamp

    init(_ fields: FieldTable, _ event: MyPbxEvent, of call: String, _ raw: RawStamp) {
        self.fields = fields
        self.event = event
        self.call = call
        self.raw = raw
    }

    var callEvent: CallEvent {
        var told = CallEvent(
            id: repeatKey.eventID(), rawID: raw.id, keys: [ExternalKey(.call, call)], type: type,
            occurredAt: time ?? raw.receivedAt, receivedAt: raw.receivedAt, source: raw.source)
        told.facts = CallFacts(direction: direction, line: fields.text("line"))
        told.leg = leg
        if event == .hangup { told.ending = EndReport(reason: reason) }
        if event == .recorded { told.recording = fields.text("record").map { RecordingReport(key: $0, phase: .ready) } }
        for name in fields.names(except: Self.known) { told.custom.keep(name, fields.string(name)) }
        return told
    }

    /// What two deliveries of the same event have in common, and no two events.
    private var repeatKey: RepeatKey {
        var key = RepeatKey(raw.connection)
        for part in [call, event.rawValue, fields.text("at") ?? "", fields.text("record") ?? ""] { key.add(part) }
        return key
    }

    /// `at` is in milliseconds since 1970.
    private var time: Instant? {
        guard let milliseconds = fields.integer("at") else { return nil }
        let instant = Instant(milliseconds: Int64(milliseconds))
        return (Instant.earliest...Instant.latest).contains(instant) ? instant : nil
    }

    // MARK: Tables

    private var type: EventType {
        switch event {
        case .ringing: .ringing
        case .answered: .answered
        case .hangup: .ended
        case .recorded: .recordingReady
        }
    }

    private var direction: Direction? {
        switch fields.text("direction") {
        case "in": .inbound
        case "out": .outbound
        default: nil
        }
    }

    private var reason: EndReason {
        switch fields.text("reason") {
        case "normal": .normal
        case "busy": .busy
        case "no_answer": .noAnswer
        default: .unknown
        }
    }

    private var leg: LegReport? {
        let phase: LegReport.Phase
        switch event {
        case .ringing: phase = .ringing
        case .answered: phase = .answered
        case .hangup: phase = .ended
        case .recorded: return nil
        }
        return LegReport(
            key: call, phase: phase, from: party(fields.text("from")), to: party(fields.text("to")),
            reason: event == .hangup ? reason : nil)
    }

    /// An employee has a short number; everybody else is outside.
    private func party(_ number: String?) -> Party? {
        number.map { $0.utf8.count <= 4 ? .user(extension: $0, endpoint: nil) : .external(number: $0) }
    }
}
