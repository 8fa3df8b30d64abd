import AdapterKit
import Connector
import Digests

/// Sends a described vendor's commands, to the server of `base_url` and nowhere else.
struct MappedClient: ProviderClient {
    let mapping: Mapping
    private let server: ServerAddress
    let credentials: [Placeholder: String]
    private let outgoing: any Outgoing

    init(_ mapping: Mapping, server: ServerAddress, user: String?, key: String?, _ outgoing: any Outgoing) {
        self.mapping = mapping
        self.server = server
        self.outgoing = outgoing
        var credentials: [Placeholder: String] = [:]
        credentials[.apiUser] = user
        credentials[.apiKey] = key
        if let user, let key { credentials[.apiBasic] = Base64.encode("\(user):\(key)") }
        self.credentials = credentials
    }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        let capability = order.action.capability
        guard let command = mapping.commands[capability] else {
            throw ProviderFailure(.unsupported, code: capability.rawValue, text: "the mapping describes no such command")
        }
        var values = credentials.merging(order.values) { ours, _ in ours }
        values[.commandID] = order.id.description
        let request = try request(command, values, deadline: order.deadline)
        return try MappedAnswerReader(command.answer).read(try await send(request))
    }

    func send(_ request: OutgoingRequest) async throws(ProviderFailure) -> OutgoingResponse {
        do {
            return try await outgoing.send(request)
        } catch {
            throw ProviderFailure(error)
        }
    }

    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        guard let command = mapping.commands[.recordings] else {
            throw ProviderFailure(.unsupported, code: "recording", text: "the mapping does not say where recordings are")
        }
        var values = credentials
        values[.recording] = reference
        return try request(command, values, deadline: .seconds(60))
    }

    // MARK: The request

    /// - Throws: `.invalid` where something is missing that cannot be left out, or does not fit where it is to stand.
    func request(
        _ command: MappedCommand, _ values: [Placeholder: String], deadline: Duration
    ) throws(ProviderFailure) -> OutgoingRequest {
        for place in command.path.places {
            guard let value = values[place] else { throw Self.missing(place) }
            guard !value.isEmpty else { throw Self.unfit(place) }
        }
        guard let path = command.path.filled(values, PercentEncoding.encode) else { throw Self.missing(nil) }
        // Dots would lead elsewhere on the server: who asks for the call `..` means no good.
        guard path.split(separator: "/").allSatisfy({ $0 != "." && $0 != ".." }) else { throw Self.unfit(nil) }
        let pairs = Self.filled(command.query, values)
        let query = pairs.map { "\(PercentEncoding.encode($0.name))=\(PercentEncoding.encode($0.value))" }.joined(separator: "&")
        var request = OutgoingRequest(
            command.method.rawValue, server.description + path + (query.isEmpty ? "" : "?\(query)"), deadline: deadline)
        request.headers = try headers(command, values)
        switch command.body {
        case .none: break
        case .form(let fields):
            request.body = Array(FormEncoding.encode(Self.filled(fields, values)).utf8)
            Self.setType("application/x-www-form-urlencoded", of: &request)
        case .json(let json):
            request.body = (json.filled(values) ?? .null).encoded
            Self.setType("application/json", of: &request)
        }
        return request
    }

    private func headers(_ command: MappedCommand, _ values: [Placeholder: String]) throws(ProviderFailure) -> [HeaderField] {
        let own = Set(command.headers.map { $0.name.lowercased() })
        let templates = mapping.commandHeaders.filter { !own.contains($0.name.lowercased()) } + command.headers
        let headers = Self.filled(templates, values)
        guard headers.allSatisfy({ $0.value.utf8.allSatisfy { (0x20...0x7E).contains($0) } }) else {
            throw ProviderFailure(.invalid, code: "header", text: "a value does not fit into a header")
        }
        return headers.map { HeaderField(name: $0.name, value: $0.value) }
    }

    /// Fields whose values are all there.
    private static func filled(_ fields: [MappedField], _ values: [Placeholder: String]) -> [(name: String, value: String)] {
        fields.compactMap { field in field.template.filled(values).map { (field.name, $0) } }
    }

    private static func setType(_ type: String, of request: inout OutgoingRequest) {
        guard !request.headers.contains(where: { $0.name.lowercased() == "content-type" }) else { return }
        request.headers.append(HeaderField(name: "Content-Type", value: type))
    }

    private static func missing(_ place: Placeholder?) -> ProviderFailure {
        let name = place?.rawValue ?? "value"
        return ProviderFailure(.invalid, code: "missing", text: "the command needs `\(name)`, and nothing tells it")
    }

    private static func unfit(_ place: Placeholder?) -> ProviderFailure {
        ProviderFailure(.invalid, code: "unfit", text: "`\(place?.rawValue ?? "a value")` does not fit into a path")
    }
}

extension ProviderOrder {
    /// What the command itself tells.
    fileprivate var values: [Placeholder: String] {
        var values: [Placeholder: String] = [:]
        switch action {
        case .originate(let call):
            values[.from] = call.from
            values[.to] = call.to
            values[.line] = call.line
            values[.callerName] = call.callerName
            values[.record] = call.record ? "true" : "false"
        case .transfer(let to, _): values[.to] = to
        case .dtmf(let digits): values[.digits] = digits
        case .hangup, .hold, .resume, .record: break
        }
        if let target {
            values[.call] = target.keys.first { $0.kind == .call }?.value
            values[.session] = target.keys.first { $0.kind == .session }?.value
            values[.externalNumber] = target.externalNumber
            let leg = target.talkingLeg ?? target.legs.last { $0.user != nil }
            values[.leg] = leg?.key
            values[.user] = leg?.user
        }
        let digits: [(Placeholder, Placeholder)] = [
            (.from, .fromDigits), (.to, .toDigits), (.line, .lineDigits), (.externalNumber, .externalDigits),
        ]
        for (whole, bare) in digits {
            values[bare] = values[whole].flatMap { MappedFilter.digits.apply($0) }
        }
        return values
    }
}

/// Says what a vendor's answer means for a command.
struct MappedAnswerReader {
    private let answer: MappedCommand.Answer

    init(_ answer: MappedCommand.Answer) { self.answer = answer }

    /// - Throws: `ProviderFailure`; `.unknown` where the vendor may have carried it out.
    func read(_ response: OutgoingResponse) throws(ProviderFailure) -> ProviderAnswer {
        let root = (try? JSONText(response.body, limits: .init(depth: 32, byteCount: 1 << 20)))?.root
        let own = answer.code.flatMap { Self.text($0, in: root) }
        let code = own.map(Self.plain) ?? "\(response.status)"
        guard (200...299).contains(response.status) else { throw Self.failure(response, code) }
        if !answer.successes.isEmpty {
            guard let own else {
                throw ProviderFailure(.unknown, code: code, text: "the vendor's answer has no code")
            }
            guard answer.successes.contains(own) else {
                throw ProviderFailure(.rejected, code: code, text: "the vendor says no")
            }
        }
        let call = answer.call.flatMap { Self.text($0, in: root) }
        return ProviderAnswer(call: call.map { ExternalKey(.call, $0) }, code: code)
    }

    private static func failure(_ response: OutgoingResponse, _ code: String) -> ProviderFailure {
        let wait = response.header("retry-after").flatMap { DecimalInteger.parse($0.utf8) }
        let retryAfter = wait.flatMap { (0...86_400).contains($0) ? Duration.seconds($0) : nil }
        switch response.status {
        case 401, 403: return ProviderFailure(.unauthorized, code: code, text: "the vendor does not take the credentials")
        case 429: return ProviderFailure(.limited, code: code, text: "the vendor was asked too often", retryAfter: retryAfter)
        case 503:
            return ProviderFailure(.unavailable, code: code, text: "the vendor is not available now", retryAfter: retryAfter)
        case 400...499: return ProviderFailure(.rejected, code: code, text: "the vendor says no")
        // A redirect is not followed, and a server that fails may have done its work before.
        default: return ProviderFailure(.unknown, code: code, text: "the vendor's answer does not say whether it was done")
        }
    }

    private static func text(_ steps: [String], in root: JSONNode?) -> String? {
        guard let root else { return nil }
        let node = steps.reduce(root) { $0[dynamic: $1] }
        let text = node.anyText ?? node.bool.map { $0 ? "true" : "false" }
        return text.flatMap { $0.isEmpty || $0.utf8.count > 256 ? nil : $0 }
    }

    /// A code as it may be shown: short, and no number of anybody.
    private static func plain(_ code: String) -> String {
        let digits = code.utf8.filter { (0x30...0x39).contains($0) }.count
        let isPlain = code.utf8.count <= 64 && code.utf8.allSatisfy { (0x20...0x7E).contains($0) }
        return isPlain && digits < 7 ? code : "other"
    }
}

/// Percent-encoding of a path's or a query's value: everything but RFC 3986's unreserved bytes.
enum PercentEncoding {
    static func encode(_ text: String) -> String {
        var bytes: [UInt8] = []
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
