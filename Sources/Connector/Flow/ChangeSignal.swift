import Synchronization

/// Tells any number of readers that the change log has grown.
///
/// Whoever commits changes publishes the newest position; readers wait for a position behind theirs. A publication costs one
/// lock where nobody waits. Publications may come from any thread and in any order: the position never goes back.
package final class ChangeSignal: Sendable {
    private struct Waiter {
        var position: Int64
        var continuation: CheckedContinuation<Void, Never>
    }

    private struct State {
        var position: Int64
        var nextWaiter: UInt64 = 0
        var waiters: [UInt64: Waiter] = [:]
        /// Waits that were cancelled before they began to wait.
        var cancelled: Set<UInt64> = []
    }

    private let state: Mutex<State>

    /// - Parameter position: the newest that is committed already.
    package init(position: Int64 = 0) { state = Mutex(State(position: position)) }

    /// The newest position that was published.
    package var position: Int64 { state.withLock { $0.position } }

    /// How many readers wait now.
    package var waiterCount: Int { state.withLock { $0.waiters.count } }

    /// Says that changes up to `position` are committed.
    package func publish(_ position: Int64) {
        let woken = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard position > state.position else { return [] }
            state.position = position
            guard !state.waiters.isEmpty else { return [] }
            let ready = state.waiters.filter { $0.value.position < position }
            for id in ready.keys { state.waiters[id] = nil }
            return ready.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume() }
    }

    /// Returns when a position behind `position` is published, or when the task is cancelled.
    package func wait(beyond position: Int64) async {
        let id = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.cancelled.remove(id) != nil || state.position > position { return true }
                    state.waiters[id] = Waiter(position: position, continuation: continuation)
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            cancel(id)
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    /// As above, and no longer than `deadline`.
    package func wait(beyond position: Int64, atMost deadline: Duration) async {
        guard deadline > .zero else { return }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(beyond: position) }
            // A cancelled sleep is an ended wait, whichever way it ends.
            group.addTask { _ = try? await Task.sleep(for: deadline) }
            await group.next()
            group.cancelAll()
        }
    }

    private func cancel(_ id: UInt64) {
        let waiter = state.withLock { state -> Waiter? in
            if let waiter = state.waiters.removeValue(forKey: id) { return waiter }
            state.cancelled.insert(id)
            return nil
        }
        waiter?.continuation.resume()
    }
}
