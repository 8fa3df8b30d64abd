import Connector

/// A reader of a section that notes everything that is wrong with it, so that a person mends all of it at once. What reads a value answers nil
/// after having noted a problem.
package protocol SettingTreeReader {
    /// Bytes of one value.
    static var textLimit: Int { get }

    mutating func note(_ problem: String, hint: String, at place: SettingTree.Place)
}

extension SettingTreeReader {
    /// A text that is taken as it stands; nil, too, where there is no such field.
    package mutating func text(_ field: SettingTree.Field?) -> String? {
        guard let field else { return nil }
        return text(field.value, called: field.name)
    }

    package mutating func text(_ tree: SettingTree, called name: String) -> String? {
        guard let text = tree.text else {
            note("`\(name)` is \(tree.kind)", hint: "write one value", at: tree.place)
            return nil
        }
        guard text.utf8.count <= Self.textLimit else {
            note("`\(name)` is too long", hint: "\(Self.textLimit) bytes are the limit", at: tree.place)
            return nil
        }
        return text
    }

    /// A word of a closed list, as it stands.
    package mutating func word<Word: RawRepresentable & CaseIterable>(_ field: SettingTree.Field?, of: Word.Type) -> Word?
    where Word.RawValue == String {
        guard let field, let text = text(field) else { return nil }
        if let word = Word(rawValue: text) { return word }
        note(
            "`\(field.name)`: `\(text)` is none of its values",
            hint: NearestName.hint(for: text, among: Word.allCases.map(\.rawValue)), at: field.value.place)
        return nil
    }
}
