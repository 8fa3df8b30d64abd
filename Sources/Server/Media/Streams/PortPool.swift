import NetworkTypes

/// Which ports are free: pairs of an even one for RTP and the next for RTCP.
///
/// They are taken in random order, so that nobody can tell the next one, and rest after use, so that late packets of one call do not
/// reach another.
struct PortPool {
    private var free: [UInt16]
    /// In the order in which they may be used again.
    private var resting: [(port: UInt16, until: MonotonicInstant)] = []
    private var firstResting = 0
    private let quarantine: Duration
    /// One of so many.
    private let choose: (Int) -> Int

    /// - Parameters:
    ///   - range: an odd first and an even last port are left out.
    ///   - choose: gives a number from 0 to below its argument; the system's chance where none is handed in.
    init(
        _ range: ClosedRange<UInt16>, quarantine: Duration, choose: @escaping (Int) -> Int = { Int.random(in: 0..<$0) }
    ) {
        let first = Int(range.lowerBound) + Int(range.lowerBound & 1)
        free = stride(from: max(2, first), to: Int(range.upperBound), by: 2).map { UInt16($0) }
        self.quarantine = quarantine
        self.choose = choose
    }

    /// Pairs that can be had now or after their rest.
    var count: Int { free.count + resting.count - firstResting }

    /// Takes a free pair by its even port; nil where there is none.
    mutating func take(at now: MonotonicInstant) -> UInt16? {
        release(at: now)
        guard !free.isEmpty else { return nil }
        free.swapAt(choose(free.count), free.count - 1)
        return free.removeLast()
    }

    /// Gives a pair back; it rests.
    mutating func giveBack(_ port: UInt16, at now: MonotonicInstant) {
        resting.append((port, now.advanced(by: quarantine)))
    }

    private mutating func release(at now: MonotonicInstant) {
        while firstResting < resting.count, resting[firstResting].until <= now {
            free.append(resting[firstResting].port)
            firstResting += 1
        }
        // What is behind us is let go in pieces as large as the rest: the moves cost each port a constant.
        guard firstResting > resting.count / 2 else { return }
        resting.removeFirst(firstResting)
        firstResting = 0
    }
}
