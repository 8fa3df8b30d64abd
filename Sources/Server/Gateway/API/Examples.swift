import Connector

/// The examples of `/openapi.json`. Numbers are from ranges that nobody has.
enum Examples {
    static let call: JSONValue = [
        "id": "call_01932f0a-7d3c-7abc-9def-0123456789ab", "schema_version": 1, "revision": 4, "tenant_id": "default",
        "connection_id": "sales-mango", "provider": "mango",
        "external_ids": [["kind": "call", "value": "MToxMDAwMDAwMQ==", "connection_id": "sales-mango"]],
        "direction": "inbound", "origin": "trunk", "state": "ended", "disposition": "answered", "missed_reason": nil,
        "ended_by": "external_party", "started_at": "2026-03-02T09:00:00.000Z", "answered_at": "2026-03-02T09:00:07.000Z",
        "ended_at": "2026-03-02T09:02:07.000Z", "wait_ms": 7000, "talk_ms": 120_000, "total_ms": 127_000,
        "external_party": ["number": ["raw": "79000001234", "e164": "+79000001234"], "name": nil],
        "line": ["id": "+74950000001", "number": ["raw": "74950000001", "e164": "+74950000001"], "label": "site"],
        "owner_user_id": "17", "participants": [], "legs": [], "transfers": [], "recordings": [], "merged_into": nil,
        "created_at": "2026-03-02T09:00:00.120Z", "updated_at": "2026-03-02T09:02:07.310Z",
    ]

    private static let cursor: JSONValue = "01000000000c35000000000001f3a9c2"

    static let changePage: JSONValue = [
        "changes": [["cursor": cursor, "type": "call.ended", "call": call]], "next_cursor": cursor, "has_more": false,
    ]

    static let callPage: JSONValue = ["calls": [call], "next_cursor": nil, "has_more": false]

    static let inboxEntry: JSONValue = [
        "id": "raw_01932f0a-7d3c-7abc-9def-0123456789ab", "connection_id": "sales-mango",
        "received_at": "2026-03-02T09:00:00.120Z", "source": "webhook", "peer": "203.0.113.7", "method": "POST",
        "path": "/events/call", "query": "",
        "headers": [["name": "content-type", "value": "application/x-www-form-urlencoded"]],
        "body": "vpbx_api_key=***&sign=***&json=%7B%22from%22%3A%227900***1234%22%7D", "body_bytes": 312, "state": "decoded",
        "reason": nil, "call_ids": ["call_01932f0a-7d3c-7abc-9def-0123456789ab"],
    ]

    static let inboxPage: JSONValue = ["requests": [inboxEntry], "next_cursor": nil, "has_more": false]

    static let replayReport: JSONValue = [
        "dry_run": true, "records": 1, "states": ["received": 0, "decoded": 1, "ignored": 0, "undecoded": 0],
        "differences": [["call_id": "call_01932f0a-7d3c-7abc-9def-0123456789ab", "before": nil, "after": call]],
    ]

    static let command: JSONValue = [
        "id": "cmd_01932f0a-7d3c-7abc-9def-0123456789ab", "type": "originate", "status": "sent", "tenant_id": "default",
        "connection_id": "sales-mango", "idempotency_key": "b7f0c8d2", "call_id": nil, "result_call_id": nil,
        "params": ["from": "101", "to": "+79000001234", "line": nil, "caller_name": nil, "record": false],
        "requested_by": "crm", "created_at": "2026-03-02T09:00:00.000Z", "updated_at": "2026-03-02T09:00:00.000Z",
        "deadline_at": "2026-03-02T09:00:30.000Z", "provider_response": nil, "error": nil,
    ]

    static let connection: JSONValue = [
        "id": "sales-mango", "enabled": true, "adapter": ["name": "mango", "title": "MANGO OFFICE", "version": "1"],
        "capabilities": [], "health": ["status": "green", "reason": "hears the provider"],
        "webhook_path": "/hooks/sales-mango", "last_event_at": "2026-03-02T09:02:07.310Z",
        "counters": ["accepted": 42, "handshakes": 1, "refused": 0, "overloaded": 0, "failed": 0], "problems": [], "upkeep": nil,
    ]

    private static let seenDay: JSONValue = [
        "day": "2026-03-02", "seen_by_webhook": 118, "seen_by_history": 120, "recovered": 2, "missing": 0,
        "missing_in_history": 0, "unread_rows": 0,
    ]

    static let completeness: JSONValue = [
        "from": "2026-03-02T00:00:00.000Z", "to": "2026-03-03T00:00:00.000Z", "time_zone": "UTC", "days": [seenDay],
        "connections": [
            [
                "connection_id": "sales-mango", "reconciled": true, "known_since": "2026-02-27T08:00:00.000Z",
                "known_until": "2026-03-03T07:50:00.000Z", "days": [seenDay],
            ]
        ],
    ]

    static let connectionList: JSONValue = ["connections": [connection]]

    static let contactQuery: JSONValue = [
        "type": "contact.lookup", "at": "2026-03-02T09:00:00.120Z", "tenant_id": "default", "connection_id": "vats",
        "provider": "megafon",
        "number": ["raw": "79000001234", "e164": "+79000001234", "national": "8 (900) 000-12-34", "country": "RU"],
        "line": ["raw": "74950000001", "e164": "+74950000001", "national": "8 (495) 000-00-01", "country": "RU"],
        "call": ["kind": "call", "value": "Q1AAA0000400001A"], "answer_within_ms": 1000,
    ]

    static let contactAnswer: JSONValue = [
        "name": "Ромашка, ООО", "responsible": ["user_id": "17"], "group": "700", "fallback": ["number": "+79000000101"],
    ]

    static let employees: JSONValue = [
        "employees": [
            [
                "user_id": "17", "extension": "101", "name": "Иван Петров", "crm_id": "17", "connection_id": "sales-mango",
                "presence": "online",
            ]
        ]
    ]

    static let lines: JSONValue = [
        "lines": [["number": "+74950000001", "label": "site", "channel": "yandex-direct", "connection_id": "sales-mango"]]
    ]
}
