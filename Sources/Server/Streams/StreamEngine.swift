import Connector
import Network
import Synchronization

/// The loop of all streams: it tells them when their sockets are ready, and those who open one when they may go on.
///
/// `@unchecked Sendable`: `cores`, `waits`, `alarms` and the counters are touched on the loop's thread only, `place` is set before it
/// starts; `isOpen` has a lock.
final class StreamEngine: EventSource, @unchecked Sendable {
    let loop: EventLoop
    private(set) var place = EventSourceID.unset
    private var cores: [UInt32: StreamCore] = [:]
    private var waits: [ObjectIdentifier: ReadinessWait] = [:]
    private var alarms: [UInt64: @Sendable (ReadinessWait.Outcome) -> Void] = [:]
    private var nextGeneration: UInt32 = 0
    private var nextAlarm: UInt64 = 0
    /// Held while work is handed to the loop, so that none is handed to one that has been told to end.
    private let isOpen = Mutex(true)

    /// - Throws: `NetworkError.loop` or `ThreadError`, where the process is out of descriptors or threads.
    init() throws {
        loop = try EventLoop(name: "streams")
        place = loop.addSource(self)
        try loop.start()
    }

    /// Runs `work` on the loop; false where it has ended, and nothing will be run.
    @discardableResult
    func execute(_ work: @escaping @Sendable () -> Void) -> Bool {
        isOpen.withLock { isOpen in
            if isOpen { loop.execute(work) }
            return isOpen
        }
    }

    /// Closes everything and ends the loop, once.
    func shutdown() async {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        guard wasOpen else { return }
        await withCheckedContinuation { done in
            loop.execute {
                self.closeAll()
                done.resume()
            }
        }
        loop.stop()
    }

    private func closeAll() {
        for wait in waits.values { finish(wait, .over) }
        for ring in alarms.values { ring(.over) }
        for core in cores.values { core.close() }
        cores.removeAll()
        alarms.removeAll()
    }

    // MARK: Streams

    /// Begins to watch a stream; false where the loop has ended or the system refuses, and the stream is then closed.
    func add(_ core: StreamCore) async -> Bool {
        await withCheckedContinuation { continuation in
            let isHanded = execute { continuation.resume(returning: self.adopt(core)) }
            guard !isHanded else { return }
            core.close()
            continuation.resume(returning: false)
        }
    }

    private func adopt(_ core: StreamCore) -> Bool {
        nextGeneration = (nextGeneration &+ 1) & 0x0FFF_FFFF
        guard let slot = core.begin(generation: nextGeneration) else { return false }
        cores[slot] = core
        return true
    }

    /// Forgets a stream that has closed.
    func drop(_ core: StreamCore, slot: UInt32) {
        execute { if self.cores[slot] === core { self.cores[slot] = nil } }
    }

    func ready(slot: UInt32, generation: UInt32, events: ReadyEvents) { cores[slot]?.ready(generation) }

    // MARK: Waiting for readiness

    /// Waits until a descriptor that is not a stream yet is ready; closes nothing.
    func wait(for descriptor: Int32, _ events: ReadyEvents, until end: MonotonicInstant) async -> ReadinessWait.Outcome {
        let wait = ReadinessWait(descriptor)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isHanded = execute { self.begin(wait, events, until: end, continuation) }
                if !isHanded { continuation.resume(returning: .over) }
            }
        } onCancel: {
            execute { self.finish(wait, .cancelled) }
        }
    }

    private func begin(
        _ wait: ReadinessWait, _ events: ReadyEvents, until end: MonotonicInstant,
        _ continuation: CheckedContinuation<ReadinessWait.Outcome, Never>
    ) {
        guard !wait.isOver else { return continuation.resume(returning: .cancelled) }
        wait.continuation = continuation
        waits[ObjectIdentifier(wait)] = wait
        wait.timer = loop.schedule(after: end.duration(since: loop.now)) { self.finish(wait, .late) }
        if !loop.watch(wait.descriptor, events, { _ in self.finish(wait, .ready) }) { finish(wait, .over) }
    }

    /// Calls `ring` on the loop at `end`, with `.late`, or before it with `.over` where the loop ends.
    func alarm(at end: MonotonicInstant, _ ring: @escaping @Sendable (ReadinessWait.Outcome) -> Void) {
        let isHanded = execute {
            self.nextAlarm += 1
            let number = self.nextAlarm
            self.alarms[number] = ring
            self.loop.schedule(after: end.duration(since: self.loop.now)) {
                self.alarms.removeValue(forKey: number)?(.late)
            }
        }
        if !isHanded { ring(.over) }
    }

    /// On the loop; the first call counts.
    private func finish(_ wait: ReadinessWait, _ outcome: ReadinessWait.Outcome) {
        guard !wait.isOver else { return }
        wait.isOver = true
        guard let continuation = wait.continuation else { return }
        waits[ObjectIdentifier(wait)] = nil
        if let timer = wait.timer { loop.cancel(timer) }
        loop.unwatch(wait.descriptor)
        continuation.resume(returning: outcome)
    }
}

/// One wait for a descriptor to become ready.
///
/// `@unchecked Sendable`: all but `descriptor` is touched on the loop's thread only.
final class ReadinessWait: @unchecked Sendable {
    enum Outcome: Sendable {
        case ready, late, cancelled
        /// The loop has ended.
        case over
    }

    let descriptor: Int32
    var continuation: CheckedContinuation<Outcome, Never>?
    var timer: TimerID?
    var isOver = false

    init(_ descriptor: Int32) { self.descriptor = descriptor }
}
