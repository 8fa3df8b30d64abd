import Connector
import HTTPServer

/// `POST /calls`, `POST /calls/{id}/…` and `GET /commands/{id}`: what a CRM asks of its telephony.
struct CommandRoutes: Sendable {
    let services: APIServices
    let desk: CommandDesk

    var routes: [APIRoute] {
        [
            originate, transfer, one,
            act("hangup", "End a call") { _ in .hangup },
            act("hold", "Put a call on hold") { _ in .hold },
            act("resume", "Take a call off hold") { _ in .resume },
            act("record", "Begin or end recording a call", body: "RecordAction", known: ["action"]) { body in
                body.choice("action", RecordAction.self, isRequired: true).map { .record(start: $0 == .start) }
            },
            act("dtmf", "Send digits into a call", body: "DigitsAction", known: ["digits"]) { body in
                body.text("digits", isRequired: true).map { .dtmf($0) }
            },
        ]
    }

    enum RecordAction: String, CaseIterable { case start, stop }

    private static let callID = APIParameter(
        name: "id", place: .path, isRequired: true, schema: .text, description: "The call, as in `call_…`")
    private static let accepted = APIAnswer(
        status: 202, description: "The command; `Location` is where to ask what became of it", schema: "Command",
        example: Examples.command)
    private static let statuses = [
        400: "`idempotency-key-missing`, `bad-body`", 409: "`unsupported`, `duplicate-command`, `call-ended`",
        422: "`idempotency-key-reused`", 429: "`rate-limited`", 503: "`provider-down`, `busy`",
    ]

    // MARK: Making a call

    private var originate: APIRoute {
        APIRoute(
            method: .post, pattern: "/api/v1/calls", scope: .command, summary: "Call somebody: the employee's phone rings first",
            parameters: [ActionKey.parameter], body: "NewCall", answer: Self.accepted, otherStatuses: Self.statuses
        ) { call in
            let key = try ActionKey(call)
            let wanted = try NewCall(call.http.body)
            let (connection, from) = try CallOrigin(services, desk).find(wanted, for: call.tenant)
            let action = Command.Action.originate(
                Command.Origination(
                    from: from, to: wanted.to, line: wanted.line, callerName: wanted.callerName, record: wanted.isRecorded))
            return try await submit(
                CommandRequest(
                    tenant: call.tenant, connection: connection, action: action, idempotencyKey: key.key,
                    hash: key.request.bytes, requestedBy: call.keyName))
        }
    }

    // MARK: Acting on a call

    private var transfer: APIRoute {
        act("transfer", "Pass the caller on", body: "TransferAction", known: ["to", "kind"]) { body in
            let target = body.text("to", isRequired: true)
            let kind = body.choice("kind", Command.TransferKind.self) ?? .blind
            return target.map { .transfer(to: $0, kind: kind) }
        }
    }

    private func act(
        _ name: String, _ summary: String, body schema: String? = nil, known: [String] = [],
        _ action: @escaping @Sendable (inout BodyReading) -> Command.Action?
    ) -> APIRoute {
        APIRoute(
            method: .post, pattern: "/api/v1/calls/{id}/\(name)", scope: .command, summary: summary,
            parameters: [Self.callID, ActionKey.parameter], body: schema, answer: Self.accepted,
            otherStatuses: Self.statuses.merging([404: "No such call of this tenant"]) { one, _ in one }
        ) { call in
            try call.query.finish()
            let key = try ActionKey(call)
            var body = try BodyReading(call.http.body, known: known)
            let action = action(&body)
            try body.finish()
            guard let action else { throw APIProblem.internalFailure }
            let stored = try await CallRoutes(services: services).found(call)
            return try await submit(
                CommandRequest(
                    tenant: call.tenant, connection: stored.connection, action: action, call: stored.id,
                    target: try Self.target(stored), idempotencyKey: key.key, hash: key.request.bytes, requestedBy: call.keyName))
        }
    }

    private static func target(_ stored: StoredCall) throws -> CommandTarget {
        let record = try JSONText(stored.body)
        guard !record.root["state"].equals("ended") else {
            throw APIProblem(.conflict, "call-ended", "The call is over", detail: "Nobody is on it any more.")
        }
        return try CommandTarget(record: stored.body)
    }

    // MARK: Asking

    private var one: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/commands/{id}", scope: .read, summary: "What became of a command",
            parameters: [
                APIParameter(
                    name: "id", place: .path, isRequired: true, schema: .text, description: "The command, as in `cmd_…`")
            ], answer: APIAnswer(description: "The command", schema: "Command", example: Examples.command),
            otherStatuses: [404: "No such command of this tenant"]
        ) { call in
            try call.query.finish()
            let id = try call.identifier(CommandID.self, "command")
            guard let command = try await desk.command(id, of: call.tenant) else { throw APIProblem.notFound("command") }
            return .json(try PackedJSON.expand(command.packed()))
        }
    }

    private func submit(_ request: CommandRequest) async throws -> HTTPResponse {
        let command: Command
        do throws(CommandRefusal) {
            command = try await desk.submit(request)
        } catch {
            throw APIProblem(error)
        }
        return .json(
            try PackedJSON.expand(command.packed()), status: .accepted,
            headers: ["Location": "/api/v1/commands/\(command.id)"])
    }
}

/// The body of `POST /calls`.
struct NewCall {
    /// Who is to be rung first.
    enum Caller {
        /// By the CRM's identifier, or a user id of a call record.
        case employee(String)
        case `extension`(String)
        case number(String)
    }

    let caller: Caller
    let to: String
    let connection: String?
    let line: String?
    let callerName: String?
    let isRecorded: Bool

    /// - Throws: `APIProblem` 400.
    init(_ bytes: [UInt8]) throws {
        var body = try BodyReading(bytes, known: ["from", "to", "connection", "line", "caller_name", "record"])
        let from = body.oneOf("from", ["employee", "extension", "number"])
        let to = body.text("to", isRequired: true)
        connection = body.text("connection")
        line = body.text("line")
        callerName = body.text("caller_name")
        isRecorded = body.flag("record") ?? false
        try body.finish()
        guard let from, let to else { throw APIProblem.internalFailure }
        self.to = to
        caller =
            switch from.name {
            case "employee": .employee(from.text)
            case "extension": .extension(from.text)
            default: .number(from.text)
            }
    }
}

/// Finds the connection over which an employee calls: the one that is named, or that knows him, or that owns the line.
struct CallOrigin {
    private let services: APIServices
    private let desk: CommandDesk

    init(_ services: APIServices, _ desk: CommandDesk) {
        self.services = services
        self.desk = desk
    }

    /// - Returns: the connection, and whom it is to ring first.
    /// - Throws: `APIProblem` 404 for an unknown connection, 400 where nobody fits, 409 where it cannot make calls.
    func find(_ wanted: NewCall, for tenant: TenantID) throws -> (ConnectionID, from: String) {
        var candidates = services.connections.current.of(tenant).filter { $0.adapter != nil }
        if let name = wanted.connection {
            candidates = candidates.filter { $0.id.name == name }
            guard !candidates.isEmpty else { throw APIProblem.notFound("connection") }
        }
        let known = candidates.compactMap { one in from(wanted.caller, at: one.profile).map { (one, $0) } }
        guard !known.isEmpty else {
            throw APIProblem.badBody([.init("from", "No connection knows this employee; see `/api/v1/employees`.")])
        }
        let able = known.filter { $0.0.descriptor?.capabilities.contains(.originate) == true }
        guard !able.isEmpty else { throw APIProblem(.unsupported(.originate)) }
        let best = able.max { rank($0.0, wanted) < rank($1.0, wanted) }
        guard let best else { throw APIProblem.internalFailure }
        return (best.0.id, best.1)
    }

    private func from(_ caller: NewCall.Caller, at profile: ConnectionProfile) -> String? {
        switch caller {
        case .number(let number): return number
        case .extension(let short): return short
        case .employee(let user):
            if let entry = profile.employees.first(where: { $0.value.crmID == user }) { return entry.key }
            let prefix = profile.id.name + "/"
            return user.hasPrefix(prefix) ? String(user.dropFirst(prefix.count)) : nil
        }
    }

    /// A line that is ours there counts most, then an employee who is listed, then a provider that is well.
    private func rank(_ connection: ProviderConnection, _ wanted: NewCall) -> Int {
        var rank = desk.closedUntil(connection.id) == nil ? 1 : 0
        if case .extension(let short) = wanted.caller, connection.profile.employees[short] != nil { rank += 2 }
        if let line = wanted.line, connection.profile.lines[line] != nil { rank += 4 }
        return rank
    }
}

extension APIProblem {
    /// A command that was not accepted.
    init(_ refusal: CommandRefusal) {
        switch refusal {
        case .noProvider:
            self.init(
                .conflict, "unsupported", "This connection takes no commands",
                detail: "It is not loaded, or its provider can only be listened to.",
                hint: "`/api/v1/connections` shows what each can do.")
        case .unsupported(let capability):
            self.init(
                .conflict, "unsupported", "The provider cannot do this",
                detail: "It lacks the capability `\(capability.rawValue)`.",
                hint: "`/api/v1/connections` shows what each can do.")
        case .invalid(let field, let problem): self = .badBody([Item(field, problem)])
        case .keyReused:
            self.init(
                .unprocessable, "idempotency-key-reused", "The Idempotency-Key was used for another request",
                detail: "The same key came before with another body or address.", hint: "Take a fresh key for each action.")
        case .duplicate(let id):
            self.init(
                .conflict, "duplicate-command", "The same call was ordered a moment ago", detail: "It is \(id).",
                hint: "`/api/v1/commands/\(id)` tells what becomes of it.")
        case .limited(let wait):
            self.init(
                .tooManyRequests, "rate-limited", "Too many commands wait for this provider",
                detail: "The provider takes only so many; the command was not accepted.", headers: Self.retryAfter(wait))
        case .providerDown(let wait):
            self.init(
                .serviceUnavailable, "provider-down", "The provider does not answer",
                detail: "It failed again and again; nothing is sent to it for a while.", headers: Self.retryAfter(wait))
        case .busy(let reason):
            self.init(
                .serviceUnavailable, "busy", "The command cannot be taken now", detail: "It is said: \(reason).",
                headers: ["Retry-After": "1"])
        }
    }

    private static func retryAfter(_ wait: Duration) -> HTTPHeaders {
        ["Retry-After": String(max(1, wait.components.seconds + 1))]
    }
}
