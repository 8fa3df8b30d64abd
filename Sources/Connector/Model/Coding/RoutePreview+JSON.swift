extension RoutePreview {
    /// As `/api/v1/routes/preview` answers.
    package var json: JSONValue {
        [
            "connection_id": .string(connection.name), "direction": .string(question.direction.rawValue),
            "number": .string(question.number), "e164": .text(e164), "from": .text(question.from),
            "at": .string(question.at.description),
            "outcome": .string(outcome.rawValue), "reason": .from(reason), "status": status.map { .number(String($0)) } ?? .null,
            "trunks": .array(trunks.map(\.json)), "passed_over": .array(passedOver.map(\.json)), "by": .text(by),
            "steps": .array(steps.map(\.json)),
        ]
    }
}

extension RoutePreview.Trunk {
    fileprivate var json: JSONValue {
        [
            "trunk": .string(name), "line": .text(line), "price": price?.json ?? .null, "priority": .number(priority),
            "rule": fileLine.map { ["file_line": .number($0), "to": .text(destination)] } ?? .null, "reason": .from(reason),
        ]
    }
}

extension RoutePreview.Price {
    fileprivate var json: JSONValue {
        ["amount": .string(amount), "currency": .string(currency), "billed_by": .string(billedBy)]
    }
}

extension RoutePreview.Step {
    fileprivate var json: JSONValue {
        [
            "kind": .string(kind), "ref": .text(ref), "result": .text(result), "seconds": .number(seconds),
            "rings": .array(rings.map { ["number": .string($0.number), "kind": .string($0.kind), "name": .text($0.name)] }),
            "keys": .array(keys.map { ["key": .string($0.key), "steps": .array($0.steps.map(\.json))] }),
        ]
    }
}

extension JSONValue {
    fileprivate static func text(_ text: String?) -> JSONValue { text.map { .string($0) } ?? .null }

    fileprivate static func number(_ number: Int?) -> JSONValue { number.map { .number(String($0)) } ?? .null }

    fileprivate static func from(_ reason: RoutePreview.Reason?) -> JSONValue {
        reason.map { ["code": .string($0.code), "text": .string($0.text)] } ?? .null
    }
}
