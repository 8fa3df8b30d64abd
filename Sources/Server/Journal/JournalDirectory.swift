import Glibc

/// The data directory: made with rights for its owner alone, and held by one process at a time.
final class JournalDirectory: Sendable {
    let path: String
    /// The open `lock` file; `nil` once given up.
    private let lock: Monitor<Int32?>

    var databasePath: String { Self.databasePath(in: path) }

    static func databasePath(in directory: String) -> String { directory + "/journal.sqlite" }

    /// Makes `path` where it is missing (0700) and takes `path/lock`.
    /// - Throws: `.locked` with the holder's process id, `.unavailable` where it cannot be made.
    init(path: String) throws(JournalError) {
        self.path = path
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else {
            throw Self.failure("the data directory \(path) cannot be made")
        }
        let descriptor = open(path + "/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("\(path)/lock cannot be opened") }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            defer { Glibc.close(descriptor) }
            throw JournalError(
                .locked, "the data directory \(path) is in use by process \(Self.holder(descriptor))",
                hint: "stop that process, or choose another directory with --data")
        }
        lock = Monitor(descriptor)
        ftruncate(descriptor, 0)
        let text = "\(getpid())\n"
        pwrite(descriptor, text, text.utf8.count, 0)
    }

    deinit { unlock() }

    /// Lets another journal have the directory; any number of times.
    func unlock() {
        lock.withLock { descriptor in
            if let open = descriptor { Glibc.close(open) }
            descriptor = nil
        }
    }

    /// Makes the database file with rights for its owner alone; SQLite gives its side files the same.
    func createDatabaseFile() throws(JournalError) {
        let descriptor = open(databasePath, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure("\(databasePath) cannot be made") }
        Glibc.close(descriptor)
    }

    private static func holder(_ descriptor: Int32) -> String {
        var bytes = [UInt8](repeating: 0, count: 20)
        let count = pread(descriptor, &bytes, bytes.count, 0)
        let digits = bytes.prefix(max(0, count)).prefix { (0x30...0x39).contains($0) }
        return digits.isEmpty ? "unknown" : String(decoding: digits, as: UTF8.self)
    }

    private static func failure(_ what: String) -> JournalError {
        JournalError(.unavailable, "\(what): \(String(cString: strerror(errno)))", hint: "check the directory's owner and rights")
    }
}
