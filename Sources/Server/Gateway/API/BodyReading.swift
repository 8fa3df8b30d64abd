import AdapterKit
import Connector

/// Reads a small JSON object from a request's body, and notes everything that is wrong with it.
struct BodyReading {
    private let root: JSONNode
    private var errors: [APIProblem.Item] = []

    /// - Parameter known: members that it may have. An empty body is an empty object.
    /// - Throws: `APIProblem` 400 where it is no JSON object.
    init(_ body: [UInt8], known: [String]) throws {
        do {
            root = try JSONText(body.isEmpty ? Array("{}".utf8) : body, limits: .init(depth: 8, byteCount: 64 << 10)).root
        } catch {
            throw APIProblem.badBody([.init("body", "\(error.description).")])
        }
        guard root.isObject else { throw APIProblem.badBody([.init("body", "Send a JSON object.")]) }
        for member in root.members where !known.contains(member.name) {
            errors.append(
                .init(member.name, "There is no such field; \(NearestName.hint(for: member.name, among: known))"))
        }
    }

    /// - Throws: `APIProblem` naming every wrong field.
    func finish() throws {
        guard errors.isEmpty else { throw APIProblem.badBody(errors) }
    }

    mutating func text(_ name: String, isRequired: Bool = false) -> String? {
        if isRequired { require(name) }
        return read(name, orSay: "Give a text.") { $0 }
    }

    mutating func flag(_ name: String) -> Bool? {
        let node = root[dynamic: name]
        guard node.exists, !node.isNull else { return nil }
        if node.bool == nil { errors.append(.init(name, "Give true or false.")) }
        return node.bool
    }

    /// An object with exactly one of the members `among`, a text.
    mutating func oneOf(_ name: String, _ among: [String]) -> (name: String, text: String)? {
        let members = Array(root[dynamic: name].members)
        guard members.count == 1, let member = members.first, among.contains(member.name), let text = member.value.string else {
            let names = among.map { "`\($0)`" }.joined(separator: ", ")
            errors.append(.init(name, "Give an object with one of \(names), a text."))
            return nil
        }
        return (member.name, text)
    }

    private mutating func require(_ name: String) {
        let node = root[dynamic: name]
        if !node.exists || node.isNull { errors.append(.init(name, "It is needed.")) }
    }

    mutating func instant(_ name: String) -> Instant? {
        read(name, orSay: "Give a moment of RFC 3339, as in 2026-01-31T12:00:00Z.") { Instant(rfc3339: $0) }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(
        _ name: String, _ type: Choice.Type, isRequired: Bool = false
    ) -> Choice? where Choice.RawValue == String {
        if isRequired { require(name) }
        let values = Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        return read(name, orSay: "Give one of \(values).") { Choice(rawValue: $0) }
    }

    /// `nil` for what is absent or null, and, with a note, for what is wrong.
    private mutating func read<Value>(_ name: String, orSay complaint: String, _ parse: (String) -> Value?) -> Value? {
        let node = root[dynamic: name]
        guard node.exists, !node.isNull else { return nil }
        let value = node.string.flatMap(parse)
        if value == nil { errors.append(.init(name, complaint)) }
        return value
    }
}
