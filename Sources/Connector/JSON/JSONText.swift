/// A JSON text that has been checked whole and can be read in place.
///
/// Parsing validates everything (RFC 8259, UTF-8, depth, size) and notes where each value lies; nothing is decoded and nothing is
/// allocated but that list, which a text used again keeps. Values are decoded when asked for:
/// ```swift
/// let call = try JSONText(body).root
/// let entry = call["entry_id"].string          // nil where absent, null or no string
/// let from = call["from"]["extension"].text    // "101" whether it came as "101" or as 101
/// for leg in call["legs"].elements { … }
/// ```
/// Absent members read as a node that `exists` not, so paths need no unwrapping. Of members with the same name the last one counts.
package struct JSONText: Sendable {
    /// What a text may not exceed.
    package struct Limits: Sendable {
        /// Arrays and objects within one another.
        package var depth: Int
        package var byteCount: Int

        package init(depth: Int = 32, byteCount: Int = 16 << 20) {
            self.depth = depth
            self.byteCount = byteCount
        }
    }

    private var content = JSONContent()

    /// The text as received.
    package var bytes: [UInt8] { content.bytes }

    /// A text that holds nothing yet: its root does not exist.
    package init() {}

    /// Checks `bytes`.
    /// - Throws: `JSONError`.
    package init(_ bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) {
        try parse(bytes, limits: limits)
    }

    /// Checks the UTF-8 of `string`.
    /// - Throws: `JSONError`.
    package init(_ string: String, limits: Limits = Limits()) throws(JSONError) {
        try parse(Array(string.utf8), limits: limits)
    }

    /// Takes another text in place of the present one, keeping the memory of the list of values.
    /// - Throws: `JSONError`; the text then holds nothing.
    package mutating func parse(_ bytes: [UInt8], limits: Limits = Limits()) throws(JSONError) {
        clear()
        content.bytes = bytes
        try readAll(limits)
    }

    /// Takes a copy of another text in place of the present one; memory is kept for both unless somebody holds a node.
    /// - Throws: `JSONError`; the text then holds nothing.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(JSONError) {
        clear()
        guard bytes.count <= limits.byteCount else { throw JSONError(.tooLarge, at: limits.byteCount) }
        content.bytes.append(contentsOf: bytes)
        try readAll(limits)
    }

    private mutating func clear() {
        if !isKnownUniquelyReferenced(&content) { content = JSONContent() }
        content.bytes.removeAll(keepingCapacity: content.bytes.capacity <= 1 << 16)
        content.tokens.removeAll(keepingCapacity: true)
    }

    private func readAll(_ limits: Limits) throws(JSONError) {
        guard content.bytes.count <= min(limits.byteCount, Int(Int32.max)) else {
            clearAfterError()
            throw JSONError(.tooLarge, at: limits.byteCount)
        }
        let outcome = content.bytes.withUnsafeBytes { text in
            var reader = JSONReader(text, depthLimit: limits.depth)
            swap(&content.tokens, &reader.tokens)
            defer { swap(&content.tokens, &reader.tokens) }
            return reader.readAll()
        }
        guard let outcome else { return }
        clearAfterError()
        throw outcome
    }

    private func clearAfterError() {
        content.bytes = []
        content.tokens.removeAll(keepingCapacity: true)
    }

    /// The outermost value.
    package var root: JSONNode { JSONNode(content: content, index: content.tokens.isEmpty ? JSONNode.absent : 0) }
}

/// What a text and its nodes share: one reference, so that a node is cheap to hand on.
///
/// Unchecked `Sendable`, and without checks of exclusive access, because only `JSONText.parse` changes it, and only while no one else
/// holds it; from then on it is read.
final class JSONContent: @unchecked Sendable {
    @exclusivity(unchecked) var bytes: [UInt8] = []
    @exclusivity(unchecked) var tokens: [JSONToken] = []
}

/// Where one value lies, and how to walk past it. Twenty bytes; a text's tokens stand in the order of the text.
struct JSONToken: Sendable {
    enum Kind: UInt8 {
        case null, `true`, `false`, integer, real, string, escapedString, array, object
    }

    /// The first byte: within the quotes for a string, the bracket for a container.
    var start: UInt32
    /// After the last byte.
    var end: UInt32
    /// A container: the index after its last descendant; while it is open, its parent. A member's name: the name before it, or 0.
    var link: UInt32 = 0
    /// An object: its last name, or 0.
    var lastName: UInt32 = 0
    var kind: Kind
}
