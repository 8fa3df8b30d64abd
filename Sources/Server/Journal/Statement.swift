import CSystem
import Connector

/// A prepared statement: bind from 1, step, read columns from 0, reset.
///
/// Binding never throws: the first failure is kept and thrown by the next `step()`. Identifiers are stored as 16 bytes,
/// most significant first, so that they sort like their values.
final class Statement {
    private unowned let database: Database
    private let handle: OpaquePointer
    /// Where bound identifiers lie until the reset; 16 bytes a parameter.
    private let identifiers: UnsafeMutableRawPointer
    private var failure: Int32 = SQLITE_OK

    /// Prepares `sql`. The database outlives its statements.
    init(_ sql: String, in database: Database) throws(JournalError) {
        self.database = database
        var prepared: OpaquePointer?
        let code = sqlite3_prepare_v3(database.handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
        guard code == SQLITE_OK, let prepared else { throw database.error(code) }
        handle = prepared
        let count = Int(sqlite3_bind_parameter_count(prepared))
        identifiers = .allocate(byteCount: 16 * (count + 1), alignment: 16)
    }

    deinit {
        sqlite3_finalize(handle)
        identifiers.deallocate()
    }

    // MARK: Running

    /// Goes to the next row.
    /// - Returns: `false` behind the last one; the statement is then reset.
    func step() throws(JournalError) -> Bool {
        guard failure == SQLITE_OK else { throw fail(failure) }
        let code = sqlite3_step(handle)
        if code == SQLITE_ROW { return true }
        guard code == SQLITE_DONE else { throw fail(code) }
        sqlite3_reset(handle)
        return false
    }

    /// Runs a statement that gives no rows.
    func run() throws(JournalError) { while try step() {} }

    /// Ends a reading before its last row.
    func reset() { sqlite3_reset(handle) }

    /// Every row that is left, through `read`.
    func rows<Row>(_ read: (Statement) throws(JournalError) -> Row) throws(JournalError) -> [Row] {
        defer { reset() }
        var rows: [Row] = []
        while try step() { rows.append(try read(self)) }
        return rows
    }

    /// The first row through `read`; `nil` where there is none.
    func first<Row>(_ read: (Statement) throws(JournalError) -> Row) throws(JournalError) -> Row? {
        defer { reset() }
        return try step() ? try read(self) : nil
    }

    private func fail(_ code: Int32) -> JournalError {
        let error = database.error(code)
        sqlite3_reset(handle)
        failure = SQLITE_OK
        return error
    }

    // MARK: Binding

    func bind(_ index: Int32, _ value: Int64) { note(sqlite3_bind_int64(handle, index, value)) }

    func bind(_ index: Int32, _ value: Int64?) {
        note(value.map { sqlite3_bind_int64(handle, index, $0) } ?? sqlite3_bind_null(handle, index))
    }

    /// Binds a copy of `text`; `nil` as NULL.
    func bind(_ index: Int32, _ text: String?) {
        guard var text else { return note(sqlite3_bind_null(handle, index)) }
        let code = text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                csqlite_bind_copied_text(handle, index, characters.baseAddress, UInt64(characters.count))
            }
        }
        note(code)
    }

    /// Binds a copy of `bytes`.
    func bind(copying index: Int32, _ bytes: [UInt8]) {
        guard !bytes.isEmpty else { return note(sqlite3_bind_zeroblob(handle, index, 0)) }
        note(bytes.withUnsafeBytes { csqlite_bind_copied_blob(handle, index, $0.baseAddress, UInt64($0.count)) })
    }

    /// Binds an identifier; `nil` as NULL.
    func bind<Subject>(_ index: Int32, _ identifier: Identifier<Subject>?) {
        guard let identifier else { return note(sqlite3_bind_null(handle, index)) }
        let place = identifiers + 16 * Int(index)
        place.storeBytes(of: identifier.upper.bigEndian, as: UInt64.self)
        (place + 8).storeBytes(of: identifier.lower.bigEndian, as: UInt64.self)
        note(csqlite_bind_borrowed_blob(handle, index, place, 16))
    }

    /// Binds bytes that must stay where they are until the statement was run: no copy is made.
    func bind(_ index: Int32, borrowing bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress, !bytes.isEmpty else { return note(sqlite3_bind_zeroblob(handle, index, 0)) }
        note(csqlite_bind_borrowed_blob(handle, index, start, UInt64(bytes.count)))
    }

    /// Runs the statement with `bytes` bound at `index`, without a copy.
    func run(binding bytes: [UInt8], at index: Int32) throws(JournalError) {
        let outcome: Result<Void, JournalError> = bytes.withUnsafeBytes { buffer in
            bind(index, borrowing: buffer)
            do throws(JournalError) { return .success(try run()) } catch { return .failure(error) }
        }
        try outcome.get()
    }

    private func note(_ code: Int32) {
        if code != SQLITE_OK, failure == SQLITE_OK { failure = code }
    }

    // MARK: Reading

    func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

    func int(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

    func optionalInt(_ column: Int32) -> Int64? { isNull(column) ? nil : int(column) }

    func text(_ column: Int32) -> String {
        guard let start = sqlite3_column_text(handle, column) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, column))
        return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
    }

    func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

    func bytes(_ column: Int32) -> [UInt8] {
        guard let start = sqlite3_column_blob(handle, column) else { return [] }
        return [UInt8](UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }

    /// The text that a column of packed JSON stands for.
    func json(_ column: Int32, _ expander: PackedJSONExpander) throws(JournalError) -> [UInt8] {
        let packed = UnsafeRawBufferPointer(
            start: sqlite3_column_blob(handle, column), count: Int(sqlite3_column_bytes(handle, column)))
        do throws(PackedJSON.Damage) {
            return try expander.expand(packed)
        } catch {
            throw JournalError(.corrupt, "\(error)", hint: "restore the data from a backup")
        }
    }

    func identifier<Subject>(_ column: Int32) throws(JournalError) -> Identifier<Subject> {
        guard let start = sqlite3_column_blob(handle, column), sqlite3_column_bytes(handle, column) == 16 else {
            throw JournalError(.corrupt, "an identifier of 16 bytes is missing", hint: "restore the data from a backup")
        }
        return Identifier(bits: UInt128(bigEndian: start.loadUnaligned(as: UInt128.self)))
    }

    func optionalIdentifier<Subject>(_ column: Int32) throws(JournalError) -> Identifier<Subject>? {
        isNull(column) ? nil : try identifier(column)
    }

    /// A word of a closed list, as the schema stores enumerations.
    func word<Word: RawRepresentable>(_ column: Int32) throws(JournalError) -> Word where Word.RawValue == String {
        guard let word = Word(rawValue: text(column)) else {
            throw JournalError(.corrupt, "the word \(text(column)) is no \(Word.self)")
        }
        return word
    }
}
