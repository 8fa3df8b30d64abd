import NetworkTypes
import Synchronization

/// One stream's sound on its way to one side of one recording: what batches name it by, and what was lost of it.
final class RecordingLane: Sendable {
    /// Samples in a piece: a packet's usual 20 ms.
    static let samplesAPiece = 160

    /// What is known of a piece of sound.
    struct Note: Equatable {
        var arrival: MonotonicInstant
        var timestamp: UInt32
        var ssrc: UInt32
        var law: G711
        var count: Int
    }

    /// No other lane's that is not sealed.
    let number: UInt32
    private let lostCount = Atomic<Int>(0)

    init(number: UInt32) { self.number = number }

    /// Pieces that were dropped since the recorder had fallen too far behind.
    var lost: Int { lostCount.load(ordering: .relaxed) }

    func countLoss() { lostCount.add(1, ordering: .relaxed) }
}

/// Which numbers lanes have: small ones, so that the recorder finds a lane by an index.
final class LaneNumbers: Sendable {
    private let state = Mutex<(free: [UInt32], next: UInt32)>(([], 0))

    func take() -> UInt32 {
        state.withLock { state in
            if let free = state.free.popLast() { return free }
            state.next += 1
            return state.next - 1
        }
    }

    func giveBack(_ number: UInt32) { state.withLock { $0.free.append(number) } }
}
