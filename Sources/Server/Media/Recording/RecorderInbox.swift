import Network
import Synchronization

/// What the recorder is told, in the order in which it was: commands of the signalling loop and the sound of all media loops.
///
/// Nobody waits here for the disk: the lock is held to put something in, or to take everything out.
final class RecorderInbox: Sendable {
    enum Mail: Sendable {
        case begin(RecordingID, path: String, at: MonotonicInstant)
        /// A side's sound comes over a lane, too, until it is sealed.
        case add(RecordingLane, RecordingMix.Side, to: RecordingID)
        case sound(RecordingBatch)
        /// A lane's stream speaks what cannot be written down.
        case foreign(RecordingLane)
        /// Nothing more comes over a lane.
        case sealed(RecordingLane)
        case finish(RecordingID, at: MonotonicInstant)
    }

    private struct State {
        var mail: [Mail] = []
        var spare: [RecordingBatch] = []
        /// Batches that a loop fills, or that wait.
        var used = 0
    }

    /// Batches that are kept though nobody needs them now.
    private static let spares = 16

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: how many batches of 64 kB there may be; what comes when all wait is lost.
    init(limit: Int) { self.limit = limit }

    func put(_ mail: Mail) { state.withLock { $0.mail.append(mail) } }

    func takeAll() -> [Mail] {
        state.withLock { state in
            defer { state.mail = [] }
            return state.mail
        }
    }

    /// An empty batch; nil where there may be no more.
    func batch() -> RecordingBatch? {
        let (spare, mayMake): (RecordingBatch?, Bool) = state.withLock { state in
            guard state.used < limit else { return (nil, false) }
            state.used += 1
            return (state.spare.popLast(), true)
        }
        return spare ?? (mayMake ? RecordingBatch() : nil)
    }

    func giveBack(_ batch: RecordingBatch) {
        batch.clear()
        state.withLock { state in
            state.used -= 1
            if state.spare.count < Self.spares { state.spare.append(batch) }
        }
    }
}
