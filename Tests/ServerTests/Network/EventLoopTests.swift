import Glibc
import Synchronization
import Testing

@testable import Network

/// The loop as a thread, a timer and an executor.
struct EventLoopTests {
    private func withLoop(_ body: (EventLoop) async throws -> Void) async throws {
        let loop = try EventLoop(name: "test")
        try loop.start()
        defer { loop.stop() }
        try await body(loop)
    }

    @Test func `work from elsewhere runs on the loop in order`() async throws {
        try await withLoop { loop in
            let seen = Mutex<[Int]>([])
            await withCheckedContinuation { done in
                for number in 0..<1000 {
                    loop.execute {
                        if loop.inLoop { seen.withLock { $0.append(number) } }
                    }
                }
                loop.execute { done.resume() }
            }
            #expect(seen.withLock { $0 } == Array(0..<1000))
            #expect(!loop.inLoop)
        }
    }

    @Test func `timers fire in order and a cancelled one does not`() async throws {
        try await withLoop { loop in
            let seen = Mutex<[Int]>([])
            await withCheckedContinuation { done in
                loop.execute {
                    let cancelled = loop.schedule(after: .milliseconds(2)) { seen.withLock { $0.append(0) } }
                    loop.schedule(after: .milliseconds(5)) {
                        seen.withLock { $0.append(2) }
                        done.resume()
                    }
                    loop.schedule(after: .milliseconds(1)) {
                        seen.withLock { $0.append(1) }
                        loop.cancel(cancelled)
                    }
                }
            }
            #expect(seen.withLock { $0 }.last == 2)
            #expect(seen.withLock { $0 }.contains(1))
        }
    }

    @Test func `tasks that prefer the loop stay on it across suspensions`() async throws {
        try await withLoop { loop in
            let strays = await Task(executorPreference: loop) {
                var strays = 0
                for _ in 0..<1000 {
                    await Task.yield()
                    if !loop.inLoop { strays += 1 }
                }
                return strays
            }.value
            #expect(strays == 0)
        }
    }

    private actor Resident {
        let loop: EventLoop
        init(_ loop: EventLoop) { self.loop = loop }
        nonisolated var unownedExecutor: UnownedSerialExecutor { loop.asUnownedSerialExecutor() }
        func isHome() -> Bool { loop.inLoop }
        nonisolated func assumeHome() -> Bool { assumeIsolated { $0.loop.inLoop } }
    }

    @Test func `an actor on the loop is isolated by its thread`() async throws {
        try await withLoop { loop in
            let resident = Resident(loop)
            #expect(await resident.isHome())
            let assumed = await withCheckedContinuation { done in loop.execute { done.resume(returning: resident.assumeHome()) } }
            #expect(assumed)
        }
    }

    @Test func `a watched descriptor calls until it is unwatched`() async throws {
        try await withLoop { loop in
            var ends: [Int32] = [0, 0]
            pipe(&ends)
            let (reader, writer) = (ends[0], ends[1])
            let text = await withCheckedContinuation { done in
                loop.execute {
                    loop.watch(reader, .readable) { _ in
                        var bytes = [UInt8](repeating: 0, count: 16)
                        let count = read(reader, &bytes, 16)
                        loop.unwatch(reader)
                        done.resume(returning: String(decoding: bytes.prefix(count), as: UTF8.self))
                    }
                    _ = write(writer, "ready", 5)
                }
            }
            #expect(text == "ready")
            close(reader)
            close(writer)
        }
    }

    @Test func `turn-end hooks see the whole batch`() async throws {
        let loop = try EventLoop(name: "test")
        let batches = Mutex<[Int]>([])
        let pending = Mutex(0)
        loop.onTurnEnd {
            let count = pending.withLock { count in
                defer { count = 0 }
                return count
            }
            if count > 0 { batches.withLock { $0.append(count) } }
        }
        for _ in 0..<10 { loop.execute { pending.withLock { $0 += 1 } } }
        try loop.start()
        await withCheckedContinuation { done in loop.execute { loop.execute { done.resume() } } }
        loop.stop()
        #expect(batches.withLock { $0.reduce(0, +) } == 10)
        #expect(batches.withLock { $0.count } <= 2)
    }
}
