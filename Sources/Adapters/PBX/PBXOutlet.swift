import Connector
import Synchronization

/// What stands between the PBX, which must not wait, and the journal, which may be slow: records in order, within a bound.
final class PBXOutlet: Sendable {
    /// A minute of a thousand calls that begin and end each second.
    private static let limit = 400_000
    private static let batchLimit = 256

    private struct State {
        var records: [PBXRecord] = []
        /// Where those begin that have not been taken.
        var first = 0
        var lost = 0

        var count: Int { records.count - first }
    }

    private let state = Mutex(State())
    private let limit: Int
    private let bell: AsyncStream<Void>
    private let ringing: AsyncStream<Void>.Continuation

    init(limit: Int = PBXOutlet.limit) {
        self.limit = limit
        (bell, ringing) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// Takes in a record; never waits. One that finds no room is counted and gone.
    func put(_ record: PBXRecord) {
        state.withLock { state in
            guard state.count < limit else {
                state.lost += 1
                return
            }
            state.records.append(record)
        }
        ringing.yield()
    }

    /// How many records found no room so far.
    var lost: Int { state.withLock { $0.lost } }

    /// Hands what comes to the journal until it is cancelled. What the journal does not take is offered again.
    func drain(into context: KeepingContext) async {
        for await _ in bell {
            while let batch = next() {
                var pause = Duration.milliseconds(20)
                while !(await context.hear(batch.map(Self.heard))) {
                    guard await context.pause(pause) else { return putBack(batch) }
                    pause = min(pause * 2, .seconds(1))
                }
            }
        }
    }

    /// What is left when the keeper ends: offered once more.
    func drainRest(into context: KeepingContext) async {
        while let batch = next() {
            guard await context.hear(batch.map(Self.heard)) else { return }
        }
    }

    static func heard(_ record: PBXRecord) -> HeardRecord {
        HeardRecord(source: .sip, path: "/pbx", body: record.encoded(), receivedAt: record.at)
    }

    private func next() -> [PBXRecord]? {
        state.withLock { state in
            guard state.count > 0 else { return nil }
            let batch = Array(state.records[state.first...].prefix(Self.batchLimit))
            state.first += batch.count
            // What was taken is let go of once it is half of all: moving the rest costs nobody more than taking it did.
            if state.first * 2 >= state.records.count {
                state.records.removeFirst(state.first)
                state.first = 0
            }
            return batch
        }
    }

    private func putBack(_ batch: [PBXRecord]) {
        state.withLock { state in
            state.records.replaceSubrange(..<state.first, with: batch)
            state.first = 0
        }
    }
}
