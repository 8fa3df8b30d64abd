import AdapterKit
import Connector

/// Asks a tenant's PBX over its "CRM API", in either of the two generations: `legacy` takes forms at one address, `v1` JSON at many.
///
/// The API makes calls and shows its log. It has no command for a call that is up: no hanging up, holding or passing on.
struct MegafonClient: ProviderClient {
    /// The generations of the API.
    enum API: String, Sendable, CaseIterable { case v1, legacy }

    static let capabilities: [Capability] = [.originate, .recordings, .history]

    /// The vendor names no limit. Ours keeps a CRM that lost its head from ringing the whole house.
    static let rateLimit = RateLimit(burst: 5, interval: .milliseconds(200))

    let server: ServerAddress
    let key: String
    let api: API
    let outgoing: any Outgoing

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        guard case .originate(let call) = order.action else {
            throw ProviderFailure.unsupported(order.action.type, "MegaFon VATS takes no command for a call that is there already")
        }
        var request = try makeCall(call)
        request.deadline = order.deadline
        let response = try await outgoing.reply(to: request, acts: true)
        guard response.isSuccess else { throw refusal(response, acts: true) }
        return try MegafonCallAnswer.read(response, hiding: [key])
    }

    func refusal(_ response: OutgoingResponse, acts: Bool) -> ProviderFailure {
        ProviderFailure(refusal: response, acts: acts, hiding: [key])
    }

    // MARK: makeCall

    /// The order to ring the employee, and then `to`. A name cannot be shown; it is left out.
    private func makeCall(_ call: Command.Origination) throws(ProviderFailure) -> OutgoingRequest {
        guard !call.record else {
            throw ProviderFailure.unsupported("record", "MegaFon VATS records by the cabinet's settings only")
        }
        let user = try Self.user(call.from)
        let phone = try DialledNumber.target(call.to)
        let line = try DialledNumber.line(call.line)
        switch api {
        case .v1: return makeCallV1(user: user, phone: phone, line: line)
        case .legacy:
            var fields = [(name: "user", value: user), (name: "phone", value: phone)]
            if let line { fields.append((name: "clid", value: line)) }
            return legacy("makeCall", fields)
        }
    }

    private func makeCallV1(user: String, phone: String, line: String?) -> OutgoingRequest {
        var json = JSONWriter()
        json.beginObject()
        json.field("phone", phone)
        json.field("user", user)
        if let line { json.field("clid", line) }
        json.endObject()
        var request = v1("POST", "/makecall")
        request.headers.append(HeaderField(name: "Content-Type", value: "application/json"))
        request.body = json.finish()
        return request
    }

    /// A login, a short number, or an employee's own number, which must come without its plus (seen on a live tenant).
    /// - Throws: `.invalid`.
    static func user(_ text: String) throws(ProviderFailure) -> String {
        if let digits = DialledNumber.digits(text) { return digits }
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(isPartOfLogin) else {
            throw .invalid("from", "`from` is neither a login nor a number")
        }
        return text
    }

    private static func isPartOfLogin(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: "._-@".utf8.contains(byte)
        }
    }

    // MARK: Requests

    func legacy(_ command: String, _ fields: [(name: String, value: String)]) -> OutgoingRequest {
        let form = FormEncoding.encode([(name: "cmd", value: command)] + fields + [(name: "token", value: key)])
        return OutgoingRequest(
            "POST", "\(server)/sys/crm_api.wcgp",
            headers: [HeaderField(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: Array(form.utf8))
    }

    func v1(_ method: String, _ target: String) -> OutgoingRequest {
        OutgoingRequest(method, "\(server)/crmapi/v1\(target)", headers: [keyHeader])
    }

    var keyHeader: HeaderField { HeaderField(name: "X-API-KEY", value: key) }
}

/// What `makeCall` answered, with a status of success.
///
/// v1 and newer servers send `{"callid": …}`; legacy documents promise the bare name, live servers were seen to send `{"CallID": …}`,
/// an object without it, or nothing. All of these mean yes.
enum MegafonCallAnswer {
    /// - Throws: `.rejected` for an error that came as a success, `.unknown` for what cannot be read: the employee may be ringing.
    static func read(_ response: OutgoingResponse, hiding secrets: [String]) throws(ProviderFailure) -> ProviderAnswer {
        var answer = ProviderAnswer(code: String(response.status))
        let text = bare(response.body)
        switch text.first {
        case nil: break
        case "{", "\"": answer.call = try readJSON(response, hiding: secrets)
        default:
            if text == "null" || text == "OK" { break }
            guard let call = call(text) else { throw .unreadable(response, acts: true) }
            answer.call = call
        }
        return answer
    }

    /// The text without white space around it, or more of it than any answer has.
    private static func bare(_ body: [UInt8]) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte <= 0x20 }
        let end = body.lastIndex { !isBlank($0) } ?? -1
        return String(decoding: body[...end].drop(while: isBlank).prefix(4096), as: UTF8.self)
    }

    private static func readJSON(
        _ response: OutgoingResponse, hiding secrets: [String]
    ) throws(ProviderFailure) -> ExternalKey? {
        guard let json = response.json else { throw .unreadable(response, acts: true) }
        if let text = json.string {
            guard text.isEmpty || text == "OK" || call(text) != nil else { throw .unreadable(response, acts: true) }
            return call(text)
        }
        if let name = name(in: json) { return name }
        try refuse(response, hiding: secrets)
        return nil
    }

    private static func name(in json: JSONNode) -> ExternalKey? {
        json.members.last { $0.name.lowercased() == "callid" }?.value.anyText.flatMap(call)
    }

    /// An error that came as a success.
    /// - Throws: `.rejected` where it is one.
    static func refuse(_ response: OutgoingResponse, hiding secrets: [String]) throws(ProviderFailure) {
        let complaint = VendorComplaint(response, hiding: secrets)
        guard let text = complaint.text else { return }
        throw ProviderFailure(.rejected, code: complaint.code ?? "error", text: "the provider answered: \(text)")
    }

    /// `Q1AAA0000400010A`, `B10D0EB124F4E64AF4EA-1511`: at least eight letters, digits and `-_.:@`, a digit among them. So a word is
    /// not taken for a call.
    private static func call(_ text: String) -> ExternalKey? {
        guard (8...128).contains(text.utf8.count), text.utf8.contains(where: { (0x30...0x39).contains($0) }),
            text.utf8.allSatisfy({ byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "-_.:@".utf8.contains(byte)
            })
        else { return nil }
        return ExternalKey(.call, text)
    }
}
