import Connector

/// Fields by name, decoded, in memory of its own that is used again.
///
/// Names and values stand one behind the other in one buffer, in the order of the body; a search compares bytes and allocates nothing.
/// A body is decoded once, whole, by `readForm`; after that the bytes it came from may go.
package struct FieldTable: NamedFields, Sendable {
    /// Where one field lies: the name from `start`, the value from `middle`, up to `end`.
    struct Place: Sendable {
        var start: UInt32
        var middle: UInt32
        var end: UInt32
    }

    /// At least as long as the last place; what lies behind that is left over from earlier bodies.
    var text: [UInt8] = []
    var places: [Place] = []
    /// Whether a name is found however its Latin letters are written.
    private let ignoresCase: Bool

    /// - Parameter ignoringCase: for vendors whose names come as `CallID` and as `callid`.
    package init(ignoringCase ignoresCase: Bool = false) { self.ignoresCase = ignoresCase }

    package var isEmpty: Bool { places.isEmpty }

    package mutating func removeAll() { places.removeAll(keepingCapacity: true) }

    /// Makes room for `byteCount` bytes; after a body of unusual size the memory is given back.
    mutating func prepare(byteCount: Int) {
        removeAll()
        if text.count < byteCount || (text.count > Self.keptByteCount && byteCount <= Self.keptByteCount) {
            text = [UInt8](repeating: 0, count: max(byteCount, 1024))
        }
    }

    private static let keptByteCount = 1 << 16

    /// Adds a field behind the others.
    mutating func append(name: some Collection<UInt8>, value: some Collection<UInt8>) {
        let start = places.last?.end ?? 0
        text.removeSubrange(Int(start)...)
        text.append(contentsOf: name)
        let middle = UInt32(clamping: text.count)
        text.append(contentsOf: value)
        places.append(Place(start: start, middle: middle, end: UInt32(clamping: text.count)))
    }

    // MARK: Asking

    /// Lends the bytes of the last field of that name; nil where there is none.
    package func withBytes<Result>(
        of name: StaticString, _ read: (UnsafeRawBufferPointer) throws -> Result
    ) rethrows -> Result? {
        let name = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard let place = place(of: name) else { return nil }
        return try text.withUnsafeBytes { try read(Self.value(place, in: $0)) }
    }

    /// The field as text; nil where it is absent or empty. What is not UTF-8 reads as U+FFFD.
    package func text(_ name: StaticString) -> String? {
        withBytes(of: name) { $0.isEmpty ? nil : String(decoding: $0, as: UTF8.self) } ?? nil
    }

    /// The field as a decimal integer; nil where there is none, or anything else stands there.
    package func integer(_ name: StaticString) -> Int? {
        withBytes(of: name) { DecimalInteger.parse($0) } ?? nil
    }

    package func holds(_ name: StaticString) -> Bool {
        place(of: UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)) != nil
    }

    package func bytes(of name: String) -> [UInt8]? {
        var name = name
        guard let place = name.withUTF8({ place(of: UnsafeRawBufferPointer($0)) }) else { return nil }
        return Array(text[Int(place.middle)..<Int(place.end)])
    }

    package var names: [String] {
        places.map { String(decoding: text[Int($0.start)..<Int($0.middle)], as: UTF8.self) }
    }

    /// The names that `known` does not hold, in the order of the body, repeated ones included.
    package func names(except known: NameSet) -> [String] {
        text.withUnsafeBytes { text in
            var names: [String] = []
            for place in places {
                let name = Self.name(place, in: text)
                if !known.contains(name) { names.append(String(decoding: name, as: UTF8.self)) }
            }
            return names
        }
    }

    private func place(of name: UnsafeRawBufferPointer) -> Place? {
        text.withUnsafeBytes { text in
            var index = places.count
            while index > 0 {
                index -= 1
                let place = places[index]
                guard Int(place.middle) - Int(place.start) == name.count else { continue }
                let candidate = Self.name(place, in: text)
                if ignoresCase ? name.isSameIgnoringCase(as: candidate) : name.isSame(as: candidate) { return place }
            }
            return nil
        }
    }

    private static func name(_ place: Place, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[Int(place.start)..<Int(place.middle)])
    }

    private static func value(_ place: Place, in text: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: text[Int(place.middle)..<Int(place.end)])
    }
}

extension UnsafeRawBufferPointer {
    /// Whether both hold the same bytes but for the case of Latin letters.
    fileprivate func isSameIgnoringCase(as other: UnsafeRawBufferPointer) -> Bool {
        zip(self, other).allSatisfy { Self.lowercase($0) == Self.lowercase($1) } && count == other.count
    }

    private static func lowercase(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }
}
