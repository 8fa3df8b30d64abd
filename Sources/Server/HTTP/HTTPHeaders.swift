/// Header fields in order; names compare without regard to case.
package struct HTTPHeaders: Sendable, ExpressibleByDictionaryLiteral, Sequence {
    package private(set) var fields: [(name: String, value: String)]

    package init(_ fields: [(name: String, value: String)] = []) { self.fields = fields }
    package init(dictionaryLiteral elements: (String, String)...) { fields = elements.map { ($0.0, $0.1) } }

    /// The first value of that name; setting replaces all of them, nil removes them.
    package subscript(name: String) -> String? {
        get { fields.first { Self.same($0.name, name) }?.value }
        set {
            fields.removeAll { Self.same($0.name, name) }
            if let newValue { fields.append((name, newValue)) }
        }
    }

    /// All values of that name, in order.
    package func values(of name: String) -> [String] { fields.filter { Self.same($0.name, name) }.map(\.value) }

    package mutating func add(_ name: String, _ value: String) { fields.append((name, value)) }

    package func makeIterator() -> IndexingIterator<[(name: String, value: String)]> { fields.makeIterator() }

    private static func same(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && left.utf8.elementsEqual(right.utf8) { $0.asciiLowercased == $1.asciiLowercased }
    }
}
