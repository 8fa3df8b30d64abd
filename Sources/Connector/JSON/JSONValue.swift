/// A JSON value taken apart: for configuration, commands and tests, where convenience counts more than speed.
///
/// Objects keep the order of their members; of members with the same name the last one counts. Numbers stay as they were written.
package enum JSONValue: Sendable, Equatable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case array([JSONValue])
    case object([Member])

    package struct Member: Sendable, Equatable {
        package var name: String
        package var value: JSONValue

        package init(_ name: String, _ value: JSONValue) {
            self.name = name
            self.value = value
        }
    }

    /// Takes a text apart.
    /// - Throws: `JSONError`.
    package init(parsing bytes: [UInt8], limits: JSONText.Limits = JSONText.Limits()) throws(JSONError) {
        self.init(try JSONText(bytes, limits: limits).root)
    }

    /// Takes a text apart.
    /// - Throws: `JSONError`.
    package init(parsing text: String) throws(JSONError) {
        try self.init(parsing: Array(text.utf8))
    }

    /// Takes a node and everything below it apart; an absent one is null. Its text's limit bounds the depth.
    package init(_ node: JSONNode) {
        if let string = node.string {
            self = .string(string)
        } else if let number = node.number {
            self = .number(number)
        } else if let bool = node.bool {
            self = .bool(bool)
        } else if node.isArray {
            self = .array(node.elements.map(JSONValue.init))
        } else if node.isObject {
            self = .object(node.members.map { Member($0.name, JSONValue($0.value)) })
        } else {
            self = .null
        }
    }

    // MARK: Reading

    /// The member of that name; nil where there is none, or where this is no object.
    package subscript(name: String) -> JSONValue? {
        guard case .object(let members) = self else { return nil }
        return members.last { $0.name == name }?.value
    }

    /// The element at that place; nil beyond the end, or where this is no array.
    package subscript(place: Int) -> JSONValue? {
        guard case .array(let elements) = self, elements.indices.contains(place) else { return nil }
        return elements[place]
    }

    package var string: String? {
        guard case .string(let string) = self else { return nil }
        return string
    }

    /// An integer as written: neither `1.0` nor anything beyond 64 bits.
    package var int: Int? {
        guard case .number(let text) = self else { return nil }
        return DecimalInteger.parse(text.utf8)
    }

    package var bool: Bool? {
        guard case .bool(let bool) = self else { return nil }
        return bool
    }

    package var elements: [JSONValue] {
        guard case .array(let elements) = self else { return [] }
        return elements
    }

    package var members: [Member] {
        guard case .object(let members) = self else { return [] }
        return members
    }

    // MARK: Writing

    package func write(to json: inout JSONWriter) {
        switch self {
        case .null: json.null()
        case .bool(let bool): json.value(bool)
        case .number(let text): json.value(json: text.utf8)
        case .string(let string): json.value(string)
        case .array(let elements):
            json.beginArray()
            for element in elements { element.write(to: &json) }
            json.endArray()
        case .object(let members):
            json.beginObject()
            for member in members {
                json.name(dynamic: member.name)
                member.value.write(to: &json)
            }
            json.endObject()
        }
    }

    /// This value as JSON text.
    package var encoded: [UInt8] {
        var json = JSONWriter()
        write(to: &json)
        return json.finish()
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByBooleanLiteral,
    ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int) { self = .number(String(value)) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
    package init(nilLiteral: ()) { self = .null }
    package init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    package init(dictionaryLiteral members: (String, JSONValue)...) { self = .object(members.map { Member($0.0, $0.1) }) }
}
