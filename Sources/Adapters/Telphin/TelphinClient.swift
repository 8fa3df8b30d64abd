import AdapterKit
import Connector

/// Asks Telphin's API: makes calls, acts on calls that are up, reads the log.
struct TelphinClient: ProviderClient {
    static let capabilities: [Capability] = [
        .originate, .blindTransfer, .attendedTransfer, .hold, .resume, .hangup, .recordings, .history,
    ]

    /// Telphin names no limit but one statistics request at a time; acting on a call takes two requests.
    static let rateLimit = RateLimit(burst: 5, interval: .milliseconds(200))

    let line: TelphinLine
    let extensions: TelphinExtensions
    private let statistics = TelphinTurn()

    init(server: ServerAddress, clientID: String, secret: String, outgoing: any Outgoing) {
        let tokens = TelphinTokens(server: server, clientID: clientID, secret: secret, outgoing: outgoing)
        line = TelphinLine(server: server, tokens: tokens, outgoing: outgoing, secret: secret)
        extensions = TelphinExtensions(line)
    }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        let time = TimeLeft(order.deadline)
        switch order.action {
        case .originate(let call): return try await originate(call, within: time)
        case .transfer(let number, let kind):
            let act = Act(kind == .blind ? "transfer" : "attended_transfer", to: try DialledNumber.target(number))
            return try await perform(act, on: order.target, within: time)
        case .hold: return try await perform(Act("hold"), on: order.target, within: time)
        case .resume: return try await perform(Act("offhold"), on: order.target, within: time)
        case .hangup: return try await perform(nil, on: order.target, within: time)
        case .record, .dtmf:
            throw ProviderFailure.unsupported(order.action.type, "Telphin has no command for it")
        }
    }

    var keeper: (any ConnectionKeeper)? { TelphinKeeper(client: self) }

    // MARK: Making a call

    /// `callback`: the employee's phone rings first.
    private func originate(
        _ call: Command.Origination, within time: TimeLeft
    ) async throws(ProviderFailure) -> ProviderAnswer {
        guard !call.record else {
            throw ProviderFailure.unsupported("record", "Telphin records by the extension's settings only")
        }
        let short = TelphinNumber.short(call.from)
        guard TelphinNumber.isShort(short) else { throw .invalid("from", "`from` is no short number of an extension") }
        let body = try Self.callback(call, from: short)
        let id = try await extensions.id(of: short, within: time)
        let request = TelphinLine.Request(method: "POST", target: "extension/\(id)/callback/", body: body, acts: true)
        do {
            return try Self.answer(try await line.send(request, within: time))
        } catch {
            if error.kind == .rejected, error.code == "404" { extensions.forget(short) }
            throw error
        }
    }

    /// `caller_id_number` is shown to whom is called, `src_caller_id_name` to the employee (inferred from the names).
    private static func callback(_ call: Command.Origination, from short: String) throws(ProviderFailure) -> [UInt8] {
        let (target, shown) = (try DialledNumber.target(call.to), try DialledNumber.line(call.line))
        let name = call.callerName.map { String($0.prefix(64)) }
        var json = JSONWriter()
        json.beginObject()
        json.beginArray("src_num")
        json.value(short)
        json.endArray()
        json.field("dst_num", target)
        if let shown { json.field("caller_id_number", shown) }
        if let name { json.field("src_caller_id_name", name) }
        json.endObject()
        return json.finish()
    }

    /// The call's name is that of its events, written as they write it.
    private static func answer(_ response: OutgoingResponse) throws(ProviderFailure) -> ProviderAnswer {
        guard let json = response.json, json.isObject else { throw .unreadable(response, acts: true) }
        let call = json["call_id"].anyText.flatMap { $0.isEmpty ? nil : TelphinCallName.read($0) }
        return ProviderAnswer(call: call.map { ExternalKey(.call, $0) }, code: String(response.status))
    }

    // MARK: The log

    /// `call_history`, a page as Telphin counts them. One request at a time: a second one is refused here, as Telphin would.
    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        var answer = HistoryPage(bodies: [], path: "/call_history")
        guard (0..<100_000).contains(page), window.from < window.to else { return answer }
        guard statistics.begin() else {
            throw ProviderFailure(
                .limited, code: "concurrent", text: "Telphin takes one statistics request at a time", retryAfter: .seconds(2))
        }
        defer { statistics.end() }
        var request = TelphinLine.Request.get("client/@me/call_history/?" + Self.query(window, page: page))
        request.maximumBody = 8 << 20
        let response = try await line.send(request, within: TimeLeft(Self.historyDeadline))
        guard let json = response.json, json["call_history"].isArray else { throw .unreadable(response, acts: false) }
        let count = json["call_history"].elements.count
        if count > 0 { answer.bodies = [response.body] }
        // Telphin says how many it gives at most, which may be fewer than were asked for.
        answer.hasMore = count >= min(max(json["per_page"].anyInt ?? Self.rowLimit, 1), Self.rowLimit)
        return answer
    }

    private static let rowLimit = 200
    private static let historyDeadline = Duration.seconds(60)

    /// Times in UTC, whole seconds around the window. That `asc` is oldest first is inferred.
    private static func query(_ window: HistoryWindow, page: Int) -> String {
        FormEncoding.encode(query: [
            ("start_datetime", LocalTimestamp.format(window.from, in: .utc)),
            ("end_datetime", LocalTimestamp.format(window.to.advanced(by: .milliseconds(999)), in: .utc)), ("order", "asc"),
            ("per_page", String(rowLimit)), ("page", String(page + 1)),
        ])
    }

    // MARK: Recordings

    /// `RecID` is enough: what stands before its first dash is the extension. The token goes to no other server: no redirect is followed.
    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        let owner = reference.prefix { $0 != "-" }
        let isName = reference.utf8.count <= 128 && reference.utf8.allSatisfy(Self.isPartOfName)
        guard TelphinExtension.isID(owner), owner.utf8.count < reference.utf8.count, isName else {
            throw .invalid("recording", "this is no name of a recording")
        }
        let token = try await line.tokens.token()
        return OutgoingRequest(
            "GET", line.url("extension/\(owner)/record/\(reference)"), headers: [TelphinLine.header(token)],
            deadline: .seconds(300), maximumBody: 256 << 20)
    }

    private static func isPartOfName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || byte == UInt8(ascii: "-")
    }
}
