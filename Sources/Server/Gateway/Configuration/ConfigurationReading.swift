import AdapterKit
import Connector
import Yams

/// Reads one settings file and notes everything that is wrong with it, so that a person mends all of it at once.
///
/// Readers answer `nil` after having noted a problem; the caller goes on with the standard value.
struct ConfigurationReading {
    let file: String
    private(set) var problems: [ConfigurationProblem] = []

    init(file: String) { self.file = file }

    // MARK: Noting

    mutating func note(_ problem: String, hint: String, at place: TextPlace? = nil) {
        problems.append(
            ConfigurationProblem(
                file: file, line: place?.line ?? 0, column: place?.column ?? 0, problem: problem, hint: hint))
    }

    mutating func note(_ problem: SettingProblem, at place: TextPlace?) { note(problem.problem, hint: problem.hint, at: place) }

    // MARK: The file

    /// The mapping that the whole of `text` is; empty for an empty file.
    mutating func document(_ text: String) -> [ConfigurationField]? {
        do {
            guard let root = try Parser(yaml: text).singleRoot() else { return [] }
            let node = ConfigurationNode(root, fallback: .start)
            return node.isEmpty ? [] : fields(of: node, called: "the file")
        } catch let error as YamlError {
            note(error)
        } catch {
            note("cannot be read as YAML", hint: "check its syntax")
        }
        return nil
    }

    private mutating func note(_ error: YamlError) {
        switch error {
        case .scanner(_, let problem, let place, _), .parser(_, let problem, let place, _),
            .composer(_, let problem, let place, _):
            note("is no valid YAML: \(problem)", hint: "check indentation, colons and quotes there", at: TextPlace(place))
        case .duplicatedKeysInMapping(let names, let context):
            let list = names.map { "`\($0)`" }.joined(separator: ", ")
            note("\(list) is given twice", hint: "keep one of them", at: TextPlace(context.mark))
        default:
            note("is no valid YAML", hint: "save it as UTF-8 without control characters")
        }
    }

    // MARK: Structure

    /// The fields of a mapping, in the order of the file.
    mutating func fields(of node: ConfigurationNode, called name: String) -> [ConfigurationField]? {
        guard case .mapping(let mapping) = node.node else {
            note("\(name) is \(node.kind)", hint: "write `key: value` pairs", at: node.place)
            return nil
        }
        return mapping.compactMap { key, value in
            guard case .scalar(let scalar) = key else {
                note("a key that is no text", hint: "write `key: value` pairs", at: key.mark.map(TextPlace.init) ?? node.place)
                return nil
            }
            let place = scalar.mark.map(TextPlace.init) ?? node.place
            return ConfigurationField(name: scalar.string, place: place, value: ConfigurationNode(value, fallback: place))
        }
    }

    /// Notes fields with names other than `known`.
    mutating func refuseUnknown(_ fields: [ConfigurationField], known: [String], what: String = "key") {
        for field in fields where !known.contains(field.name) {
            note(
                "unknown \(what) `\(field.name)`", hint: NearestName.hint(for: field.name, among: known), at: field.place)
        }
    }

    // MARK: Trees

    /// What an adapter reads by itself, taken apart; nil where it is too large or no tree of texts.
    mutating func tree(_ field: ConfigurationField) -> SettingTree? {
        var room = 20_000
        let before = problems.count
        let tree = tree(field.value, depth: 0, room: &room)
        if room <= 0 {
            note("`\(field.name)` has too many values", hint: "20000 are the limit", at: field.place)
        }
        return problems.count == before ? tree : nil
    }

    /// - Parameter room: how many values may still come: aliases make large trees of small files.
    private mutating func tree(_ value: ConfigurationNode, depth: Int, room: inout Int) -> SettingTree {
        let place = SettingTree.Place(line: value.place.line, column: value.place.column)
        room -= 1
        guard room > 0, !value.isEmpty else { return SettingTree(.nothing, at: place) }
        guard depth < 16 else {
            note("values within values within values", hint: "16 deep is the limit", at: value.place)
            return SettingTree(.nothing, at: place)
        }
        if let text = value.text { return SettingTree(.text(text, isPlain: value.isPlain), at: place) }
        if let elements = value.elements {
            return SettingTree(.list(elements.map { tree($0, depth: depth + 1, room: &room) }), at: place)
        }
        let fields = fields(of: value, called: "a value") ?? []
        return SettingTree(
            .fields(
                fields.map { field in
                    SettingTree.Field(
                        name: field.name, place: .init(line: field.place.line, column: field.place.column),
                        value: tree(field.value, depth: depth + 1, room: &room))
                }), at: place)
    }

    // MARK: Values

    mutating func text(_ field: ConfigurationField) -> String? {
        if let text = field.value.text { return text }
        note("`\(field.name)` is \(field.value.kind)", hint: "write one value", at: field.value.place)
        return nil
    }

    mutating func flag(_ field: ConfigurationField) -> Bool? {
        switch field.value.text {
        case "true": return true
        case "false": return false
        default:
            note("`\(field.name)` is neither true nor false", hint: "write true or false", at: field.value.place)
            return nil
        }
    }

    mutating func integer(_ field: ConfigurationField, in range: ClosedRange<Int>) -> Int? {
        if let text = field.value.text, let number = DecimalInteger.parse(text.utf8), range.contains(number) { return number }
        note(
            "`\(field.name)` is no whole number from \(range.lowerBound) to \(range.upperBound)", hint: "write a number there",
            at: field.value.place)
        return nil
    }

    /// Texts of a list, or of one text with commas between them.
    mutating func list(_ field: ConfigurationField) -> [(text: String, place: TextPlace)] {
        if let text = field.value.text {
            return text.split(separator: ",").map { ($0.trimmed, field.value.place) }
        }
        guard let elements = field.value.elements else {
            note("`\(field.name)` is \(field.value.kind)", hint: "write a list", at: field.value.place)
            return []
        }
        return elements.compactMap { element in
            if let text = element.text { return (text, element.place) }
            note("an element of `\(field.name)` is \(element.kind)", hint: "write one value each", at: element.place)
            return nil
        }
    }

    /// The field's text as `read` understands it.
    mutating func value<Value>(
        _ field: ConfigurationField, _ read: (String) throws(SettingProblem) -> Value
    ) -> Value? {
        guard let text = text(field) else { return nil }
        do {
            return try read(text)
        } catch {
            note(SettingProblem("`\(field.name)`: \(error.problem)", hint: error.hint), at: field.value.place)
            return nil
        }
    }
}

extension Substring {
    /// Without blanks at both ends.
    fileprivate var trimmed: String {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
