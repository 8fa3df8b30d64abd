import Connector
import Digests

/// Has the program read raw records. Keeps no state: the program must read each record by itself.
final class ProgramDecoder: EventDecoder {
    private let host: ProgramHost

    init(_ host: ProgramHost) { self.host = host }

    func decode(_ raw: RawRecord) -> [Decoded] {
        do {
            let decoded = try host.ask("decode", within: host.answerWithin) { json in
                json.beginObject("request")
                Self.write(raw, to: &json)
                json.endObject()
            } read: { answer throws(ProgramShapeError) in
                try ProgramEvent.decoded(answer, of: raw.stamp)
            }
            return decoded.map(cleaned)
        } catch {
            return [.undecoded(reason: error.reason)]
        }
    }

    /// A program's own reasons may carry what it read.
    private func cleaned(_ decoded: Decoded) -> Decoded {
        switch decoded {
        case .ignored(let reason): .ignored(reason: host.clean(reason))
        case .undecoded(let reason): .undecoded(reason: host.clean(reason))
        default: decoded
        }
    }

    private static func write(_ raw: RawRecord, to json: inout JSONWriter) {
        json.field("received_at", raw.receivedAt)
        json.field("source", raw.source)
        json.field("method", raw.method)
        json.field("path", raw.path)
        json.field("query", raw.query)
        json.beginObject("headers")
        for header in raw.headers {
            json.name(dynamic: header.name)
            json.value(header.value)
        }
        json.endObject()
        if let text = String(validating: raw.body, as: UTF8.self) {
            json.field("body", text)
        } else {
            json.field("body_base64", Base64.encode(raw.body))
        }
    }
}
