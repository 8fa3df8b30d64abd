import NetworkTypes

/// What is to come, earliest first; of the same moment, in the order in which it was noted. A binary heap.
struct Agenda<Item> {
    private struct Entry {
        let moment: MonotonicInstant
        let number: UInt64
        let item: Item

        func comesBefore(_ other: Entry) -> Bool { moment == other.moment ? number < other.number : moment < other.moment }
    }

    private var entries: [Entry] = []
    private var noted: UInt64 = 0

    var isEmpty: Bool { entries.isEmpty }
    var next: MonotonicInstant? { entries.first?.moment }

    mutating func note(_ item: Item, for moment: MonotonicInstant) {
        entries.append(Entry(moment: moment, number: noted, item: item))
        noted += 1
        var place = entries.count - 1
        while place > 0, entries[place].comesBefore(entries[(place - 1) / 2]) {
            entries.swapAt(place, (place - 1) / 2)
            place = (place - 1) / 2
        }
    }

    /// Takes the first item that is due.
    mutating func takeDue(at now: MonotonicInstant) -> Item? {
        guard let first = entries.first, first.moment <= now else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return first.item
    }

    private mutating func sink() {
        var place = 0
        while true {
            var least = place
            for child in [2 * place + 1, 2 * place + 2] where child < entries.count && entries[child].comesBefore(entries[least])
            {
                least = child
            }
            if least == place { return }
            entries.swapAt(place, least)
            place = least
        }
    }

    mutating func removeAll() { entries.removeAll() }
}
