import Connector

/// Names of connections and tenants as small numbers: they stand in every row.
///
/// A name keeps its number for ever, so each side may remember what it once saw.
struct NameTable {
    private var numbers: [String: Int64] = [:]
    private var names: [Int64: String] = [:]
    private let database: Database

    init(_ database: Database) { self.database = database }

    /// The number of `name`, where it has one.
    mutating func number(of name: String) throws(JournalError) -> Int64? {
        if let number = numbers[name] { return number }
        let statement = try database.kept("SELECT number FROM name WHERE name = ?1")
        statement.bind(1, name)
        guard let number = try statement.first({ $0.int(0) }) else { return nil }
        numbers[name] = number
        return number
    }

    /// The number of `name`, given now where it has none: for the writer, inside its transaction.
    mutating func numberOrNew(of name: String) throws(JournalError) -> Int64 {
        if let number = try number(of: name) { return number }
        let statement = try database.kept("INSERT INTO name(name) VALUES (?1)")
        statement.bind(1, name)
        try statement.run()
        guard let number = try number(of: name) else { throw JournalError(.corrupt, "a name was not kept") }
        return number
    }

    /// The name that has `number`.
    mutating func name(of number: Int64) throws(JournalError) -> String {
        if let name = names[number] { return name }
        let statement = try database.kept("SELECT name FROM name WHERE number = ?1")
        statement.bind(1, number)
        guard let name = try statement.first({ $0.text(0) }) else {
            throw JournalError(.corrupt, "the name of number \(number) is missing")
        }
        names[number] = name
        return name
    }

    /// Forgets what was seen in a transaction that was undone.
    mutating func forget() {
        numbers = [:]
        names = [:]
    }
}
