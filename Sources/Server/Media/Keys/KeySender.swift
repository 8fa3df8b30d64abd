/// Sends keys as telephone events, one packet each 20 ms: 100 ms of key, the end three times, and a pause (RFC 4733 §2.5).
struct KeySender {
    /// What is to be sent in one tick.
    struct Step: Equatable {
        var event: TelephoneEvent
        /// Whether it is the first packet of a press, which begins a timestamp of its own.
        var begins: Bool
    }

    /// How many keys may wait.
    static let maximumWaiting = 64
    private static let updates = 5
    private static let ends = 3
    private static let pause = 3
    private static let samplesATick = 160

    private var waiting: [UInt8] = []
    private var tick = 0

    /// Whether there is something to send, or a pause to be kept.
    var isActive: Bool { !waiting.isEmpty }
    /// Whether a key is being told of now, for which what is relayed waits.
    var isPressing: Bool { isActive && tick < Self.updates + Self.ends }

    /// Adds keys by their numbers; those beyond the bound are left out.
    mutating func add(_ codes: some Sequence<UInt8>) {
        for code in codes where waiting.count < Self.maximumWaiting { waiting.append(code) }
    }

    mutating func removeAll() {
        waiting.removeAll()
        tick = 0
    }

    /// What this tick sends: nil in a pause, and when all have been sent.
    mutating func next() -> Step? {
        guard let code = waiting.first else { return nil }
        defer { advance() }
        guard tick < Self.updates + Self.ends else { return nil }
        let isEnd = tick >= Self.updates
        let duration = UInt16(Self.samplesATick * min(tick + 1, Self.updates + 1))
        return Step(event: TelephoneEvent(code: code, isEnd: isEnd, duration: duration), begins: tick == 0)
    }

    private mutating func advance() {
        tick += 1
        guard tick == Self.updates + Self.ends + Self.pause else { return }
        waiting.removeFirst()
        tick = 0
    }
}
