/// Starts programs of other people that talk in lines: one on standard input, one back on standard output.
package protocol ChildProcesses: Sendable {
    /// Starts a program in a process group of its own, with a small environment and no descriptor but its three.
    ///
    /// It ends when the last reference to it goes, when it is told to, and when the gateway ends.
    /// - Throws: `ChildFailure` `.start`.
    func start(_ program: ChildProgram) throws(ChildFailure) -> any ChildProcess

    /// Another number whenever a file that the command names is another: a program that was mended is begun anew. Cheap.
    func stamp(of program: ChildProgram) -> UInt64

    /// Runs `work` on a thread that may wait: no business of the shared pool.
    /// - Returns: false where the system gives no thread; nothing is then run.
    func aside(_ work: @escaping @Sendable () -> Void) -> Bool
}

/// What to start, and how much it may say.
package struct ChildProgram: Sendable {
    /// The program, found along `PATH` where its name has no slash, and its arguments.
    package var command: [String]
    /// Where it works; `nil` where the gateway does.
    package var folder: String?
    /// The longest line that it may answer, in bytes.
    package var lineLimit: Int
    /// Hears what it writes to standard error, a line at a time: cut, and not more than some a second. Called on a thread of the
    /// implementation; must not block.
    package var hear: @Sendable (String) -> Void

    package init(
        command: [String], folder: String? = nil, lineLimit: Int = 1 << 20, hear: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.command = command
        self.folder = folder
        self.lineLimit = lineLimit
        self.hear = hear
    }
}

/// A program that was started. `send` and `receive` are used by one thread at a time; the rest from any.
package protocol ChildProcess: AnyObject, Sendable {
    /// Writes one line, whose end is added. Blocks for at most `patience`.
    /// - Throws: `ChildFailure` `.late`, `.ended`, or `.unasked` where something was said that nobody had asked for.
    func send(_ line: [UInt8], within patience: Duration) throws(ChildFailure)

    /// The next line, without its end. Blocks for at most `patience`; what has come of the line by then is kept.
    /// - Throws: `ChildFailure` `.late`, `.ended`, `.tooLong`.
    func receive(within patience: Duration) throws(ChildFailure) -> [UInt8]

    /// How it ended: `exit status 3`, `signal 9`; `nil` while it runs.
    var ending: String? { get }

    /// Ends it and all that it started, at once.
    func kill()
}

/// Why a program does not answer. Carries nothing of what it said.
package struct ChildFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// It could not be started.
        case start
        /// Not within the time it had.
        case late
        /// It ended, or closed its end.
        case ended
        /// A line beyond the limit.
        case tooLong
        /// It said something between two questions.
        case unasked
    }

    package var code: Code
    package var description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
