import Connector
import Synchronization

/// What stands between the session, which must read at once, and the journal, which may be slow: raw records in order, within a bound.
final class RecordOutlet: Sendable {
    /// So many records, or bytes, may wait: a minute of a very busy server.
    private static let recordLimit = 200_000
    private static let byteLimit = 128 << 20
    private static let batchLimit = 256

    private struct State {
        private var records: [HeardRecord] = []
        /// Where those begin that have not been taken.
        private var first = 0
        private(set) var byteCount = 0
        /// Records that found no room since anybody asked.
        var lost = 0

        var count: Int { records.count - first }

        mutating func put(_ record: HeardRecord) {
            byteCount += record.body.count
            records.append(record)
        }

        /// The next ones, in their order.
        mutating func take(atMost limit: Int) -> [HeardRecord]? {
            guard count > 0 else { return nil }
            let batch = Array(records[first...].prefix(limit))
            first += batch.count
            byteCount -= batch.reduce(0) { $0 + $1.body.count }
            // What was taken is let go of once it is half of all: moving the rest costs nobody more than taking it did.
            if first * 2 >= records.count {
                records.removeFirst(first)
                first = 0
            }
            return batch
        }

        mutating func putBack(_ batch: [HeardRecord]) {
            byteCount += batch.reduce(0) { $0 + $1.body.count }
            records.replaceSubrange(..<first, with: batch)
            first = 0
        }
    }

    private let state = Mutex(State())
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation

    init() { (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Takes in the bodies of records that were read at `arrival`; never waits.
    func put(_ bodies: [[UInt8]], at arrival: Instant) {
        guard !bodies.isEmpty else { return }
        state.withLock { state in
            for body in bodies {
                guard state.count < Self.recordLimit, state.byteCount < Self.byteLimit else {
                    state.lost += 1
                    continue
                }
                state.put(HeardRecord(source: .ami, path: "/ami", body: body, receivedAt: arrival))
            }
        }
        ringing.yield()
    }

    /// How many records were lost since this was last asked: afterwards nobody knows what is on, and the server must be asked.
    func takeLost() -> Int {
        state.withLock { state in
            defer { state.lost = 0 }
            return state.lost
        }
    }

    /// Hands what comes to the journal until it is cancelled. What the journal does not take is offered again.
    func drain(into context: KeepingContext) async {
        for await _ in bell {
            while let batch = next() {
                var pause = Duration.milliseconds(20)
                while !(await context.hear(batch)) {
                    guard await context.pause(pause) else { return putBack(batch) }
                    pause = min(pause * 2, .seconds(1))
                }
            }
        }
    }

    /// What is left when the session ends: offered once more.
    func drainRest(into context: KeepingContext) async {
        while let batch = next() {
            guard await context.hear(batch) else { return }
        }
    }

    private func next() -> [HeardRecord]? { state.withLock { $0.take(atMost: Self.batchLimit) } }

    private func putBack(_ batch: [HeardRecord]) { state.withLock { $0.putBack(batch) } }
}
