import Synchronization

/// Holds signals until a keeper has time for them: the latest hundreds, of equal ones the first.
package final class SignalBox: Sendable {
    private struct State {
        var signals: [AdapterSignal] = []
        var count: Int64 = 0
    }

    private static let capacity = 500

    private let state = Mutex(State())
    private let bell = ChangeSignal()

    package init() {}

    /// From any thread; does not wait. Where it is full, the oldest one goes: what is kept alive is looked at anew from time to time anyway.
    package func put(_ signal: AdapterSignal) {
        let count = state.withLock { state -> Int64? in
            guard !state.signals.contains(signal) else { return nil }
            if state.signals.count >= Self.capacity { state.signals.removeFirst() }
            state.signals.append(signal)
            state.count += 1
            return state.count
        }
        if let count { bell.publish(count) }
    }

    /// How many were put in.
    var count: Int64 { state.withLock { $0.count } }

    func take() -> AdapterSignal? { state.withLock { $0.signals.isEmpty ? nil : $0.signals.removeFirst() } }

    /// Returns when more than `count` were put in, or when the task is cancelled.
    func wait(beyond count: Int64) async { await bell.wait(beyond: count) }
}
