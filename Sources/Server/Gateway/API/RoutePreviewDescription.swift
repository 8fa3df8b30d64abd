import Connector

/// What `/openapi.json` says of `/routes/preview`.
enum RoutePreviewDescription {
    static let schemas: [JSONValue.Member] = [
        .init(
            "RoutePreview",
            object([
                ("connection_id", .text), ("direction", .oneOf(RoutePreviewQuestion.Direction.self)), ("number", .text),
                ("e164", text), ("from", text), ("at", .moment), ("outcome", .oneOf(RoutePreview.Outcome.self)),
                ("reason", reason),
                ("status", integer), ("trunks", list(Schemas.reference("RoutePreviewTrunk"))),
                ("passed_over", list(Schemas.reference("RoutePreviewTrunk"))),
                ("by", ["enum": ["line", "trunk", "other", nil]]), ("steps", list(Schemas.reference("RoutePreviewStep"))),
            ])),
        .init(
            "RoutePreviewTrunk",
            object([
                ("trunk", .text), ("line", text),
                ("price", orNull([("amount", .text), ("currency", .text), ("billed_by", ["enum": ["minute", "second"]])])),
                ("priority", integer), ("rule", orNull([("file_line", ["type": "integer"]), ("to", text)])), ("reason", reason),
            ])),
        .init(
            "RoutePreviewStep",
            object([
                ("kind", .text), ("ref", text), ("result", text), ("seconds", integer),
                (
                    "rings",
                    list(object([("number", .text), ("kind", ["enum": ["extension", "mobile", "outside"]]), ("name", text)]))
                ),
                ("keys", list(object([("key", .text), ("steps", list(Schemas.reference("RoutePreviewStep")))]))),
            ])),
    ]

    static let example: JSONValue = [
        "connection_id": "pbx", "direction": "outbound", "number": "8 900 000-12-34", "e164": "+79000001234", "from": "101",
        "at": "2026-03-02T09:00:00.000Z", "outcome": "outside", "reason": nil, "status": nil,
        "trunks": [
            [
                "trunk": "multifon-office", "line": "+79000000010",
                "price": ["amount": "1.20", "currency": "RUB", "billed_by": "minute"], "priority": 5,
                "rule": ["file_line": 31, "to": "RU mobile"], "reason": nil,
            ]
        ],
        "passed_over": [
            [
                "trunk": "spare", "line": nil, "price": ["amount": "0.95", "currency": "RUB", "billed_by": "second"],
                "priority": nil,
                "rule": ["file_line": 32, "to": nil], "reason": ["code": "trouble", "text": "it is not registered"],
            ]
        ], "by": nil, "steps": [],
    ]

    private static let text: JSONValue = ["type": ["string", "null"]]
    private static let integer: JSONValue = ["type": ["integer", "null"]]
    private static let reason = orNull([("code", .text), ("text", .text)])

    private static func list(_ element: JSONValue) -> JSONValue { ["type": "array", "items": element] }

    private static func object(_ members: [(String, JSONValue)]) -> JSONValue { object(members, type: "object") }

    private static func orNull(_ members: [(String, JSONValue)]) -> JSONValue { object(members, type: ["object", "null"]) }

    private static func object(_ members: [(String, JSONValue)], type: JSONValue) -> JSONValue {
        [
            "type": type, "required": .array(members.map { .string($0.0) }),
            "properties": .object(members.map { .init($0.0, $0.1) }), "additionalProperties": false,
        ]
    }
}
