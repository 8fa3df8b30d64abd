import FoundationEssentials
import Glibc
import TestSupport
import Testing
import Threading

@Suite(.onItsOwnThread) struct SystemThreadTests {
    @Test func `joining waits for the end of the body`() throws {
        let done = Guarded(false)
        let gate = Latch()
        let thread = try SystemThread(named: "worker") {
            gate.wait()
            done.withLock { $0 = true }
        }
        gate.open()
        thread.join()
        #expect(done.withLock { $0 })
    }

    @Test func `joining again, or on the thread itself, returns at once`() throws {
        let own = Guarded<SystemThread?>(nil)
        let gate = Latch()
        let thread = try SystemThread(named: "worker") {
            gate.wait()
            own.withLock { $0 }?.join()
        }
        own.withLock { $0 = thread }
        gate.open()
        thread.join()
        thread.join()
        own.withLock { $0 = nil }
    }

    @Test func `a thread that nobody waits for still runs`() throws {
        let gate = Latch()
        _ = try SystemThread(named: "alone") { gate.open() }
        gate.wait()
    }

    @Test func `name and niceness are the thread's own, and a long name is cut`() throws {
        let seen = Guarded<(name: String, niceness: Int?)>(("", nil))
        let thread = try SystemThread(named: "a name of more than fifteen bytes", niceness: 7) {
            seen.withLock { $0 = Self.myself }
        }
        thread.join()
        #expect(seen.withLock { $0.name } == "a name of more ")
        #expect(seen.withLock { $0.niceness } == (Self.myself.niceness ?? 0) + 7)
    }

    @Test func `a stack is as large as was asked for`() throws {
        let depth = Guarded(0)
        // Much more than the standard: with that, the recursion would end the process.
        let thread = try SystemThread(named: "deep", stackByteCount: 64 << 20) {
            let reached = Self.descend(40_000)
            depth.withLock { $0 = reached }
        }
        thread.join()
        #expect(depth.withLock { $0 } == 40_000)
    }

    @Test func `a stack that cannot be is refused with a reason`() {
        let error = #expect(throws: ThreadError.self) { try SystemThread(named: "flat", stackByteCount: 1) {} }
        #expect(error?.name == "flat")
        #expect(error?.description == "thread flat: Invalid argument (a stack has at least 16 KB)")
    }

    /// Name and niceness of the calling thread, as the system has them (proc(5): fields 2 and 19 of `stat`).
    private static var myself: (name: String, niceness: Int?) {
        guard let text = try? String(contentsOfFile: "/proc/thread-self/stat", encoding: .utf8),
            let first = text.firstIndex(of: "("), let last = text.lastIndex(of: ")")
        else { return ("", nil) }
        let fields = text[text.index(after: last)...].split(separator: " ")
        return (String(text[text.index(after: first)..<last]), fields.count > 16 ? Int(fields[16]) : nil)
    }

    /// Takes about a kilobyte of stack for each step.
    @inline(never) private static func descend(_ steps: Int) -> Int {
        guard steps > 0 else { return 0 }
        return withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 1000) { room in
            room.initialize(repeating: UInt8(truncatingIfNeeded: steps))
            return descend(steps - 1) + (room[999] == UInt8(truncatingIfNeeded: steps) ? 1 : 0)
        }
    }
}

/// Lets threads through once it is open.
///
/// `@unchecked Sendable`: a semaphore is made to be shared; its place in memory never moves.
private final class Latch: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func open() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0, errno == EINTR {}
    }
}
