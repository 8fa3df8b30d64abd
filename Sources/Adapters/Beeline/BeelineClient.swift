import AdapterKit
import Connector

/// Asks the portal of Beeline's cloud PBX: makes calls, passes them on, reads statistics, keeps subscriptions.
///
/// No request is known that hangs up, holds or takes back; consultations have a call of their own, which a command does not name.
package struct BeelineClient: ProviderClient {
    package static let capabilities: [Capability] = [.originate, .blindTransfer, .recordings, .history]

    /// Beeline names no limit.
    package static let rateLimit = RateLimit(burst: 5, interval: .milliseconds(200))

    private let server: BeelineServer
    private let token: String
    private let outgoing: any Outgoing
    /// What is known of Beeline's table of routes.
    let routes = BeelineRoutes()
    private let plan: BeelinePlan

    /// - Parameters:
    ///   - token: `X-MPBX-API-AUTH-TOKEN`.
    ///   - plan: what the keeper subscribes to.
    package init(server: BeelineServer, token: String, plan: BeelinePlan = .employees, outgoing: any Outgoing) {
        self.server = server
        self.token = token
        self.plan = plan
        self.outgoing = outgoing
    }

    package var keeper: (any ConnectionKeeper)? { BeelineKeeper(client: self, plan: plan) }

    package func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        switch order.action {
        case .originate(let call): return try await originate(call, within: order.deadline)
        case .transfer(let number, .blind): return try await passOn(order.target, to: number, within: order.deadline)
        default: throw ProviderFailure.unsupported(order.action.type, "Beeline's portal has no request for it")
        }
    }

    // MARK: Calls

    /// The employee's phone rings first. The answer names the call as its events do (`externalTrackingId`).
    private func originate(
        _ call: Command.Origination, within deadline: Duration
    ) async throws(ProviderFailure) -> ProviderAnswer {
        guard !call.record else { throw .unsupported("record", "Beeline records by the cabinet's settings only") }
        guard call.line == nil else { throw .unsupported("line", "Beeline shows the number of the cabinet's settings") }
        let employee = try Self.employee(call.from, field: "from")
        let target = "v2/abonents/\(employee)/call?phoneNumber=\(try Self.number(call.to))"
        let response = try await send("POST", target, within: deadline, acts: true)
        var answer = try self.answer(response)
        let tracking = response.json?["externalTrackingId"].anyText.flatMap { (1...256).contains($0.utf8.count) ? $0 : nil }
        answer.call = tracking.map { ExternalKey(.session, $0) }
        return answer
    }

    /// The employee who talks lets go of the call: his half of it is named by the leg.
    private func passOn(
        _ call: CommandTarget?, to number: String, within deadline: Duration
    ) async throws(ProviderFailure) -> ProviderAnswer {
        let number = try Self.number(number)
        guard let leg = call?.talkingLeg, let user = leg.user else { throw .invalid("call", "no employee talks in the call") }
        let query = FormEncoding.encode(query: [("callId", leg.key), ("phoneNumber", number)])
        let target = "abonents/\(try Self.employee(user, field: "call"))/callTransfer?\(query)"
        return try answer(try await send("POST", target, within: deadline, acts: true))
    }

    /// Good answers may be objects, texts, numbers, or nothing; a page of HTML is none, and an error may come as a success.
    private func answer(_ response: OutgoingResponse) throws(ProviderFailure) -> ProviderAnswer {
        if response.json?["errorCode"].exists == true {
            let complaint = VendorComplaint(response, hiding: [token])
            throw ProviderFailure(
                .rejected, code: complaint.code ?? "error", text: complaint.text ?? "the provider answered with an error")
        }
        guard response.body.first(where: { $0 > 0x20 }) != UInt8(ascii: "<") else { throw .unreadable(response, acts: true) }
        return ProviderAnswer(code: String(response.status))
    }

    // MARK: Names

    /// An identifier, a number of ten digits, or a short number, as one segment of a path.
    static func employee(_ text: String, field: String) throws(ProviderFailure) -> String {
        let isName = (1...128).contains(text.utf8.count) && text.utf8.allSatisfy(isPartOfName) && text.contains { $0 != "." }
        guard isName else { throw .invalid(field, "the employee is named by number or identifier") }
        return FormEncoding.encode(segment: DialledNumber.digits(text).map(national) ?? text)
    }

    private static func isPartOfName(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "@._-+".utf8.contains(byte)
    }

    private static func number(_ text: String) throws(ProviderFailure) -> String { national(try DialledNumber.target(text)) }

    /// Russian numbers are written with ten digits.
    private static func national(_ digits: String) -> String {
        digits.utf8.count == 11 && (digits.hasPrefix("7") || digits.hasPrefix("8")) ? String(digits.dropFirst()) : digits
    }

    // MARK: Statistics and recordings

    /// `v2/statistics`, a hundred rows a page, and then `records`. Whether Beeline counts pages from 0 or 1 is told differently: where it
    /// does not know page 0, page 1 is asked for, and comes a second time as the next one; that does no harm.
    package func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> Connector.HistoryPage {
        var answer = Connector.HistoryPage(bodies: [], path: "/v2/statistics", hasMore: true)
        guard page >= 0, window.from < window.to else { return Connector.HistoryPage(bodies: [], path: answer.path) }
        guard page < Self.firstOfRecords else { return try await recordings(window, after: page - Self.firstOfRecords) }
        let response: OutgoingResponse
        do {
            response = try await statistics(window, page: page)
        } catch {
            guard page == 0, error.kind == .rejected else { throw error }
            response = try await statistics(window, page: 1)
        }
        guard let rows = response.json, rows.isArray else { throw .unreadable(response, acts: false) }
        let count = rows.elements.count
        if count > 0 { answer.bodies = [response.body] }
        if count < Self.rowLimit { answer.next = Self.firstOfRecords }
        return answer
    }

    private static let rowLimit = 100
    /// The page behind those of the statistics; the pages of `records` are counted on from there by the last identifier that came.
    private static let firstOfRecords = 1 << 20

    /// `records`, those behind the identifier `last`. Recording is an option that is paid for: where Beeline refuses the list, though it
    /// gives the statistics to the same token, there are none.
    private func recordings(_ window: HistoryWindow, after last: Int) async throws(ProviderFailure) -> Connector.HistoryPage {
        var answer = Connector.HistoryPage(bodies: [], path: BeelineRecordings.path)
        var query = [("dateFrom", window.from.description), ("dateTo", window.to.description)]
        if last > 0 { query.insert(("id", String(last)), at: 0) }
        let target = "records?\(FormEncoding.encode(query: query))"
        let response: OutgoingResponse
        do {
            response = try await send("GET", target, within: .seconds(30), acts: false, maximumBody: 4 << 20)
        } catch {
            guard last == 0, error.kind == .rejected || error.kind == .unauthorized else { throw error }
            return answer
        }
        guard let rows = response.json, rows.isArray else { throw .unreadable(response, acts: false) }
        let elements = rows.elements
        guard !elements.isEmpty else { return answer }
        answer.bodies = [response.body]
        guard elements.count >= Self.rowLimit else { return answer }
        // Identifiers rise; a list that does not go on is not asked for again and again.
        guard let id = elements[elements.count - 1]["id"].anyInt, id > last, id < Int.max - Self.firstOfRecords else {
            throw .unreadable(response, acts: false)
        }
        answer.hasMore = true
        answer.next = Self.firstOfRecords + id
        return answer
    }

    private func statistics(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> OutgoingResponse {
        let query = FormEncoding.encode(query: [
            ("dateFrom", window.from.description), ("dateTo", window.to.description), ("page", String(page)),
            ("pageSize", String(Self.rowLimit)),
        ])
        return try await send("GET", "v2/statistics?\(query)", within: .seconds(30), acts: false, maximumBody: 4 << 20)
    }

    /// `extTrackingId/userId`, or the identifier of a record.
    package func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        let parts = reference.split(separator: "/", omittingEmptySubsequences: false)
        let areNames = parts.allSatisfy { part in
            (1...128).contains(part.utf8.count) && part.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F } && part.contains { $0 != "." }
        }
        guard parts.count <= 2, areNames else { throw .invalid("recording", "this is no name of a recording") }
        let name = parts.map { FormEncoding.encode(segment: String($0)) }.joined(separator: "/")
        return request("GET", "v2/records/\(name)/download", within: .seconds(300), maximumBody: 256 << 20)
    }

    // MARK: Subscriptions

    /// Begins a subscription, or renews it: what follows is `BeelineSubscription`'s to know.
    ///
    /// - Parameters:
    ///   - employee: an identifier or number; nil for all.
    ///   - address: the connection's entrance with its `url_token`; a secret.
    ///   - duration: what is wished for; the grant may be less.
    package func subscribe(
        to employee: String? = nil, address: String, for duration: Duration = .seconds(86_400)
    ) async throws(ProviderFailure) -> BeelineGrant {
        var json = JSONWriter()
        json.beginObject()
        if let employee { json.field("pattern", employee) }
        json.field("expires", duration.components.seconds)
        json.field("subscriptionType", "BASIC_CALL")
        json.field("url", address)
        json.endObject()
        // The token is one of the longer segments.
        let secrets = [address] + address.split(separator: "/").map(String.init).filter { $0.utf8.count >= 8 }
        let response = try await send(
            "PUT", "subscription", body: json.finish(), within: .seconds(30), acts: true, hiding: secrets)
        let text = response.json
        guard let id = text?["subscriptionId"].anyText, (1...256).contains(id.utf8.count) else {
            throw .unreadable(response, acts: true)
        }
        let seconds = text?["expires"].anyInt.map { min(max($0, 1), 2_592_000) }
        return BeelineGrant(id: id, duration: seconds.map { .seconds($0) } ?? duration)
    }

    /// What Beeline knows of a subscription.
    /// - Throws: `.rejected` where it knows none of that name.
    func subscription(_ id: String) async throws(ProviderFailure) -> BeelineStanding {
        let query = FormEncoding.encode(query: [("subscriptionId", id)])
        let response = try await send("GET", "subscription?\(query)", within: .seconds(30), acts: false)
        guard let text = response.json, text.isObject else { throw .unreadable(response, acts: false) }
        let seconds = text["expires"].anyInt.map { min(max($0, 1), 2_592_000) }
        return BeelineStanding(address: text["url"].string, duration: seconds.map { .seconds($0) })
    }

    /// Ends a subscription.
    package func unsubscribe(_ id: String) async throws(ProviderFailure) {
        let query = FormEncoding.encode(query: [("subscriptionId", id)])
        _ = try await send("DELETE", "subscription?\(query)", within: .seconds(30), acts: true)
    }

    // MARK: Employees

    /// Whom Beeline knows as employees.
    func employees() async throws(ProviderFailure) -> [BeelineEmployee] {
        let response = try await send("GET", "abonents", within: .seconds(30), acts: false, maximumBody: 4 << 20)
        guard let rows = response.json, rows.isArray else { throw .unreadable(response, acts: false) }
        return rows.elements.compactMap(BeelineEmployee.init)
    }

    // MARK: Requests

    func send(
        _ method: String, _ target: String, body: [UInt8] = [], within deadline: Duration, acts: Bool, maximumBody: Int = 1 << 20,
        hiding secrets: [String] = []
    ) async throws(ProviderFailure) -> OutgoingResponse {
        var request = request(method, target, within: deadline, maximumBody: maximumBody)
        request.body = body
        if method != "GET" { request.headers.append(HeaderField(name: "Content-Type", value: "application/json")) }
        let response = try await outgoing.reply(to: request, acts: acts)
        guard response.isSuccess else { throw ProviderFailure(refusal: response, acts: acts, hiding: [token] + secrets) }
        return response
    }

    private func request(
        _ method: String, _ target: String, within deadline: Duration, maximumBody: Int
    ) -> OutgoingRequest {
        OutgoingRequest(
            method, server.base + target, headers: [HeaderField(name: "X-MPBX-API-AUTH-TOKEN", value: token)], deadline: deadline,
            maximumBody: maximumBody)
    }
}

/// Where Beeline's portal is: a server, and a path on it.
package struct BeelineServer: Sendable, Equatable {
    package static let standard = "https://cloudpbx.beeline.ru/apis/portal/"

    /// With a slash at its end.
    package let base: String

    /// The token is sent there: plain HTTP is taken for the loopback only. nil for what is no such address.
    package init?(_ text: String) {
        guard let scheme = text.firstRange(of: "://") else { return nil }
        let rest = text[scheme.upperBound...]
        let end = rest.firstIndex(of: "/") ?? rest.endIndex
        let path = rest[end...]
        guard let server = ServerAddress(String(text[..<end])), path.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            !path.contains(where: { "?#".contains($0) })
        else { return nil }
        base = "\(server)\(path.hasSuffix("/") ? String(path) : path + "/")"
    }
}
