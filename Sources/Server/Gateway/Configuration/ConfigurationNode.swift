import Yams

/// A place in a file, in lines and characters from 1.
struct TextPlace: Equatable {
    var line: Int
    var column: Int

    static let start = TextPlace(line: 1, column: 1)

    init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    init(_ mark: Mark) { self.init(line: mark.line, column: mark.column) }
}

/// One value of a settings file, with its place.
struct ConfigurationNode {
    let node: Node
    let place: TextPlace

    /// - Parameter fallback: where it stands in case the parser does not say.
    init(_ node: Node, fallback: TextPlace) {
        self.node = node
        place = node.mark.map(TextPlace.init) ?? fallback
    }

    /// The text of a scalar, quoted or not; `nil` for a list, a mapping, or nothing.
    var text: String? {
        guard case .scalar(let scalar) = node, !isEmpty else { return nil }
        return scalar.string
    }

    /// Nothing stands there: `key:` alone, `~` or `null`.
    var isEmpty: Bool {
        guard case .scalar(let scalar) = node, scalar.style == .plain || scalar.style == .any else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.string)
    }

    /// A scalar without quotes.
    var isPlain: Bool {
        guard case .scalar(let scalar) = node else { return false }
        return scalar.style == .plain || scalar.style == .any
    }

    /// The elements of a list; `nil` for anything else.
    var elements: [ConfigurationNode]? {
        guard case .sequence(let sequence) = node else { return nil }
        return sequence.map { ConfigurationNode($0, fallback: place) }
    }

    /// What it is, for a person.
    var kind: String {
        switch node {
        case .scalar: isEmpty ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .alias: "an alias"
        }
    }
}

/// One `key: value` of a settings file.
struct ConfigurationField {
    let name: String
    /// Where the key stands.
    let place: TextPlace
    let value: ConfigurationNode
}
