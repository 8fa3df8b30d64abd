import Glibc

/// The real `kommutator`, running as a process of its own on an ephemeral port of the loopback.
///
/// `@unchecked Sendable`: `end` is written by the one thread that waits for the process; everything else never changes.
package final class GatewayProcess: @unchecked Sendable {
    /// How a process ended.
    package enum End: Equatable, Sendable {
        case exited(Int32)
        case killed(Int32)
    }

    package let pid: pid_t
    package let log: CapturedLines
    /// Of `http://127.0.0.1:PORT`; 0 for a command that does not listen.
    package private(set) var port: UInt16 = 0
    private var end: End?

    /// Starts `kommutator serve` and waits until it listens.
    /// - Parameters:
    ///   - arguments: after `serve`.
    ///   - port: that of a gateway that is gone, to take its place; 0 takes a free one.
    ///   - launcher: a command that ends by executing the one that follows it, as `unshare` does.
    package init(serving arguments: [String], port: UInt16 = 0, launcher: [String] = []) throws {
        log = CapturedLines()
        pid = try Self.spawn(launcher + [Self.binary, "serve", "--listen", "127.0.0.1:\(port)"] + arguments, log, output: nil)
        guard let line = log.line(with: "event=serving", within: .seconds(30)),
            let port = line.split(separator: ":").last.flatMap({ UInt16($0) })
        else {
            kill(SIGKILL)
            throw SystemFailure("the gateway does not listen:\n\(log.text)")
        }
        self.port = port
    }

    /// Starts `kommutator simulate VENDOR --serve 0` and waits until it says where it is.
    /// - Parameter arguments: after `simulate`.
    package init(simulating arguments: [String]) throws {
        log = CapturedLines()
        let output = CapturedLines()
        pid = try Self.spawn([Self.binary, "simulate"] + arguments + ["--serve", "0"], log, output: output)
        guard let line = output.line(with: "127.0.0.1:", within: .seconds(30)),
            let port = line.split(separator: ":").last.flatMap({ UInt16($0) })
        else {
            kill(SIGKILL)
            throw SystemFailure("nobody plays the vendor:\n\(log.text)")
        }
        self.port = port
    }

    private init(command: [String], output: CapturedLines) throws {
        log = CapturedLines()
        pid = try Self.spawn(command, log, output: output)
    }

    deinit {
        guard end == nil else { return }
        kill(SIGKILL)
        waitForEnd()
    }

    /// Runs another command of `kommutator` to its end.
    /// - Parameter launcher: a command that ends by executing the one that follows it.
    /// - Returns: its exit status, and the lines of its standard output.
    package static func run(
        _ arguments: [String], launcher: [String] = []
    ) throws -> (end: End?, output: [String], complaints: String) {
        try run(command: launcher + [binary] + arguments)
    }

    /// Runs any command to its end.
    package static func run(command: [String]) throws -> (end: End?, output: [String], complaints: String) {
        let output = CapturedLines()
        let process = try GatewayProcess(command: command, output: output)
        let end = process.waitForEnd()
        _ = output.waitForEnd(within: .seconds(30))
        return (end, output.text.split(separator: "\n").map(String.init), process.log.text)
    }

    package func kill(_ signal: Int32) { Glibc.kill(pid, signal) }

    /// Waits for the end; after `patience` the process is killed.
    @discardableResult
    package func waitForEnd(within patience: Duration = .seconds(30)) -> End? {
        if let end { return end }
        if !log.waitForEnd(within: patience) { kill(SIGKILL) }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 {
            guard errno == EINTR else { return nil }
        }
        end = status & 0x7F == 0 ? .exited(status >> 8 & 0xFF) : .killed(status & 0x7F)
        return end
    }

    /// Resident memory in bytes.
    package var residentByteCount: Int {
        guard let file = fopen("/proc/\(pid)/statm", "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, 256, file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
    }

    // MARK: Starting

    /// Lies beside the tests: both are products of one build.
    package static let binary: String = {
        var path = [CChar](repeating: 0, count: 4096)
        let length = readlink("/proc/self/exe", &path, path.count - 1)
        let own = String(decoding: path.prefix(max(0, length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return own.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/") + "/kommutator"
    }()

    private static func spawn(_ command: [String], _ log: CapturedLines, output: CapturedLines?) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        var writers = [try capture(STDERR_FILENO, in: log, &actions)]
        if let output { writers.append(try capture(STDOUT_FILENO, in: output, &actions)) }
        defer { for writer in writers { close(writer) } }
        var words: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var pid: pid_t = 0
        let failure = posix_spawnp(&pid, command[0], &actions, &attributes, &words, environ)
        guard failure == 0 else { throw SystemFailure("\(command[0]): \(String(cString: strerror(failure)))") }
        return pid
    }

    /// Lets the child's `descriptor` flow into `lines`.
    /// - Returns: the end that the parent must close.
    private static func capture(
        _ descriptor: Int32, in lines: CapturedLines, _ actions: inout posix_spawn_file_actions_t
    ) throws -> Int32 {
        var ends: [Int32] = [0, 0]
        // A pair of sockets and no pipe: these are made closed for other children in one step.
        guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
            throw SystemFailure.last("socketpair")
        }
        posix_spawn_file_actions_adddup2(&actions, ends[1], descriptor)
        let reader = ends[0]
        Threads.start { lines.drain(reader) }
        return ends[1]
    }
}
