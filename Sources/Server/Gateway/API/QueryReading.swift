import AdapterKit
import Connector
import HTTPServer

/// Reads the query of a request, and notes everything that is wrong with it.
///
/// Readers answer `nil` for what is absent or wrong; `finish()` throws where anything was wrong.
struct QueryReading {
    private let items: QueryItems
    private var errors: [APIProblem.Item] = []

    /// - Parameter known: names that this request may have; others are errors, and so is a name given twice.
    init(_ items: QueryItems, known: [String]) {
        self.items = items
        var seen: Set<String> = []
        for item in items {
            if !known.contains(item.name) {
                errors.append(.init(item.name, "There is no such parameter; \(NearestName.hint(for: item.name, among: known))"))
            } else if !seen.insert(item.name).inserted {
                errors.append(.init(item.name, "Given more than once."))
            }
        }
    }

    /// - Throws: `APIProblem` naming every wrong parameter.
    func finish() throws {
        guard errors.isEmpty else { throw APIProblem.badParameters(errors) }
    }

    mutating func note(_ name: String, _ detail: String) { errors.append(.init(name, detail)) }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        read(name, orSay: "Give a whole number from \(range.lowerBound) to \(range.upperBound).") { text in
            DecimalInteger.parse(text.utf8).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    mutating func instant(_ name: String) -> Instant? {
        // The plus sign of a zone arrives as a blank where the client did not escape it.
        read(name, orSay: "Give a moment of RFC 3339, as in 2026-01-31T12:00:00Z.") { text in
            Instant(rfc3339: text.replacing(" ", with: text.contains("T") ? "+" : " "))
        }
    }

    mutating func flag(_ name: String) -> Bool? {
        read(name, orSay: "Give true or false.") { text in text == "true" ? true : text == "false" ? false : nil }
    }

    mutating func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        let values = Choice.allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ")
        return read(name, orSay: "Give one of \(values).") { Choice(rawValue: $0) }
    }

    mutating func text(_ name: String) -> String? { read(name, orSay: "Give a value.") { $0.isEmpty ? nil : $0 } }

    /// A phone number; a leading blank is a plus sign that the client did not escape.
    mutating func number(_ name: String) -> String? {
        text(name).map { $0.first == " " ? "+" + $0.dropFirst() : $0 }
    }

    /// An empty cursor is none: what a loop has before its first page.
    mutating func cursor(_ name: String, for tenant: TenantID) -> Cursor? {
        guard items[name]?.isEmpty == false else { return nil }
        return read(name, orSay: "This is no cursor that this list gave.") { Cursor($0, for: tenant) }
    }

    private mutating func read<Value>(_ name: String, orSay complaint: String, _ parse: (String) -> Value?) -> Value? {
        guard let text = items[name] else { return nil }
        let value = parse(text)
        if value == nil { note(name, complaint) }
        return value
    }
}
