import AdapterKit
import Connector

/// Reads one connection's notifications, and the pages of the vendor's log that were fetched for it. Keeps no state but memory to use again.
final class ZadarmaDecoder: EventDecoder {
    private let zone: LocalZone
    private var fields = FieldTable()

    init(zone: LocalZone) { self.zone = zone }

    func decode(_ raw: RawRecord) -> [Decoded] {
        if raw.source == .history { return ZadarmaLog(raw.stamp, zone: zone).decode(raw.body) }
        do {
            let contentType = raw.headers.first { $0.name == "content-type" }?.value
            try raw.body.withUnsafeBytes { try fields.read($0, contentType: contentType) }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the body cannot be read")]
        }
        guard let event = fields.withBytes(of: "event", { ZadarmaEvent($0) }) else {
            return [.undecoded(reason: "`event` is missing")]
        }
        return [decode(event, ZadarmaMessage(fields, raw: raw.stamp, zone: zone))]
    }

    private func decode(_ event: ZadarmaEvent, _ message: ZadarmaMessage) -> Decoded {
        switch event {
        case .start: message.start()
        case .ringing: message.ringing()
        case .answer: message.answer()
        case .end: message.end()
        case .outStart: message.outStart()
        case .outEnd: message.end()
        case .record: message.record()
        case .menu: message.menu()
        case .transcript: message.transcript()
        case .sms: message.signal("sms_received")
        case .numberLookup: message.signal("number_lookup")
        case .callTracking: message.signal("call_tracking")
        case .other: .ignored(reason: "a kind of event this adapter does not know")
        }
    }
}
