import Connector

/// Reads a small section of a connection's file and notes everything that is wrong with it.
///
/// Readers answer `nil` after having noted a problem; the caller goes on.
package struct SectionReading {
    package private(set) var problems: [SettingTreeError.Problem] = []

    package init() {}

    package mutating func note(_ problem: String, hint: String, at place: SettingTree.Place) {
        problems.append(SettingTreeError.Problem(at: place, problem, hint: hint))
    }

    /// The fields of a mapping; those with names other than `known` are noted. None for `key:` alone.
    package mutating func fields(of tree: SettingTree, called name: String, known: [String]) -> [SettingTree.Field] {
        if case .nothing = tree.content { return [] }
        guard let fields = tree.fields else {
            note("\(name) is \(tree.kind)", hint: "write `key: value` pairs", at: tree.place)
            return []
        }
        for field in fields where !known.contains(field.name) {
            note("unknown key `\(field.name)`", hint: NearestName.hint(for: field.name, among: known), at: field.place)
        }
        return fields.filter { known.contains($0.name) }
    }

    package mutating func text(_ field: SettingTree.Field) -> String? {
        guard let text = field.value.text, !text.isEmpty else {
            note("`\(field.name)` is \(field.value.kind)", hint: "write one value", at: field.value.place)
            return nil
        }
        return text
    }

    package mutating func integer(_ field: SettingTree.Field, in range: ClosedRange<Int>) -> Int? {
        if let number = field.value.text.flatMap({ DecimalInteger.parse($0.utf8) }), range.contains(number) { return number }
        note(
            "`\(field.name)` is no whole number from \(range.lowerBound) to \(range.upperBound)", hint: "write a number there",
            at: field.value.place)
        return nil
    }

    /// The texts of a list, or one text.
    package mutating func words(_ field: SettingTree.Field) -> [String] {
        if let text = field.value.text { return [text] }
        let words = (field.value.list ?? []).compactMap(\.text)
        guard let list = field.value.list, list.count == words.count else {
            note("`\(field.name)` is no list of single values", hint: "write a list", at: field.value.place)
            return []
        }
        return words
    }

    /// - Throws: `SettingTreeError` where there are problems.
    package func finish() throws(SettingTreeError) {
        if !problems.isEmpty { throw SettingTreeError(problems) }
    }
}
