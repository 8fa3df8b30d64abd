/// A name for a scheduled timer; a timer that fired or was cancelled leaves a name that fits nothing.
package struct TimerID: Hashable, Sendable {
    var slot: Int32
    var generation: UInt32
}

private let none: Int32 = -1
private let levels = 6
private let horizon: Int64 = (1 << 36) - 1
/// The list of entries that are due and wait to be taken.
private let dueList = levels * 64

/// A hierarchical timing wheel: insert and cancel in constant time, the next due tick by bit scan.
///
/// Six levels of 64 slots. An entry lies on the level of the highest base-64 digit in which its due tick differs from the current
/// tick, so that every occupied slot lies ahead of the hand and the lowest occupied level holds the earliest entries.
/// Ticks are the caller's unit; a due tick beyond 64^6 is held at that horizon and looked at again there.
package struct TimerWheel<Payload> {
    private struct Entry {
        var due: Int64 = 0
        var previous: Int32 = none
        var next: Int32 = none
        var list: Int32 = none
        var generation: UInt32 = 0
        var payload: Payload?
    }

    private var entries: [Entry] = []
    private var firstFree: Int32 = none
    private var heads = [Int32](repeating: none, count: levels * 64 + 1)
    private var occupied = [UInt64](repeating: 0, count: levels)
    package private(set) var current: Int64
    package private(set) var count = 0

    package init(startingAt tick: Int64) { current = tick }

    /// Schedules `payload` for `tick`, at the earliest one tick from now.
    package mutating func insert(_ payload: Payload, due tick: Int64) -> TimerID {
        let slot = takeEntry()
        entries[Int(slot)].due = max(tick, current + 1)
        entries[Int(slot)].payload = payload
        place(slot)
        count += 1
        return TimerID(slot: slot, generation: entries[Int(slot)].generation)
    }

    /// Takes a timer back; false if it has fired already.
    @discardableResult
    package mutating func cancel(_ id: TimerID) -> Bool {
        guard entries.indices.contains(Int(id.slot)), entries[Int(id.slot)].generation == id.generation,
            entries[Int(id.slot)].payload != nil
        else { return false }
        unlink(id.slot)
        free(id.slot)
        return true
    }

    /// The tick at which to look again: that of the earliest entry or of a slot that must be spread out before it.
    package var nextTick: Int64? {
        if heads[dueList] != none { return current }
        guard let level = occupied.firstIndex(where: { $0 != 0 }) else { return nil }
        return startOfSlot(occupied[level].trailingZeroBitCount, level: level)
    }

    /// Takes one entry that is due at `tick`; call until nil. Entries may be inserted and cancelled between the calls.
    package mutating func takeDue(at tick: Int64) -> Payload? {
        while heads[dueList] == none, let next = nextTick, next <= tick { spreadSlot(startingAt: next) }
        let slot = heads[dueList]
        guard slot != none else {
            current = max(current, tick)
            return nil
        }
        unlink(slot)
        return free(slot)
    }

    private mutating func spreadSlot(startingAt tick: Int64) {
        guard let level = occupied.firstIndex(where: { $0 != 0 }) else { return }
        let list = level * 64 + occupied[level].trailingZeroBitCount
        current = tick
        while heads[list] != none {
            let slot = heads[list]
            unlink(slot)
            if entries[Int(slot)].due <= tick { link(slot, to: dueList) } else { place(slot) }
        }
    }

    private func startOfSlot(_ slot: Int, level: Int) -> Int64 {
        let shift = Int64(6 * level)
        return ((current >> (shift + 6)) << (shift + 6)) | (Int64(slot) << shift)
    }

    private mutating func place(_ slot: Int32) {
        let due = min(entries[Int(slot)].due, current | horizon)
        let difference = UInt64(bitPattern: due ^ current)
        let level = min((63 - max(difference, 1).leadingZeroBitCount) / 6, levels - 1)
        let index = Int((due >> Int64(6 * level)) & 63)
        guard due > current else { return link(slot, to: dueList) }
        occupied[level] |= 1 << UInt64(index)
        link(slot, to: level * 64 + index)
    }

    private mutating func link(_ slot: Int32, to list: Int) {
        let head = heads[list]
        entries[Int(slot)].list = Int32(list)
        entries[Int(slot)].previous = none
        entries[Int(slot)].next = head
        if head != none { entries[Int(head)].previous = slot }
        heads[list] = slot
    }

    private mutating func unlink(_ slot: Int32) {
        let entry = entries[Int(slot)]
        if entry.previous != none {
            entries[Int(entry.previous)].next = entry.next
        } else {
            heads[Int(entry.list)] = entry.next
        }
        if entry.next != none { entries[Int(entry.next)].previous = entry.previous }
        let list = Int(entry.list)
        if heads[list] == none, list < dueList { occupied[list / 64] &= ~(1 << UInt64(list % 64)) }
    }

    private mutating func takeEntry() -> Int32 {
        guard firstFree != none else {
            entries.append(Entry())
            return Int32(entries.count - 1)
        }
        let slot = firstFree
        firstFree = entries[Int(slot)].next
        return slot
    }

    @discardableResult
    private mutating func free(_ slot: Int32) -> Payload? {
        let payload = entries[Int(slot)].payload
        entries[Int(slot)].payload = nil
        entries[Int(slot)].generation &+= 1
        entries[Int(slot)].next = firstFree
        firstFree = slot
        count -= 1
        return payload
    }
}
