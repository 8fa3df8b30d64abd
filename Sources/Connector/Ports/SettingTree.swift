/// A section of a connection's file that only its adapter understands, taken apart and with its places.
///
/// The gateway has checked that it is a tree of bounded size with texts in it; what it means, the adapter says.
package struct SettingTree: Sendable, Equatable {
    /// Where a value or a key stands in its file, in lines and characters from 1.
    package struct Place: Hashable, Sendable {
        package var line: Int
        package var column: Int

        package init(line: Int, column: Int) {
            self.line = line
            self.column = column
        }
    }

    package struct Field: Sendable, Equatable {
        package var name: String
        package var place: Place
        package var value: SettingTree

        package init(name: String, place: Place, value: SettingTree) {
            self.name = name
            self.place = place
            self.value = value
        }
    }

    package enum Content: Sendable, Equatable {
        /// `key:` alone, or `null`.
        case nothing
        /// - Parameter isPlain: written without quotes, so that `true` and `15` may be meant as what they look like.
        case text(String, isPlain: Bool)
        case list([SettingTree])
        /// In the order of the file; no name comes twice.
        case fields([Field])
    }

    package var content: Content
    package var place: Place

    package init(_ content: Content, at place: Place) {
        self.content = content
        self.place = place
    }

    /// The text of a single value; nil for anything else.
    package var text: String? {
        guard case .text(let text, _) = content else { return nil }
        return text
    }

    package var list: [SettingTree]? {
        guard case .list(let list) = content else { return nil }
        return list
    }

    package var fields: [Field]? {
        guard case .fields(let fields) = content else { return nil }
        return fields
    }

    /// What it is, for a person.
    package var kind: String {
        switch content {
        case .nothing: "nothing"
        case .text: "a single value"
        case .list: "a list"
        case .fields: "a mapping"
        }
    }
}

/// All that an adapter has against a section of its file. Never carries a secret.
package struct SettingTreeError: Error, Sendable, Equatable, CustomStringConvertible {
    package struct Problem: Sendable, Equatable {
        package var place: SettingTree.Place
        package var problem: String
        package var hint: String

        package init(at place: SettingTree.Place, _ problem: String, hint: String) {
            self.place = place
            self.problem = problem
            self.hint = hint
        }
    }

    package var problems: [Problem]

    package init(_ problems: [Problem]) { self.problems = problems }

    package var description: String {
        problems.map { "line \($0.place.line): \($0.problem); \($0.hint)" }.joined(separator: "\n")
    }
}
