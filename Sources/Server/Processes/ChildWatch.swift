import CSystem
import Connector
import Glibc
import Synchronization
import Threading

/// Looks after one process: hears its standard error, ends it with all its group, reaps it. One thread runs `run()`.
final class ChildWatch: Sendable {
    private struct State {
        var ending: String?
        var isReaped = false
        var thread: SystemThread?
    }

    /// How long a program has to end by itself, once asked.
    private static let grace = Duration.milliseconds(400)

    private let pid: Int32
    /// Becomes readable when the process ends.
    private let processEnd: Int32
    private let standardError: Int32
    /// Wakes the thread to end the process.
    private let wish: Int32
    private let hear: @Sendable (String) -> Void
    private let state = Mutex(State())

    /// Takes over `standardError`, once nothing is thrown; otherwise the process is gone.
    init(pid: Int32, standardError: Int32, hear: @escaping @Sendable (String) -> Void) throws(ChildFailure) {
        self.pid = pid
        self.standardError = standardError
        self.hear = hear
        processEnd = csys_watch_process(pid)
        wish = csys_eventfd()
        guard processEnd >= 0, wish >= 0 else {
            Glibc.kill(-pid, SIGKILL)
            Self.reap(pid)
            if processEnd >= 0 { close(processEnd) }
            if wish >= 0 { close(wish) }
            throw ChildFailure(.start, "the process cannot be watched: out of descriptors, or Linux before 5.3")
        }
    }

    deinit {
        close(processEnd)
        close(wish)
    }

    var ending: String? { state.withLock { $0.ending } }

    func adopt(_ thread: SystemThread) { state.withLock { $0.thread = thread } }

    /// Asks it to end, and ends it where it does not.
    func end() {
        var one: UInt64 = 1
        _ = write(wish, &one, 8)
    }

    /// Ends it and its group at once.
    func kill() { signal(SIGKILL) }

    func waitForEnd() { state.withLock { $0.thread }?.join() }

    /// Where no thread can be had.
    func reapAtOnce() {
        finish()
        close(standardError)
    }

    /// Until the process has ended; blocks.
    func run() {
        var ear = ChildEar(hear)
        var isHearing = true
        var killAt: Deadline?
        while true {
            var ends = [
                pollfd(fd: processEnd, events: Int16(POLLIN), revents: 0), pollfd(fd: wish, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isHearing ? standardError : -1, events: Int16(POLLIN), revents: 0),
            ]
            let count = poll(&ends, 3, killAt.map(\.millisecondsLeft) ?? -1)
            if count < 0, errno != EINTR { break }
            if ends[2].revents != 0 { isHearing = ear.listen(to: standardError) }
            if ends[0].revents != 0 { break }
            if ends[1].revents != 0, killAt == nil {
                signal(SIGTERM)
                killAt = Deadline(Self.grace)
                var wishes: UInt64 = 0
                _ = read(wish, &wishes, 8)
            }
            if let killAt, killAt.millisecondsLeft == 0 { break }
        }
        finish()
        if isHearing { _ = ear.listen(to: standardError) }
        ear.end()
        close(standardError)
    }

    /// What is left of the group goes with its first process, whose number is ours until it is reaped.
    private func finish() {
        signal(SIGKILL)
        // Waits without reaping, so that the number stays taken until the lock says that it is not ours any more.
        var info = siginfo_t()
        while waitid(P_PID, id_t(pid), &info, WEXITED | WNOWAIT) < 0, errno == EINTR {}
        state.withLock { state in
            state.isReaped = true
            state.ending = Self.reap(pid)
        }
    }

    private func signal(_ number: Int32) {
        state.withLock { state in
            if !state.isReaped { _ = Glibc.kill(-pid, number) }
        }
    }

    @discardableResult
    private static func reap(_ pid: Int32) -> String {
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
        let signal = status & 0x7F
        return signal == 0 ? "exit status \((status >> 8) & 0xFF)" : "signal \(signal)"
    }
}

/// Takes a program's log apart into lines: each cut, and only so many a second.
struct ChildEar {
    private static let lineLimit = 1024
    private static let burst = 50
    private static let perSecond = 10

    private let hear: @Sendable (String) -> Void
    private var line: [UInt8] = []
    private var allowance = Self.burst
    private var lastSecond: Int64 = 0
    private var dropped = 0

    init(_ hear: @escaping @Sendable (String) -> Void) { self.hear = hear }

    /// Reads what is there, up to some kilobytes.
    /// - Returns: whether more may come.
    mutating func listen(to descriptor: Int32) -> Bool {
        let size = 16 << 10
        return withUnsafeTemporaryAllocation(byteCount: size, alignment: 1) { chunk in
            let count = read(descriptor, chunk.baseAddress, size)
            guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
            for byte in chunk[..<count] { take(byte) }
            return true
        }
    }

    mutating func end() {
        if !line.isEmpty { tell() }
        if dropped > 0 { hear("\(dropped) lines left out") }
    }

    private mutating func take(_ byte: UInt8) {
        if byte == UInt8(ascii: "\n") { return tell() }
        if line.count < Self.lineLimit { line.append(byte) }
    }

    private mutating func tell() {
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return }
        let second = csys_monotonic() / 1_000_000_000
        if second > lastSecond {
            allowance = min(Self.burst, allowance + Int(min(second - lastSecond, 60)) * Self.perSecond)
            lastSecond = second
        }
        guard allowance > 0 else {
            dropped += 1
            return
        }
        allowance -= 1
        if dropped > 0 { hear("\(dropped) lines left out") }
        dropped = 0
        hear(String(decoding: line, as: UTF8.self))
    }
}
