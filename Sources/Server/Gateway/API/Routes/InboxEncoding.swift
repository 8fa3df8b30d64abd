import Connector

/// Raw requests as people may see them: enough to understand a provider, no secret, no whole number.
enum InboxEncoding {
    /// Bytes of a body that are shown.
    private static let shownBytes = 64 << 10

    static func write(_ entry: InboxEntry, to json: inout JSONWriter) {
        let raw = entry.raw
        json.beginObject()
        json.field("id", raw.id.description)
        json.field("connection_id", raw.connection.name)
        json.field("received_at", raw.receivedAt.description)
        json.field("source", raw.source.rawValue)
        json.field("peer", raw.peer.isEmpty ? nil : raw.peer)
        json.field("method", raw.method)
        json.field("path", text(Masking.maskNumbers(in: Array(raw.path.utf8))))
        json.field("query", text(Masking.maskNumbers(in: maskFormSecrets(Array(raw.query.utf8)))))
        json.beginArray("headers")
        for header in raw.headers {
            json.beginObject()
            json.field("name", header.name)
            let value = Masking.isSecret(header.name) ? Masking.hidden : text(Masking.maskNumbers(in: Array(header.value.utf8)))
            json.field("value", value)
            json.endObject()
        }
        json.endArray()
        json.field("body", text(maskedBody(raw)))
        json.field("body_bytes", raw.body.count)
        json.field("state", entry.state.rawValue)
        json.field("reason", entry.reason)
        json.beginArray("call_ids")
        for call in entry.calls { json.value(call.description) }
        json.endArray()
        json.endObject()
    }

    /// What is no UTF-8 is repaired: a body is shown, not copied.
    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    static func maskedBody(_ raw: RawRecord) -> [UInt8] {
        let body = maskToken(Array(raw.body.prefix(shownBytes)), of: raw.connection)
        let secretsHidden = body.first == UInt8(ascii: "{") ? maskJSONSecrets(body) : maskFormSecrets(body)
        return Masking.maskNumbers(in: secretsHidden)
    }

    /// `https://gw/hooks/office/0123456789abcdef` → `https://gw/hooks/office/***`: a provider may say where it was told to send, and
    /// the connection's `url_token` with it.
    static func maskToken(_ body: [UInt8], of connection: ConnectionID) -> [UInt8] {
        let entrance = Array("/hooks/\(connection.name)/".utf8)
        var masked: [UInt8] = []
        var rest = body[...]
        while let place = rest.firstRange(of: entrance) {
            masked += rest[..<place.upperBound]
            let token = rest[place.upperBound...].prefix { isUnreserved($0) }
            // Shorter than any token, and not cut off: a path that the provider appends.
            let isPath = token.count < 16 && token.endIndex < body.endIndex
            masked += isPath ? Array(token) : Array(Masking.hidden.utf8)
            rest = rest[token.endIndex...]
        }
        return masked + rest
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x2D || byte == 0x5F
    }

    /// `a=1&sign=abc` → `a=1&sign=***`; what is no form has no such fields and stays.
    static func maskFormSecrets(_ form: [UInt8]) -> [UInt8] {
        let fields = form.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false)
        var masked: [UInt8] = []
        masked.reserveCapacity(form.count)
        for (index, field) in fields.enumerated() {
            if index > 0 { masked.append(UInt8(ascii: "&")) }
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")),
                Masking.isSecret(String(decoding: field[..<equals], as: UTF8.self))
            else {
                masked += field
                continue
            }
            masked += field[...equals]
            masked += Masking.hidden.utf8
        }
        return masked
    }

    /// Members of an object, however deep, whose names tell of a secret. What is no JSON is hidden whole: it may hold one.
    static func maskJSONSecrets(_ body: [UInt8]) -> [UInt8] {
        do {
            return masked(try JSONValue(parsing: body)).encoded
        } catch {
            return Array("(no JSON: \(error.description), \(body.count) bytes)".utf8)
        }
    }

    private static func masked(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(masked))
        case .object(let members):
            .object(
                members.map { member in
                    Masking.isSecret(member.name)
                        ? JSONValue.Member(member.name, .string(Masking.hidden))
                        : JSONValue.Member(member.name, masked(member.value))
                })
        default: value
        }
    }
}
