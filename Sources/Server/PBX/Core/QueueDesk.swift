import Connector
import NetworkTypes
import PBXPlan

/// Who waits in which queue, and which member is free for whom.
final class QueueDesk {
    private unowned let core: PBXCore
    private var waiting: [String: [Queueing]] = [:]
    private var orders: [String: QueueOrder] = [:]
    /// Queues that are looked at in a moment, and those that are again in a second: one timer each, however many reasons there are.
    private var soon: Set<String> = []
    private var later: Set<String> = []

    init(_ core: PBXCore) { self.core = core }

    /// False where no place is free, or nobody of the queue could ever be rung.
    func admit(_ caller: Queueing) -> Bool {
        let name = caller.queue.name
        guard waiting[name, default: []].count < caller.queue.places else { return false }
        waiting[name, default: []].append(caller)
        return true
    }

    /// From 1; 0 of who does not wait.
    func place(of caller: Queueing) -> Int { (waiting[caller.queue.name]?.firstIndex { $0 === caller }).map { $0 + 1 } ?? 0 }

    func remove(_ caller: Queueing) {
        let name = caller.queue.name
        waiting[name]?.removeAll { $0 === caller }
        for (index, other) in (waiting[name] ?? []).enumerated() { other.moved(to: index + 1) }
        if waiting[name]?.isEmpty ?? true { waiting[name] = nil } else { serveSoon(caller.queue) }
    }

    /// A member has ended a talk with a caller of the queue.
    func talked(_ member: RingTarget, in queue: String) {
        orders[queue, default: QueueOrder()].talked(member, until: core.wallClock())
    }

    /// In a moment: whoever caused it is in the middle of something.
    func serveSoon(_ queue: CallQueue) {
        guard waiting[queue.name] != nil, soon.insert(queue.name).inserted else { return }
        _ = core.after(.milliseconds(200)) { [weak self] in
            self?.soon.remove(queue.name)
            self?.serve(queue)
        }
    }

    /// A telephone is free, or there, again: whoever waits may be served.
    func phoneChanged() { for callers in waiting.values { if let first = callers.first { serveSoon(first.queue) } } }

    /// Rings free members for those who wait, the first come first. No member rings for two callers.
    func serve(_ queue: CallQueue) {
        for caller in waiting[queue.name] ?? [] where !caller.isBeingRung {
            var random = core.random
            let members = orders[queue.name, default: QueueOrder()].next(
                in: queue, isFree: { [core] in core.isFree($0) }, tried: &caller.tried, at: core.wallClock(), using: &random)
            // Somebody who rests is free again later.
            guard !members.isEmpty else { return retryLater(queue) }
            caller.ring(members)
        }
    }

    private func retryLater(_ queue: CallQueue) {
        guard queue.restTime > .zero, later.insert(queue.name).inserted else { return }
        _ = core.after(.seconds(1)) { [weak self] in
            self?.later.remove(queue.name)
            self?.serve(queue)
        }
    }
}
