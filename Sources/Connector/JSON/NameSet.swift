/// A fixed set of names, asked by bytes: no `String` is made to look one up.
///
/// ```swift
/// static let known: NameSet = ["entry_id", "call_id"]
/// ```
package struct NameSet: Sendable, ExpressibleByArrayLiteral {
    /// Open addressing over a power of two of places, at least half of them empty.
    /// Empty for a set without names.
    private var slots: [StaticString?]

    package init(arrayLiteral names: StaticString...) { self.init(names) }

    package init(_ names: [StaticString]) {
        guard !names.isEmpty else {
            slots = []
            return
        }
        var size = 4
        while size < names.count * 2 { size *= 2 }
        slots = Array(repeating: nil, count: size)
        for name in names {
            var slot = slot(of: Self.bytes(of: name))
            while slots[slot] != nil { slot = (slot + 1) & (size - 1) }
            slots[slot] = name
        }
    }

    package func contains(_ name: UnsafeRawBufferPointer) -> Bool { number(of: name) != nil }

    /// A number that no other name of the set has: less than four times their count, or than four. nil for a name that is not in it.
    package func number(of name: UnsafeRawBufferPointer) -> Int? {
        guard !slots.isEmpty else { return nil }
        var slot = slot(of: name)
        while let candidate = slots[slot] {
            if name.isSame(as: candidate) { return slot }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// By length and three bytes: names of one set differ there mostly.
    private func slot(of name: UnsafeRawBufferPointer) -> Int {
        guard let first = name.first, let last = name.last else { return 0 }
        let sum = name.count &* 31 &+ Int(first) &* 7 &+ Int(last) &* 13 &+ Int(name[name.count / 2])
        return sum & (slots.count - 1)
    }

    private static func bytes(of name: StaticString) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    }
}
