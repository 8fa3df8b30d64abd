import Connector
import Digests

/// Asks the CRM at its `lookup_url`: one signed JSON object by POST, one JSON object back.
///
/// The signature is that of Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,` and base64 of the
/// HMAC-SHA-256 of `id.timestamp.body`. A redirect is not followed: number and signature go to the address of the settings alone.
package struct HTTPContactLookup: ContactLookup {
    private let url: String
    private let signer: KeyedDigest?
    private let outgoing: any Outgoing
    private let clock: any Timekeeper

    /// - Parameter secret: as `ServerSettings.lookupSecret`; `nil` signs nothing.
    package init(url: String, secret: String?, outgoing: any Outgoing, clock: any Timekeeper) {
        self.url = url
        self.outgoing = outgoing
        self.clock = clock
        signer = secret.map { KeyedDigest(hmac: .sha256, key: Self.key(of: $0)) }
    }

    /// The bytes of a secret: behind `whsec_` base64, as Standard Webhooks has it; any other is taken as it is.
    private static func key(of secret: String) -> [UInt8] {
        let prefix = "whsec_"
        guard secret.hasPrefix(prefix), let bytes = Base64.decode(String(secret.dropFirst(prefix.count))) else {
            return Array(secret.utf8)
        }
        return bytes
    }

    package func ask(_ query: ContactQuery, within deadline: Duration) async throws(ContactFailure) -> ContactAnswer {
        let response: OutgoingResponse
        do {
            response = try await outgoing.send(request(query, within: deadline))
        } catch {
            throw Self.failure(error)
        }
        switch response.status {
        case 200: return try ContactAnswer(json: response.body)
        case 204: return .unknown
        case 300..<400: throw ContactFailure(.redirect, "the CRM answered \(response.status): its redirects are not followed")
        default: throw ContactFailure(.status, "the CRM answered \(response.status)")
        }
    }

    private static func failure(_ error: any Error) -> ContactFailure {
        guard let error = error as? OutgoingError else { return ContactFailure(.unreachable, "the question was broken off") }
        switch error.code {
        case .timeout, .crowded: return ContactFailure(.timeout, error.description)
        case .tooLarge: return ContactFailure(.unreadable, error.description)
        default: return ContactFailure(.unreachable, error.description)
        }
    }

    // MARK: The question

    func request(_ query: ContactQuery, within deadline: Duration) -> OutgoingRequest {
        let now = clock.now()
        let body = Self.body(query, at: now)
        var headers = [
            HeaderField(name: "Content-Type", value: "application/json"), HeaderField(name: "Accept", value: "application/json"),
        ]
        let id = "msg_" + Hex.encode((0..<16).map { _ in UInt8.random(in: .min ... .max) })
        let timestamp = String(now.milliseconds / 1000)
        headers.append(HeaderField(name: "webhook-id", value: id))
        headers.append(HeaderField(name: "webhook-timestamp", value: timestamp))
        if let signer {
            let digest = signer.sign { digest in
                digest.update(Array("\(id).\(timestamp).".utf8))
                digest.update(body)
            }
            headers.append(HeaderField(name: "webhook-signature", value: "v1," + Base64.encode(digest.bytes)))
        }
        return OutgoingRequest(
            "POST", url, headers: headers, body: body, deadline: deadline, maximumBody: ContactAnswer.maximumBody)
    }

    private static func body(_ query: ContactQuery, at now: Instant) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("type", "contact.lookup")
        json.field("at", now)
        json.field("tenant_id", query.tenant.name)
        json.field("connection_id", query.connection.name)
        json.field("provider", query.provider)
        json.beginObject("number")
        write(query.number, to: &json)
        json.endObject()
        if let line = query.line {
            json.beginObject("line")
            write(line, to: &json)
            json.endObject()
        } else {
            json.nullField("line")
        }
        json.beginObject("call")
        json.field("kind", query.call.kind)
        json.field("value", query.call.value)
        json.endObject()
        json.field("answer_within_ms", query.patience.milliseconds)
        if query.isTest { json.field("test", true) }
        json.endObject()
        return json.finish()
    }

    private static func write(_ number: PhoneNumber, to json: inout JSONWriter) {
        json.field("raw", number.raw)
        json.field("e164", number.e164)
        json.field("national", number.national)
        json.field("country", number.country)
    }
}
