import CSystem

/// What epoll says of a descriptor.
package struct ReadyEvents: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let readable = ReadyEvents(rawValue: csys_epollin)
    package static let writable = ReadyEvents(rawValue: csys_epollout)
    /// The peer has ended its sending side.
    package static let peerEnded = ReadyEvents(rawValue: csys_epollrdhup)
    package static let hangUp = ReadyEvents(rawValue: csys_epollhup)
    package static let failed = ReadyEvents(rawValue: csys_epollerr)
    /// Ask for changes only, not for states.
    package static let edgeTriggered = ReadyEvents(rawValue: csys_epollet)
    /// Ask once: after an event the descriptor rests until it is armed again.
    package static let once = ReadyEvents(rawValue: csys_epolloneshot)
}

/// An owner of many descriptors on one loop, called without a closure per descriptor.
///
/// `slot` and `generation` are the owner's own: a generation that no longer fits marks an event of a descriptor closed earlier in
/// the same batch.
package protocol EventSource: AnyObject {
    func ready(slot: UInt32, generation: UInt32, events: ReadyEvents)
}

/// An event source's place on a loop.
package struct EventSourceID: Sendable {
    let index: UInt8
    /// A place that no event comes to.
    package static let unset = EventSourceID(index: .max)
}

/// What epoll carries for a descriptor: 8 bits of source, 28 of generation, 28 of slot.
struct EventTag {
    static var wakeUp: UInt64 { .max }
    private static var mask: UInt64 { (1 << 28) - 1 }
    let raw: UInt64

    init(raw: UInt64) { self.raw = raw }

    init(source: UInt8, slot: UInt32, generation: UInt32) {
        raw = UInt64(source) << 56 | (UInt64(generation) & Self.mask) << 28 | UInt64(slot) & Self.mask
    }

    var source: UInt8 { UInt8(truncatingIfNeeded: raw >> 56) }
    var generation: UInt32 { UInt32((raw >> 28) & Self.mask) }
    var slot: UInt32 { UInt32(raw & Self.mask) }
}

/// Descriptors owned by others. All on the loop's thread, or before `start()`.
extension EventLoop {
    /// Gives a source its place; for the loop's life. At most 254 of them.
    package func addSource(_ source: any EventSource) -> EventSourceID {
        precondition(sources.count < 255, "an event loop holds at most 254 sources")
        sources.append(source)
        return EventSourceID(index: UInt8(sources.count - 1))
    }

    /// Registers a descriptor under its owner's slot and generation (28 bits each); false when the system refuses.
    package func register(_ descriptor: Int32, _ events: ReadyEvents, source: EventSourceID, slot: UInt32, generation: UInt32)
        -> Bool
    {
        let tag = EventTag(source: source.index, slot: slot, generation: generation)
        return csys_epoll_add(epoll, descriptor, events.rawValue, tag.raw) == 0
    }

    /// Changes what a registered descriptor is watched for. From any thread, while the descriptor is open.
    @discardableResult
    package func arm(_ descriptor: Int32, _ events: ReadyEvents, source: EventSourceID, slot: UInt32, generation: UInt32) -> Bool
    {
        let tag = EventTag(source: source.index, slot: slot, generation: generation)
        return csys_epoll_modify(epoll, descriptor, events.rawValue, tag.raw) == 0
    }

    /// Takes a descriptor out; closing it does the same.
    package func unregister(_ descriptor: Int32) { _ = csys_epoll_remove(epoll, descriptor) }
}
