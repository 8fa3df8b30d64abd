import CSystem
import Glibc
import Synchronization
import Threading

/// A thread with one epoll: descriptors, timers, work handed in from elsewhere, and the jobs of Swift tasks that prefer it.
///
/// A turn: wait, read the clock once, deliver the events, drain what other threads handed in, fire timers, run jobs, run the
/// turn-end hooks (which see the whole batch: one hand-off or one wake-up for all of it).
///
/// `@unchecked Sendable`: everything but `inbox`, `threadID` and `stopping` is touched on the loop's thread only, or before
/// `start()`; each entry that other threads may use (`execute`, `enqueue`, `inLoop`, `stop`) touches those three alone.
package final class EventLoop: SerialExecutor, TaskExecutor, @unchecked Sendable {
    /// Work from other threads, in order of arrival.
    enum Work {
        case job(UnownedJob)
        case closure(@Sendable () -> Void)
    }

    package let name: String
    let epoll: Int32
    let wakeUp: Int32
    let inbox = Mutex<[Work]>([])
    let threadID = Atomic<UInt>(0)
    private let stopping = Atomic<Bool>(false)
    private let thread = Mutex<SystemThread?>(nil)

    var local: [Work] = []
    private var spare: [Work] = []
    var wheel: TimerWheel<() -> Void>
    private var turnEndHooks: [() -> Void] = []
    var sources: [any EventSource] = []
    let watches = WatchTable()
    private var turnRequested = false

    /// The monotonic time of this turn; read once after each wait.
    package private(set) var now: MonotonicInstant
    /// Nanoseconds since 1970 (UTC), read once a turn.
    package private(set) var wallClockNanoseconds: Int64

    /// Opens the epoll; the thread begins with `start()`.
    /// - Parameter name: the thread's name, cut to 15 bytes by the system.
    /// - Throws: `NetworkError.loop` when the process is out of descriptors.
    package init(name: String) throws {
        self.name = name
        epoll = csys_epoll_create()
        wakeUp = csys_eventfd()
        now = .now
        wallClockNanoseconds = csys_realtime()
        wheel = TimerWheel(startingAt: now.nanoseconds / 1_000_000)
        guard epoll >= 0, wakeUp >= 0, csys_epoll_add(epoll, wakeUp, csys_epollin, EventTag.wakeUp) == 0 else {
            throw NetworkError(.loop, "event loop \(name)", errno: errno, hint: "raise the limit of open files")
        }
        sources.append(watches)
        watches.loop = self
    }

    deinit {
        close(epoll)
        close(wakeUp)
    }

    /// Starts the thread. A loop runs once: it cannot be started again after `stop()`.
    /// - Throws: `ThreadError` where the system gives no thread.
    package func start() throws {
        let started = try SystemThread(named: name) { self.run() }
        thread.withLock { $0 = started }
    }

    /// Ends the loop after its present turn and waits for its thread, unless called on it. Work still queued is dropped.
    package func stop() {
        stopping.store(true, ordering: .releasing)
        wake()
        guard !inLoop else { return }
        thread.withLock { $0.take() }?.join()
    }

    /// True on the loop's own thread.
    package var inLoop: Bool { threadID.load(ordering: .relaxed) == csys_thread_id() }

    /// Runs `work` on the loop, soon and in order; from any thread.
    package func execute(_ work: @escaping @Sendable () -> Void) { submit(.closure(work)) }

    /// Adds a hook that runs after each epoll batch and its jobs. On the loop, or before `start()`.
    package func onTurnEnd(_ hook: @escaping () -> Void) { turnEndHooks.append(hook) }

    /// Asks for another turn at once instead of waiting. On the loop.
    package func requestTurn() { turnRequested = true }

    func submit(_ work: Work) {
        if inLoop {
            local.append(work)
            return
        }
        let wasEmpty = inbox.withLock { queue in
            queue.append(work)
            return queue.count == 1
        }
        if wasEmpty { wake() }
    }

    private func wake() {
        var one: UInt64 = 1
        _ = write(wakeUp, &one, 8)
    }

    private func run() {
        threadID.store(csys_thread_id(), ordering: .relaxed)
        csys_block_signals()
        readClocks()
        withUnsafeTemporaryAllocation(of: csys_event.self, capacity: 512) { events in
            events.initialize(repeating: csys_event())
            while !stopping.load(ordering: .acquiring) { turn(events) }
        }
        letGo()
        threadID.store(0, ordering: .relaxed)
    }

    /// Drops whatever points back at the loop.
    private func letGo() {
        sources.removeAll()
        turnEndHooks.removeAll()
        watches.removeAll()
        wheel = TimerWheel(startingAt: 0)
    }

    private func turn(_ events: UnsafeMutableBufferPointer<csys_event>) {
        let count = csys_epoll_wait(epoll, events.baseAddress, Int32(events.count), waitMilliseconds())
        turnRequested = false
        readClocks()
        for index in 0..<max(0, Int(count)) { deliver(events[index]) }
        fireTimers()
        runLocalWork()
        for hook in turnEndHooks { hook() }
    }

    private func readClocks() {
        now = .now
        wallClockNanoseconds = csys_realtime()
    }

    private func deliver(_ event: csys_event) {
        guard event.tag != EventTag.wakeUp else { return drainInbox() }
        let tag = EventTag(raw: event.tag)
        guard sources.indices.contains(Int(tag.source)) else { return }
        sources[Int(tag.source)].ready(slot: tag.slot, generation: tag.generation, events: ReadyEvents(rawValue: event.events))
    }

    private func drainInbox() {
        var count: UInt64 = 0
        _ = read(wakeUp, &count, 8)
        inbox.withLock { swap(&$0, &spare) }
        local.append(contentsOf: spare)
        spare.removeAll(keepingCapacity: true)
    }

    private func fireTimers() {
        guard wheel.count > 0 else { return }
        let tick = now.nanoseconds / 1_000_000
        while let work = wheel.takeDue(at: tick) { work() }
    }

    /// Runs what is queued; what that work queues in turn waits for the next turn, so that descriptors are never starved.
    private func runLocalWork() {
        guard !local.isEmpty else { return }
        var batch: [Work] = []
        swap(&batch, &local)
        for work in batch { perform(work) }
        batch.removeAll(keepingCapacity: true)
        if local.isEmpty { swap(&batch, &local) }
    }

    private func perform(_ work: Work) {
        switch work {
        case .closure(let body): body()
        case .job(let job):
            job.runSynchronously(isolatedTo: asUnownedSerialExecutor(), taskExecutor: asUnownedTaskExecutor())
        }
    }

    private func waitMilliseconds() -> Int32 {
        if turnRequested || !local.isEmpty { return 0 }
        guard let tick = wheel.nextTick else { return -1 }
        let wait = tick - csys_monotonic() / 1_000_000
        return Int32(clamping: max(0, wait))
    }
}
