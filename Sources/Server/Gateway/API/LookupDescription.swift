import Connector

/// What `/openapi.json` says of the question that the gateway puts to the CRM's `lookup_url`.
enum LookupDescription {
    static let webhook: JSONValue = [
        "post": [
            "summary": "Who calls, and whom to ring: asked of `lookup_url` while the call waits",
            "description": .string(
                """
                Signed after Standard Webhooks where `lookup_secret` is set. Answer within `answer_within_ms`: later answers \
                serve the caller's next call. Answers are kept for `lookup_cache`, by tenant and number; that a number is not \
                known, for half a minute. Redirects are not followed. On anything else than 200 and 204, an answer above 16 KiB \
                or one that does not fit, the provider's own routing stands.
                """),
            "parameters": [
                header("webhook-id", "Name of this question; unique"),
                header("webhook-timestamp", "Seconds since 1970; refuse what is older than some minutes"),
                header(
                    "webhook-signature",
                    "`v1,` and base64 of HMAC-SHA-256 over `webhook-id.webhook-timestamp.body`; the key is what follows `whsec_` "
                        + "in the secret, base64-decoded, or the whole secret where it has no such prefix"),
            ],
            "requestBody": [
                "content": [
                    "application/json": ["schema": Schemas.reference("ContactQuery"), "example": Examples.contactQuery]
                ]
            ],
            "responses": [
                "200": [
                    "description": .string(
                        "What the CRM knows; `{}` for a number that it does not know. Rung is the first of `responsible`, `group` and "
                            + "`fallback` whom the connection has and the provider can ring."),
                    "content": [
                        "application/json": ["schema": Schemas.reference("ContactAnswer"), "example": Examples.contactAnswer]
                    ],
                ],
                "204": ["description": "The number is not known"],
            ],
        ]
    ]

    private static func header(_ name: String, _ description: String) -> JSONValue {
        [
            "name": .string(name), "in": "header", "required": .bool(name != "webhook-signature"),
            "description": .string(description), "schema": .text,
        ]
    }

    // MARK: Schemas

    static let schemas: [JSONValue.Member] = [
        .init("ContactQuery", query), .init("ContactAnswer", answer), .init("ContactPerson", person),
    ]

    private static let optionalText: JSONValue = ["type": ["string", "null"]]

    private static let number: JSONValue = [
        "type": ["object", "null"], "required": ["raw"],
        "properties": ["raw": .text, "e164": optionalText, "national": optionalText, "country": optionalText],
    ]

    private static let query: JSONValue = [
        "type": "object",
        "required": ["type", "at", "tenant_id", "connection_id", "provider", "number", "line", "call", "answer_within_ms"],
        "properties": [
            "type": ["enum": ["contact.lookup"]], "at": .moment, "tenant_id": .text, "connection_id": .text, "provider": .text,
            "number": number, "line": number,
            "call": ["type": "object", "required": ["kind", "value"], "properties": ["kind": .text, "value": .text]],
            "answer_within_ms": ["type": "integer"],
            "test": ["type": "boolean", "description": "true where `kommutator doctor` tries the address"],
        ],
    ]

    private static let answer: JSONValue = [
        "type": "object",
        "properties": [
            "name": [
                "type": ["string", "null"], "description": "Shown on the telephone where the provider can, and in the record",
            ],
            "responsible": Schemas.reference("ContactPerson"),
            "group": ["type": ["string", "null"], "description": "A queue or ring group by its short number at the provider"],
            "fallback": Schemas.reference("ContactPerson"),
            "reject": ["type": ["boolean", "null"], "description": "Refuse the call, where the provider can"],
        ],
    ]

    private static let person: JSONValue = [
        "type": ["object", "string", "null"],
        "description": "A text is a `user_id`. Of an object one member counts, in this order.",
        "properties": [
            "user_id": [
                "type": ["string", "null"], "description": "`crm_id` of the connection's `employees`, or a `user_id` of records",
            ],
            "extension": ["type": ["string", "null"], "description": "Short number, or a login that `employees` lists"],
            "number": ["type": ["string", "null"], "description": "Any number, where the provider can ring it"],
        ],
    ]
}
