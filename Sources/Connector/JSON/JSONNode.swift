/// One value of a `JSONText`, or the absence of one. Decodes when asked; an absent node answers nil to everything.
package struct JSONNode: Sendable {
    static let absent = -1

    let content: JSONContent
    let index: Int

    private var token: JSONToken? { index >= 0 ? content.tokens[index] : nil }

    private func bytes(of token: JSONToken) -> ArraySlice<UInt8> { content.bytes[Int(token.start)..<Int(token.end)] }

    // MARK: What it is

    package var exists: Bool { index >= 0 }
    package var isNull: Bool { token?.kind == .null }
    package var isObject: Bool { token?.kind == .object }
    package var isArray: Bool { token?.kind == .array }

    // MARK: Strict reading

    /// A string's meaning. A lone surrogate escape reads as U+FFFD.
    package var string: String? {
        guard let token else { return nil }
        switch token.kind {
        case .string: return plainText(of: token)
        case .escapedString:
            return content.bytes.withUnsafeBytes {
                JSONBytes.decoded(UnsafeRawBufferPointer(rebasing: $0[Int(token.start)..<Int(token.end)]))
            }
        default: return nil
        }
    }

    /// An integer as written: neither `1.0` nor `1e3` nor anything beyond 64 bits.
    package var int: Int? {
        guard let token, token.kind == .integer else { return nil }
        return DecimalInteger.parse(bytes(of: token))
    }

    /// A number, as near as a double comes; nil beyond its range.
    package var double: Double? {
        guard let number, let value = Double(number), value.isFinite else { return nil }
        return value
    }

    package var bool: Bool? {
        switch token?.kind {
        case .true: true
        case .false: false
        default: nil
        }
    }

    /// A number as written.
    package var number: String? {
        guard let token, token.kind == .integer || token.kind == .real else { return nil }
        return plainText(of: token)
    }

    // MARK: Tolerant reading: providers send 101 and "101" for the same field

    /// A string's meaning, or a number as written.
    package var anyText: String? {
        guard let token else { return nil }
        switch token.kind {
        case .string, .integer, .real: return plainText(of: token)
        case .escapedString: return string
        default: return nil
        }
    }

    /// An integer, or a string that holds one and nothing else.
    package var anyInt: Int? {
        guard let token, token.kind == .integer || token.kind == .string else { return nil }
        return DecimalInteger.parse(bytes(of: token))
    }

    /// Whether this is the string `other`, without decoding it unless it holds escapes.
    package func equals(_ other: StaticString) -> Bool {
        guard let token else { return false }
        switch token.kind {
        case .string: return holds(other, token)
        case .escapedString: return string == other.description
        default: return false
        }
    }

    /// Whether this is a string, and one of `names`; without decoding it unless it holds escapes.
    package func isAmong(_ names: NameSet) -> Bool { number(among: names) != nil }

    /// The number that `names` has for the string's meaning; nil where it is none of them. Allocates nothing for plain strings.
    package func number(among names: NameSet) -> Int? {
        guard let token else { return nil }
        switch token.kind {
        case .string:
            return content.bytes.withUnsafeBytes {
                names.number(of: UnsafeRawBufferPointer(rebasing: $0[Int(token.start)..<Int(token.end)]))
            }
        case .escapedString:
            guard var text = string else { return nil }
            return text.withUTF8 { names.number(of: UnsafeRawBufferPointer($0)) }
        default: return nil
        }
    }

    // MARK: Walking

    /// The member of that name: the last one, where there are several. Absent where there is none, or where this is no object.
    package subscript(_ name: StaticString) -> JSONNode {
        guard index >= 0 else { return none }
        let tokens = content.tokens
        guard tokens[index].kind == .object else { return none }
        var candidate = Int(tokens[index].lastName)
        while candidate > 0 {
            let found = tokens[candidate]
            if found.kind == .string ? holds(name, found) : node(candidate).string == name.description {
                return node(candidate + 1)
            }
            candidate = Int(found.link)
        }
        return none
    }

    /// The member of a name known only at run time; otherwise as above.
    package subscript(dynamic name: String) -> JSONNode {
        guard let token, token.kind == .object else { return none }
        var candidate = Int(token.lastName)
        while candidate > 0 {
            if node(candidate).string == name { return node(candidate + 1) }
            candidate = Int(content.tokens[candidate].link)
        }
        return none
    }

    /// An array's elements; empty for anything else.
    package var elements: [JSONNode] {
        guard let token, token.kind == .array else { return [] }
        var elements: [JSONNode] = []
        var next = index + 1
        while next < Int(token.link) {
            elements.append(node(next))
            next = indexAfter(next)
        }
        return elements
    }

    /// An object's members in the order of the text, repeated names included; empty for anything else.
    package var members: [(name: String, value: JSONNode)] {
        var members: [(name: String, value: JSONNode)] = []
        forEachMember { name, value in members.append((name.string ?? "", value)) }
        return members
    }

    /// Shows an object's members in the order of the text, repeated names included; none for anything else.
    package func forEachMember(_ visit: (_ name: JSONNode, _ value: JSONNode) -> Void) {
        guard let token, token.kind == .object else { return }
        var next = index + 1
        while next < Int(token.link) {
            visit(node(next), node(next + 1))
            next = indexAfter(next + 1)
        }
    }

    /// The bytes of this value as they stand in the text, quotes and brackets included; empty where absent.
    package var source: ArraySlice<UInt8> {
        guard let token else { return [] }
        switch token.kind {
        case .string, .escapedString: return content.bytes[Int(token.start) - 1...Int(token.end)]
        default: return bytes(of: token)
        }
    }

    private var none: JSONNode { node(JSONNode.absent) }

    private func node(_ index: Int) -> JSONNode { JSONNode(content: content, index: index) }

    private func indexAfter(_ index: Int) -> Int {
        let token = content.tokens[index]
        return token.kind == .array || token.kind == .object ? Int(token.link) : index + 1
    }

    private func plainText(of token: JSONToken) -> String {
        String(decoding: bytes(of: token), as: UTF8.self)
    }

    @inline(__always)
    private func holds(_ word: StaticString, _ token: JSONToken) -> Bool {
        let count = word.utf8CodeUnitCount
        guard Int(token.end &- token.start) == count else { return false }
        return content.bytes.withUnsafeBytes { bytes in
            UnsafeRawBufferPointer(rebasing: bytes[Int(token.start)..<Int(token.end)]).isSame(as: word)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these are the bytes of `word`.
    @inline(__always)
    package func isSame(as word: StaticString) -> Bool {
        isSame(as: UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    /// Whether both hold the same bytes. Made for names, some bytes long: no call of a function.
    @inline(__always)
    package func isSame(as other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        var offset = 0
        while offset &+ 8 <= count {
            guard
                loadUnaligned(fromByteOffset: offset, as: UInt64.self)
                    == other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            else { return false }
            offset &+= 8
        }
        while offset < count {
            guard self[offset] == other[offset] else { return false }
            offset &+= 1
        }
        return true
    }
}
