import Connector
import NetworkTypes
import PBXPlan

/// Who waits in which queue, and which member is free for whom.
final class QueueDesk {
    private unowned let core: PBXCore
    private var waiting: [String: [Queueing]] = [:]
    /// When a member last had a talk of that queue, and whom it was that was rung last.
    private var lastTalk: [String: [RingTarget: MonotonicInstant]] = [:]
    private var lastRung: [String: RingTarget] = [:]

    init(_ core: PBXCore) { self.core = core }

    /// False where no place is free.
    func admit(_ caller: Queueing) -> Bool {
        guard waiting[caller.queue.name, default: []].count < caller.queue.places else { return false }
        waiting[caller.queue.name, default: []].append(caller)
        return true
    }

    /// From 1.
    func place(of caller: Queueing) -> Int {
        (waiting[caller.queue.name]?.firstIndex { $0 === caller }).map { $0 + 1 } ?? 0
    }

    func remove(_ caller: Queueing) {
        let name = caller.queue.name
        waiting[name]?.removeAll { $0 === caller }
        if waiting[name]?.isEmpty ?? true { waiting[name] = nil }
        for (index, other) in (waiting[name] ?? []).enumerated() { other.moved(to: index + 1) }
        serveSoon(caller.queue)
    }

    func served(_ queue: CallQueue, by member: RingTarget?) {
        guard let member else { return }
        lastTalk[queue.name, default: [:]][member] = core.now
    }

    /// In a moment: whoever caused it is in the middle of something.
    func serveSoon(_ queue: CallQueue) {
        guard waiting[queue.name] != nil else { return }
        _ = core.after(.milliseconds(200)) { [weak self] in self?.serve(queue) }
    }

    /// Somebody is free again: whoever waits for him may be served.
    func phoneChanged() { for callers in waiting.values { callers.first.map { serveSoon($0.queue) } } }

    /// Rings free members for those who wait, the first come first. Each member rings for one caller at a time.
    func serve(_ queue: CallQueue) {
        for caller in waiting[queue.name] ?? [] where !caller.isBeingRung {
            let free = QueueOrder.members(
                of: queue, free: queue.members.filter { isFree($0, for: queue) }, tried: caller.tried,
                lastRung: lastRung[queue.name], lastTalks: lastTalk[queue.name] ?? [:])
            guard !free.isEmpty else { return }
            lastRung[queue.name] = free.last
            caller.ring(free)
        }
    }

    private func isFree(_ member: RingTarget, for queue: CallQueue) -> Bool {
        if let last = lastTalk[queue.name]?[member], core.now.duration(since: last) < queue.restTime { return false }
        return core.isFree(member)
    }
}
