import CSystem
import Connector
import Glibc
import Synchronization
import Threading

/// The port `ChildProcesses` made real: `posix_spawn`, pipes, and one small thread a program that hears its log and reaps it.
package final class SystemChildren: ChildProcesses {
    private struct Nursery {
        var watches: [ObjectIdentifier: ChildWatch] = [:]
        var isClosed = false
    }

    private let nursery = Mutex(Nursery())
    private let environment: [String]

    /// What of the gateway's environment a program may see: none of its secrets are kept there.
    private static let inherited = ["PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR"]
    private static let stackByteCount = 256 << 10

    /// - Parameter environment: of which a program sees `PATH`, `HOME`, `LANG`, `LC_ALL`, `TZ` and `TMPDIR`.
    package init(environment: [String: String]) {
        self.environment = Self.inherited.compactMap { name in environment[name].map { "\(name)=\($0)" } }
    }

    package func start(_ program: ChildProgram) throws(ChildFailure) -> any ChildProcess {
        guard !nursery.withLock({ $0.isClosed }) else { throw ChildFailure(.start, "the gateway ends") }
        var pipes = ChildPipes()
        do {
            try pipes.open()
            let pid = try spawn(program, pipes)
            pipes.closeTheirs()
            let watch = try ChildWatch(pid: pid, standardError: pipes.error, hear: program.hear)
            pipes.handOverError()
            try keep(watch)
            return SystemChild(watch, input: pipes.input, output: pipes.output, lineLimit: program.lineLimit)
        } catch {
            pipes.closeAll()
            throw error
        }
    }

    package func stamp(of program: ChildProgram) -> UInt64 {
        var hash = StableHash()
        for word in program.command where !word.hasPrefix("-") {
            let path = word.hasPrefix("/") ? word : (program.folder.map { "\($0)/" } ?? "") + word
            var status = stat()
            guard stat(path, &status) == 0 else { continue }
            hash.combine(UInt64(truncatingIfNeeded: status.st_ino))
            hash.combine(UInt64(truncatingIfNeeded: status.st_size))
            hash.combine(UInt64(truncatingIfNeeded: status.st_mtim.tv_sec))
            hash.combine(UInt64(truncatingIfNeeded: status.st_mtim.tv_nsec))
        }
        return UInt64(truncatingIfNeeded: hash.value)
    }

    package func aside(_ work: @escaping @Sendable () -> Void) -> Bool {
        do {
            _ = try SystemThread(named: "program", work)
            return true
        } catch {
            return false
        }
    }

    /// Ends all programs, first by asking them, and waits until the last is reaped: about half a second at most. Nothing can be
    /// started afterwards.
    package func shutdown() {
        let watches = nursery.withLock { nursery in
            nursery.isClosed = true
            return Array(nursery.watches.values)
        }
        for watch in watches { watch.end() }
        for watch in watches { watch.waitForEnd() }
    }

    /// How many run; for tests.
    package var count: Int { nursery.withLock { $0.watches.count } }

    // MARK: Starting

    private func spawn(_ program: ChildProgram, _ pipes: ChildPipes) throws(ChildFailure) -> Int32 {
        guard let name = program.command.first, !name.isEmpty else { throw ChildFailure(.start, "the command is empty") }
        var pid: Int32 = 0
        let failure = Self.withStrings(program.command) { arguments in
            Self.withStrings(environment) { variables in
                pipes.theirs.withUnsafeBufferPointer { csys_spawn(arguments, variables, program.folder, $0.baseAddress, &pid) }
            }
        }
        guard failure == 0 else {
            throw ChildFailure(.start, "`\(name)` cannot be started: \(String(cString: strerror(failure)))")
        }
        return pid
    }

    /// From now on the program is reaped, whatever happens.
    private func keep(_ watch: ChildWatch) throws(ChildFailure) {
        let key = ObjectIdentifier(watch)
        let isKept = nursery.withLock { nursery in
            guard !nursery.isClosed else { return false }
            nursery.watches[key] = watch
            return true
        }
        do {
            let thread = try SystemThread(named: "child", stackByteCount: Self.stackByteCount) { [weak self] in
                watch.run()
                self?.nursery.withLock { _ = $0.watches.removeValue(forKey: key) }
            }
            watch.adopt(thread)
        } catch {
            nursery.withLock { _ = $0.watches.removeValue(forKey: key) }
            watch.reapAtOnce()
            throw ChildFailure(.start, "\(error)")
        }
        guard isKept else {
            watch.kill()
            throw ChildFailure(.start, "the gateway ends")
        }
    }

    /// The texts as C wants them: pointers that end with a null.
    private static func withStrings<Result>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>?) -> Result
    ) -> Result {
        var pointers: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) }
        pointers.append(nil)
        defer { for pointer in pointers { free(pointer) } }
        return pointers.withUnsafeBufferPointer { body($0.baseAddress) }
    }
}

/// The six ends of three pipes.
private struct ChildPipes {
    /// Ours: where we write, where we read the answers, where we read the log.
    private(set) var input: Int32 = -1
    private(set) var output: Int32 = -1
    private(set) var error: Int32 = -1
    /// Theirs, in the order of the standard streams.
    private(set) var theirs: [Int32] = []

    mutating func open() throws(ChildFailure) {
        let (theirInput, ourInput) = try Self.pair()
        theirs.append(theirInput)
        input = ourInput
        let (ourOutput, theirOutput) = try Self.pair()
        theirs.append(theirOutput)
        output = ourOutput
        let (ourError, theirError) = try Self.pair()
        theirs.append(theirError)
        error = ourError
        for end in [input, output, error] { csys_unblock(end) }
    }

    mutating func closeTheirs() {
        for end in theirs { close(end) }
        theirs = []
    }

    /// Somebody else closes it.
    mutating func handOverError() { error = -1 }

    mutating func closeAll() {
        closeTheirs()
        for end in [input, output, error] where end >= 0 { close(end) }
    }

    private static func pair() throws(ChildFailure) -> (Int32, Int32) {
        var ends: [Int32] = [-1, -1]
        let failure = csys_pipe(&ends)
        guard failure == 0 else { throw ChildFailure(.start, "no pipe: \(String(cString: strerror(-failure)))") }
        return (ends[0], ends[1])
    }
}
