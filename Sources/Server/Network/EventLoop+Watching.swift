import CSystem

/// Descriptors watched with a closure each: for signalfd, libcurl's sockets, listeners.
final class WatchTable: EventSource {
    private struct Watch {
        var generation: UInt32
        var handler: (ReadyEvents) -> Void
    }

    unowned(unsafe) var loop: EventLoop?
    private var watches: [Int32: Watch] = [:]
    private var nextGeneration: UInt32 = 0

    func add(_ descriptor: Int32, _ events: ReadyEvents, _ handler: @escaping (ReadyEvents) -> Void) -> Bool {
        guard let loop, descriptor >= 0 else { return false }
        nextGeneration = (nextGeneration &+ 1) & 0x0FFF_FFFF
        let tag = EventTag(source: 0, slot: UInt32(descriptor), generation: nextGeneration)
        let known = watches[descriptor] != nil
        let result =
            known
            ? csys_epoll_modify(loop.epoll, descriptor, events.rawValue, tag.raw)
            : csys_epoll_add(loop.epoll, descriptor, events.rawValue, tag.raw)
        guard result == 0 else { return false }
        watches[descriptor] = Watch(generation: nextGeneration, handler: handler)
        return true
    }

    func remove(_ descriptor: Int32) {
        guard watches.removeValue(forKey: descriptor) != nil else { return }
        loop?.unregister(descriptor)
    }

    func removeAll() { watches.removeAll() }

    func ready(slot: UInt32, generation: UInt32, events: ReadyEvents) {
        guard let watch = watches[Int32(slot)], watch.generation == generation else { return }
        watch.handler(events)
    }
}

/// Watching descriptors that others own. All on the loop's thread, or before `start()`.
extension EventLoop {
    /// Calls `handler` on the loop when `descriptor` is ready, until `unwatch`; watching again replaces events and handler.
    /// Level-triggered unless `.edgeTriggered` is among `events`. False when the system refuses the descriptor.
    @discardableResult
    package func watch(_ descriptor: Int32, _ events: ReadyEvents, _ handler: @escaping (ReadyEvents) -> Void) -> Bool {
        watches.add(descriptor, events, handler)
    }

    /// Ends a watch; before the descriptor is closed.
    package func unwatch(_ descriptor: Int32) { watches.remove(descriptor) }
}
