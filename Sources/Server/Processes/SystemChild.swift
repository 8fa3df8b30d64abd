import CSystem
import Connector
import Glibc

/// A program that was started: writes lines to it and reads its answers, with deadlines.
///
/// `@unchecked Sendable`: `unread` and the offset are touched by whoever sends and receives, one thread at a time (the port says so);
/// everything else never changes or looks after itself.
final class SystemChild: ChildProcess, @unchecked Sendable {
    /// Read at once. From 64 KB on the allocator would tidy up its heap after each.
    private static let chunkBytes = 16 << 10

    private let watch: ChildWatch
    private let input: Int32
    private let output: Int32
    private let lineLimit: Int
    /// What has come of lines that nobody has taken.
    private var unread: [UInt8] = []
    /// How much of it holds no line end.
    private var searched = 0

    /// Takes over both descriptors.
    init(_ watch: ChildWatch, input: Int32, output: Int32, lineLimit: Int) {
        self.watch = watch
        self.input = input
        self.output = output
        self.lineLimit = lineLimit
    }

    deinit {
        close(input)
        close(output)
        watch.end()
    }

    var ending: String? { watch.ending }

    func kill() { watch.kill() }

    func send(_ line: [UInt8], within patience: Duration) throws(ChildFailure) {
        // A pipe has no flag that does it: a program that is gone is an error here, not the end of the gateway.
        csys_block_pipe_signal()
        let deadline = Deadline(patience)
        // What comes later than this is read as an answer, and is none by its number.
        guard unread.isEmpty else { throw ChildFailure(.unasked, "it wrote a line that nobody had asked for") }
        let bytes = line + [UInt8(ascii: "\n")]
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes { write(input, $0.baseAddress.map { $0 + sent }, bytes.count - sent) }
            if count > 0 {
                sent += count
            } else {
                try wait(for: input, toWrite: true, deadline, errno)
            }
        }
    }

    func receive(within patience: Duration) throws(ChildFailure) -> [UInt8] {
        let deadline = Deadline(patience)
        while true {
            if let line = nextLine() { return line }
            guard unread.count <= lineLimit else {
                throw ChildFailure(.tooLong, "it wrote a line of more than \(lineLimit) bytes")
            }
            // The answer to a question just put is hardly there yet: to look first would be a call for nothing.
            if deadline.millisecondsLeft > 0 { try wait(for: output, toWrite: false, deadline, EAGAIN) }
            if try !readMore(), deadline.millisecondsLeft == 0 { throw ChildFailure(.late, "it did not answer in time") }
        }
    }

    private func nextLine() -> [UInt8]? {
        guard let end = lineEnd, end <= lineLimit else {
            searched = unread.count
            return nil
        }
        searched = 0
        var line: [UInt8] = []
        if end == unread.count - 1 {
            swap(&line, &unread)
            line.removeLast()
        } else {
            line = Array(unread[..<end])
            unread.removeSubrange(...end)
        }
        return line
    }

    private var lineEnd: Int? {
        unread.withUnsafeBytes { bytes in
            guard let start = bytes.baseAddress, searched < bytes.count else { return nil }
            return memchr(start + searched, Int32(UInt8(ascii: "\n")), bytes.count - searched).map {
                UnsafeRawPointer($0) - start
            }
        }
    }

    /// - Returns: false where nothing is there yet.
    private func readMore() throws(ChildFailure) -> Bool {
        let room = min(Self.chunkBytes, lineLimit + 2)
        let start = unread.count
        var failure: Int32 = 0
        let count = withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { chunk -> Int in
            let count = read(output, chunk.baseAddress, room)
            failure = errno
            if count > 0 { unread.append(contentsOf: chunk[..<count]) }
            return count
        }
        if count == 0 { throw ended() }
        if count < 0, failure != EAGAIN, failure != EINTR { throw ended() }
        return unread.count > start
    }

    private func wait(for end: Int32, toWrite: Bool, _ deadline: Deadline, _ failure: Int32) throws(ChildFailure) {
        guard failure == EAGAIN || failure == EINTR else { throw ended() }
        let left = deadline.millisecondsLeft
        guard left > 0 else { throw ChildFailure(.late, "it did not answer in time") }
        // An error of poll itself can only be a descriptor that is none: the next read or write tells.
        _ = csys_wait_ready(end, toWrite ? 1 : 0, left)
    }

    private func ended() -> ChildFailure { ChildFailure(.ended, "it ended" + (ending.map { " with \($0)" } ?? "")) }
}

/// A moment of the machine's own clock until which somebody waits.
struct Deadline {
    private let nanoseconds: Int64

    init(_ patience: Duration) {
        let bounded = min(max(patience, .zero), .seconds(86_400))
        let (seconds, attoseconds) = bounded.components
        nanoseconds = csys_monotonic() + seconds * 1_000_000_000 + attoseconds / 1_000_000_000
    }

    /// Rounded up; 0 when it is over.
    var millisecondsLeft: Int32 {
        let left = nanoseconds - csys_monotonic()
        return left <= 0 ? 0 : Int32(clamping: left / 1_000_000 + 1)
    }
}
