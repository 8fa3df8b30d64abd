/// What went wrong with the journal's file, with a hint for the operator.
package struct JournalError: Error, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Another process holds the directory.
        case locked
        /// The directory or a file cannot be made or opened.
        case unavailable
        /// The file was written by a newer version.
        case newerSchema
        /// The file does not keep what it acknowledged: `synchronous` is not FULL or the mode is not WAL.
        case notDurable
        /// The disk or the file's quota is full.
        case full
        /// Reading or writing failed.
        case inputOutput
        /// A rule of the schema was broken: a raw identifier that is already there.
        case constraint
        /// The file does not hold what it should.
        case corrupt
        /// The journal is closing or closed.
        case closed
        /// Anything else that SQLite reports.
        case database
    }

    package var code: Code
    /// What happened, without any data of calls.
    package var message: String
    /// What the operator can do.
    package var hint: String?
    /// SQLite's extended result code; 0 where it was not SQLite.
    package var sqliteCode: Int32

    package init(_ code: Code, _ message: String, hint: String? = nil, sqliteCode: Int32 = 0) {
        self.code = code
        self.message = message
        self.hint = hint
        self.sqliteCode = sqliteCode
    }

    /// Whether the same call may succeed later without a change by hand.
    package var isTransient: Bool { code == .full || code == .inputOutput || code == .locked }

    package var description: String {
        hint.map { "\(code.rawValue): \(message) (\($0))" } ?? "\(code.rawValue): \(message)"
    }
}
