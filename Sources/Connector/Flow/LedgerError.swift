/// Why the ledger did not do what it was asked to. It may be asked again: everything that is asked of it bears repetition.
package struct LedgerError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No answer came in time: the ledger waits for the journal.
        case busy
        /// Too many others are waiting.
        case overloaded
        /// The gateway ends.
        case ending
        /// The journal could not take what followed, or the ledger lost its footing before it was known to.
        case begunAnew = "begun_anew"
    }

    package var code: Code
    package var message: String
    package var hint: String

    package init(code: Code, message: String, hint: String) {
        self.code = code
        self.message = message
        self.hint = hint
    }

    /// The same call may succeed later.
    package var isTransient: Bool { true }

    package var description: String { "\(message) (\(hint))" }

    static let busy = LedgerError(
        code: .busy, message: "the ledger gave no answer in time",
        hint: "it waits for the journal: see the log, `/readyz`, and the disk")
    static let overloaded = LedgerError(
        code: .overloaded, message: "too many wait for the ledger already", hint: "ask again in a while")
    static let ending = LedgerError(code: .ending, message: "the gateway is ending", hint: "ask again when it runs")
    static let begunAnew = LedgerError(
        code: .begunAnew, message: "the ledger had to begin anew before this was committed",
        hint: "ask again; if it goes on, the log says which rule of the journal is broken")
}
