/// Which streams there are, by slot and generation, and what signalling must know of each.
struct StreamTable {
    struct Entry {
        var generation: UInt32
        var isOpen = false
        /// The media loop it lives on, or is on its way to.
        var loop = 0
        var port: UInt16 = 0
        /// Of the program that was asked for last: one that is found later than another was asked for is not played.
        var program: UInt64 = 0
        var isClosing = false
    }

    /// What epoll carries of a generation.
    private static let generations: UInt32 = (1 << 28) - 1

    private var entries: [Entry] = []
    private var free: [UInt32] = []
    private let limit: Int

    init(limit: Int) { self.limit = min(limit, 1 << 20) }

    var count: Int { entries.count - free.count }
    var openIDs: [MediaStreamID] {
        entries.indices.filter { entries[$0].isOpen }.map { MediaStreamID(slot: UInt32($0), generation: entries[$0].generation) }
    }

    /// How many streams live on a loop.
    func count(onLoop loop: Int) -> Int { entries.count { $0.isOpen && $0.loop == loop } }

    /// Takes a slot; nil where there are as many streams as may be.
    mutating func take(loop: Int, port: UInt16) -> MediaStreamID? {
        guard hasRoom else { return nil }
        if free.isEmpty {
            free.append(UInt32(entries.count))
            entries.append(Entry(generation: 0))
        }
        let slot = free.removeLast()
        let generation = (entries[Int(slot)].generation &+ 1) & Self.generations
        entries[Int(slot)] = Entry(generation: generation, isOpen: true, loop: loop, port: port)
        return MediaStreamID(slot: slot, generation: generation)
    }

    var hasRoom: Bool { count < limit }

    mutating func remove(_ id: MediaStreamID) -> Entry? {
        guard let entry = self[id] else { return nil }
        entries[Int(id.slot)].isOpen = false
        free.append(id.slot)
        return entry
    }

    /// A stream's entry; nil where the name fits nothing, and setting one does nothing then.
    subscript(id: MediaStreamID) -> Entry? {
        get {
            guard entries.indices.contains(Int(id.slot)), entries[Int(id.slot)].isOpen,
                entries[Int(id.slot)].generation == id.generation
            else { return nil }
            return entries[Int(id.slot)]
        }
        set {
            guard let newValue, self[id] != nil else { return }
            entries[Int(id.slot)] = newValue
        }
    }
}
