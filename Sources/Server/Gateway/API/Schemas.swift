import Connector

/// The shapes of the API's answers, in JSON Schema 2020-12 as OpenAPI 3.1 uses it. Fields are those of call-record.md.
enum Schemas {
    static func reference(_ name: String) -> JSONValue { ["$ref": .string("#/components/schemas/\(name)")] }

    /// By name.
    static let all: [JSONValue.Member] =
        [
            .init("Call", call), .init("Change", change),
            .init("ChangePage", page("changes", of: reference("Change"), nextCursor: text)),
            .init("CallPage", page("calls", of: reference("Call"), nextCursor: optional("string"))),
            .init("EventList", object([("call_id", text), ("events", list(reference("Event")))])),
            .init("Event", event),
            .init(
                "Explanation",
                object([], optional: [("call_id", text), ("inputs", list(text)), ("removed_inputs", list(text))], open: true)),
            .init("InboxEntry", inboxEntry),
            .init("InboxPage", page("requests", of: reference("InboxEntry"), nextCursor: optional("string"))),
            .init("ReplaySelection", replaySelection), .init("ReplayReport", replayReport),
            .init("Command", command), .init("NewCall", newCall),
            .init("TransferAction", object([("to", text)], optional: [("kind", valueOf(Command.TransferKind.self))])),
            .init("RecordAction", object([("action", valueOf(CommandRoutes.RecordAction.self))])),
            .init("DigitsAction", object([("digits", text)])),
            .init("Connection", connection),
            .init("Completeness", completeness), .init("SeenDay", object([("day", text)] + seenCounts)),
            .init("ConnectionList", object([("connections", list(reference("Connection")))])),
            .init("EmployeeList", object([("employees", list(reference("Employee")))])),
            .init(
                "Employee",
                object([
                    ("user_id", text), ("extension", text), ("name", optional("string")), ("crm_id", optional("string")),
                    ("connection_id", text), ("presence", optional("string")),
                ])),
            .init("LineList", object([("lines", list(reference("Line")))])),
            .init(
                "Line",
                object([
                    ("number", text), ("label", optional("string")), ("channel", optional("string")), ("connection_id", text),
                ])),
            .init("Health", object([("status", text), ("version", text)])),
            .init(
                "Readiness",
                object([
                    ("status", text),
                    (
                        "checks",
                        object([("journal_has_room", flag), ("journal_is_readable", flag), ("journal_is_writable", flag)])
                    ),
                ])),
            .init("Problem", problem),
        ] + LookupDescription.schemas + RoutePreviewDescription.schemas

    // MARK: Building blocks

    private static let text = JSONValue.text
    private static let flag = JSONValue.flag
    private static let moment = JSONValue.moment
    private static let integer: JSONValue = ["type": "integer"]
    private static let anything: JSONValue = [:]
    private static let optionalMoment: JSONValue = ["type": ["string", "null"], "format": "date-time"]

    private static func optional(_ type: String) -> JSONValue { ["type": [.string(type), "null"]] }

    private static func list(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element] }

    /// An object whose named members are all there.
    /// - Parameter open: there may be others; readers ignore what they do not know in any case.
    private static func object(_ members: [(String, JSONValue)], optional more: [(String, JSONValue)] = [], open: Bool = false)
        -> JSONValue
    {
        [
            "type": "object", "required": .array(members.map { .string($0.0) }),
            "properties": .object((members + more).map { .init($0.0, $0.1) }), "additionalProperties": .bool(open),
        ]
    }

    /// The same, or nothing.
    private static func orNull(_ members: [(String, JSONValue)], optional more: [(String, JSONValue)] = []) -> JSONValue {
        [
            "type": ["object", "null"], "required": .array(members.map { .string($0.0) }),
            "properties": .object((members + more).map { .init($0.0, $0.1) }), "additionalProperties": false,
        ]
    }

    private static func page(_ name: String, of element: JSONValue, nextCursor: JSONValue) -> JSONValue {
        object([(name, list(element)), ("next_cursor", nextCursor), ("has_more", flag)])
    }

    private static func valueOf<Choice: RawRepresentable & CaseIterable>(_ type: Choice.Type, orNull: Bool = false) -> JSONValue
    where Choice.RawValue == String {
        let values = Choice.allCases.map { JSONValue.string($0.rawValue) }
        return orNull ? ["enum": .array(values + [.null])] : ["enum": .array(values)]
    }

    // MARK: Records

    private static let call = object(
        [
            ("id", text), ("schema_version", integer), ("revision", integer), ("tenant_id", text), ("connection_id", text),
            ("provider", text), ("external_ids", list(anything)), ("direction", valueOf(Direction.self, orNull: true)),
            ("origin", valueOf(Origin.self)), ("state", valueOf(Call.State.self)),
            ("disposition", valueOf(Call.Disposition.self, orNull: true)),
            ("missed_reason", valueOf(Call.MissedReason.self, orNull: true)),
            ("ended_by", valueOf(Call.EndedBy.self, orNull: true)), ("started_at", moment), ("answered_at", optionalMoment),
            ("ended_at", optionalMoment), ("wait_ms", optional("integer")), ("talk_ms", optional("integer")),
            ("total_ms", optional("integer")), ("external_party", optional("object")), ("line", optional("object")),
            ("owner_user_id", optional("string")), ("participants", list(anything)), ("legs", list(anything)),
            ("transfers", list(anything)), ("recordings", list(anything)), ("merged_into", optional("string")),
            ("created_at", moment), ("updated_at", moment),
        ], open: true)

    private static let change = object([("cursor", text), ("type", valueOf(EventType.self)), ("call", reference("Call"))])

    private static let event = object(
        [("id", text), ("type", text)],
        optional: [
            ("call_id", text), ("seq", integer), ("occurred_at", moment), ("received_at", moment),
            ("source", valueOf(CallSource.self)), ("inbound_id", text), ("leg_id", optional("string")),
            ("participant_id", optional("string")), ("data", object([], open: true)),
            ("adapter", ["type": ["object", "null"]]), ("late", flag),
        ], open: true)

    private static let inboxEntry = object([
        ("id", text), ("connection_id", text), ("received_at", moment), ("source", valueOf(CallSource.self)),
        ("peer", optional("string")), ("method", text), ("path", text), ("query", text),
        ("headers", list(object([("name", text), ("value", text)]))), ("body", text), ("body_bytes", integer),
        ("state", valueOf(DecodingState.self)), ("reason", optional("string")), ("call_ids", list(text)),
    ])

    private static let replaySelection = object(
        [],
        optional: [
            ("connection", text), ("state", valueOf(DecodingState.self)), ("received_from", moment), ("received_to", moment),
        ])

    private static let replayReport = object([
        ("dry_run", flag), ("records", integer),
        ("states", object(DecodingState.allCases.map { ($0.rawValue, integer) })),
        ("differences", list(object([("call_id", text), ("before", optional("object")), ("after", optional("object"))]))),
    ])

    private static let command = object([
        ("id", text), ("type", text), ("status", valueOf(Command.Status.self)), ("tenant_id", text), ("connection_id", text),
        ("idempotency_key", text), ("call_id", optional("string")), ("result_call_id", optional("string")),
        ("params", object([], open: true)), ("requested_by", text), ("created_at", moment), ("updated_at", moment),
        ("deadline_at", moment), ("provider_response", optional("object")), ("error", optional("object")),
    ])

    private static let newCall = object(
        [("from", object([], optional: [("employee", text), ("extension", text), ("number", text)])), ("to", text)],
        optional: [("connection", text), ("line", text), ("caller_name", text), ("record", flag)])

    private static let connection = object(
        [
            ("id", text), ("enabled", flag), ("adapter", optional("object")), ("capabilities", list(text)),
            ("health", object([("status", valueOf(ConnectionHealth.Status.self)), ("reason", text)])),
            ("webhook_path", text), ("last_event_at", optionalMoment),
            (
                "counters",
                object(["accepted", "handshakes", "refused", "overloaded", "failed"].map { ($0, integer) })
            ),
            (
                "problems",
                list(
                    object([("file", text), ("line", integer), ("column", integer), ("problem", text), ("hint", text)]))
            ),
        ],
        optional: [
            ("settings", ["type": "object", "additionalProperties": text]),
            ("reconciliation", reconciliation), ("hearing", hearing),
            ("limits", object(["stale_after_ms", "settle_after_ms", "finalize_after_ms"].map { ($0, integer) })),
            ("upkeep", upkeep),
            (
                "refusals",
                list(object([("peer", optional("string")), ("reason", text), ("count", integer), ("last_at", moment)]))
            ),
        ])

    private static let upkeep = orNull(
        [
            ("condition", valueOf(Upkeep.Condition.self)), ("summary", text), ("remedy", optional("string")), ("since", moment),
            ("wanted", integer), ("kept", integer), ("restarts", integer), ("next_attempt_at", optionalMoment),
        ],
        optional: [
            (
                "items",
                list(
                    object([("name", text), ("kept", flag), ("until", optionalMoment), ("problem", optional("string"))]))
            )
        ])

    private static let seenCounts = [
        "seen_by_webhook", "seen_by_history", "recovered", "missing", "missing_in_history", "unread_rows",
    ].map { ($0, integer) }

    private static let completeness = object([
        ("from", moment), ("to", moment), ("time_zone", text), ("days", list(reference("SeenDay"))),
        (
            "connections",
            list(
                object([
                    ("connection_id", text), ("reconciled", flag), ("known_since", optionalMoment),
                    ("known_until", optionalMoment),
                    ("days", list(reference("SeenDay"))),
                ]))
        ),
    ])

    private static let reconciliation = object([
        ("enabled", flag), ("active", flag), ("running", flag), ("every_ms", integer), ("window_ms", integer),
        ("longest_ms", integer), ("last_pull_at", optionalMoment), ("next_pull_at", optionalMoment),
        ("known_since", optionalMoment), ("known_until", optionalMoment), ("rows", integer),
        (
            "failure",
            ["type": ["object", "null"], "required": ["at", "reason", "count"]]
        ),
    ])

    private static let hearing = object([
        ("state", valueOf(SilenceWatch.State.self)), ("since", optionalMoment), ("last_heard_at", optionalMoment),
        ("usual_per_hour", optional("number")), ("expected_since_last", ["type": "number"]),
    ])

    private static let problem = object(
        [
            ("type", text), ("title", text), ("status", integer), ("detail", text), ("code", text),
            ("errors", list(object([("field", text), ("detail", text)]))), ("id", text),
        ], optional: [("hint", text)])
}
