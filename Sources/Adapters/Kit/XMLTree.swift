import Connector

/// An XML document that has been checked whole and can be read in place: its elements, by local name.
///
/// Parsing checks that the document is well-formed XML 1.0 in UTF-8, within limits, and notes where each element lies. Nothing is
/// decoded, and nothing is allocated but that list, which a tree used again keeps. Texts are decoded when asked for:
/// ```swift
/// try tree.parse(body)
/// let call = tree.root["eventData"]["call"]
/// let start = call["startTime"].int                    // nil where absent, empty or no number
/// for redirection in call["redirections"].children { … }
/// ```
/// A prefix is passed over, in elements and attributes, whatever namespace it stands for, declared or not: `xsi:call`, `x:call` and
/// `call` are the same. A document type declaration is refused, and with it all entities but the predefined five. Absent elements read
/// as one that `exists` not, so paths need no unwrapping; of several children with the same name a path takes the first.
package struct XMLTree: Sendable {
    /// What a document may not exceed. Texts and attribute values are bounded by the whole.
    package struct Limits: Sendable {
        /// Elements within one another.
        package var depth: Int
        package var elementCount: Int
        /// Attributes of one element, declarations of namespaces included.
        package var attributeCount: Int
        package var byteCount: Int

        package init(depth: Int = 32, elementCount: Int = 4096, attributeCount: Int = 32, byteCount: Int = 1 << 20) {
            self.depth = depth
            self.elementCount = elementCount
            self.attributeCount = attributeCount
            self.byteCount = byteCount
        }
    }

    private var content = XMLContent()

    /// A tree that holds nothing yet: its root does not exist.
    package init() {}

    /// Checks `bytes`.
    /// - Throws: `XMLError`.
    package init(_ bytes: [UInt8], limits: Limits = Limits()) throws(XMLError) {
        let outcome = bytes.withUnsafeBytes { parseAll($0, limits) }
        if let outcome { throw outcome }
    }

    /// Takes a copy of another document in place of the present one; memory is kept unless somebody holds an element.
    /// - Throws: `XMLError`; the tree then holds nothing.
    package mutating func parse(_ bytes: UnsafeRawBufferPointer, limits: Limits = Limits()) throws(XMLError) {
        if let outcome = parseAll(bytes, limits) { throw outcome }
    }

    private mutating func parseAll(_ bytes: UnsafeRawBufferPointer, _ limits: Limits) -> XMLError? {
        clear()
        guard bytes.count <= min(limits.byteCount, Int(Int32.max)) else { return XMLError(.tooLarge, at: limits.byteCount) }
        var reader = XMLReader(bytes, limits: limits)
        swap(&content.nodes, &reader.nodes)
        swap(&content.attributes, &reader.attributes)
        let outcome = reader.readAll()
        swap(&content.nodes, &reader.nodes)
        swap(&content.attributes, &reader.attributes)
        if outcome == nil { content.bytes.append(contentsOf: bytes) } else { clear() }
        return outcome
    }

    private mutating func clear() {
        if !isKnownUniquelyReferenced(&content) { content = XMLContent() }
        content.bytes.removeAll(keepingCapacity: content.bytes.capacity <= 1 << 16)
        content.nodes.removeAll(keepingCapacity: content.nodes.capacity <= 1 << 12)
        content.attributes.removeAll(keepingCapacity: content.attributes.capacity <= 1 << 12)
    }

    /// The outermost element.
    package var root: Element { Element(content: content, index: content.nodes.isEmpty ? Element.absent : 0) }
}

// MARK: - Elements

extension XMLTree {
    /// One element of a tree, or the absence of one; an absent element answers nil to everything.
    package struct Element: Sendable {
        static let absent = -1

        let content: XMLContent
        let index: Int

        private var node: XMLNode? { index >= 0 ? content.nodes[index] : nil }

        package var exists: Bool { index >= 0 }

        /// The local name; `""` where absent.
        package var name: String {
            guard let node else { return "" }
            return String(decoding: content.bytes[Int(node.localName)..<Int(node.nameEnd)], as: UTF8.self)
        }

        /// Whether that is the local name.
        package func isNamed(_ name: StaticString) -> Bool {
            node.map { content.holds(name, from: $0.localName, to: $0.nameEnd) } ?? false
        }

        /// Whether the local name is one of `names`.
        package func isNamed(among names: NameSet) -> Bool {
            guard let node else { return false }
            return content.bytes.withUnsafeBytes {
                names.contains(UnsafeRawBufferPointer(rebasing: $0[Int(node.localName)..<Int(node.nameEnd)]))
            }
        }

        // MARK: Walking

        /// The first child of that local name.
        package subscript(_ name: StaticString) -> Element {
            var child = firstChild
            while child.exists, !child.isNamed(name) { child = child.sibling(before: end) }
            return child
        }

        /// The elements directly within this one, in their order.
        package var children: [Element] {
            var children: [Element] = []
            var child = firstChild
            while child.exists {
                children.append(child)
                child = child.sibling(before: end)
            }
            return children
        }

        private var end: Int { node.map { Int($0.next) } ?? 0 }

        private var firstChild: Element { element(at: index + 1, before: end) }

        private func sibling(before end: Int) -> Element { element(at: self.end, before: end) }

        private func element(at place: Int, before end: Int) -> Element {
            Element(content: content, index: place < end ? place : Self.absent)
        }

        // MARK: Reading

        /// What stands in the element, decoded, without the spaces around it.
        ///
        /// nil where there is nothing else, and where elements stand in it: text between elements is not kept apart.
        package var text: String? {
            guard let node, index + 1 == Int(node.next) else { return nil }
            let place = Int(node.contentStart)..<Int(node.contentEnd)
            return content.bytes.withUnsafeBytes { bytes in
                let text = XMLBytes.trimmed(UnsafeRawBufferPointer(rebasing: bytes[place]))
                guard !text.isEmpty else { return nil }
                guard !node.isPlain else { return String(decoding: text, as: UTF8.self) }
                let decoded = XMLBytes.decodedContent(text)
                return decoded.isEmpty ? nil : decoded
            }
        }

        /// The text as a decimal integer; nil where there is none, or anything else stands there.
        package var int: Int? { text.flatMap { DecimalInteger.parse($0.utf8) } }

        /// Whether that is the text, without decoding it where it is plain.
        package func equals(_ word: StaticString) -> Bool {
            guard let node, index + 1 == Int(node.next) else { return false }
            guard node.isPlain else { return text == word.description }
            let place = Int(node.contentStart)..<Int(node.contentEnd)
            return content.bytes.withUnsafeBytes {
                XMLBytes.trimmed(UnsafeRawBufferPointer(rebasing: $0[place])).isSame(as: word)
            }
        }

        /// The first attribute of that local name, decoded; nil where there is none. Declarations of namespaces are none.
        package func attribute(_ name: StaticString) -> String? {
            guard let node else { return nil }
            let range = Int(node.firstAttribute)..<Int(node.firstAttribute) + Int(node.attributeCount)
            for attribute in content.attributes[range] where !attribute.isNamespace {
                guard content.holds(name, from: attribute.localName, to: attribute.nameEnd) else { continue }
                let place = Int(attribute.valueStart)..<Int(attribute.valueEnd)
                return content.bytes.withUnsafeBytes { XMLBytes.decodedValue(UnsafeRawBufferPointer(rebasing: $0[place])) }
            }
            return nil
        }
    }
}

/// What a tree and its elements share: one reference, so that an element is cheap to hand on.
///
/// Unchecked `Sendable`, and without checks of exclusive access, because only `XMLTree` changes it, and only while no one else holds
/// it; from then on it is read.
final class XMLContent: @unchecked Sendable {
    @exclusivity(unchecked) var bytes: [UInt8] = []
    @exclusivity(unchecked) var nodes: [XMLNode] = []
    @exclusivity(unchecked) var attributes: [XMLAttribute] = []

    func holds(_ word: StaticString, from start: UInt32, to end: UInt32) -> Bool {
        bytes.withUnsafeBytes { UnsafeRawBufferPointer(rebasing: $0[Int(start)..<Int(end)]).isSame(as: word) }
    }
}

/// Where one element lies, and how to walk past it. A document's nodes stand in the order of their start tags.
struct XMLNode: Sendable {
    /// The name with its prefix begins here, the local name there.
    var name: UInt32
    var localName: UInt32
    var nameEnd: UInt32
    var contentStart: UInt32 = 0
    var contentEnd: UInt32 = 0
    /// The index after the last descendant; while the element is open, its parent.
    var next: UInt32
    var firstAttribute: UInt32
    var attributeCount: UInt16 = 0
    /// The content is its own meaning: no references, sections, comments or carriage returns.
    var isPlain = true
}

/// Where one attribute lies.
struct XMLAttribute: Sendable {
    var name: UInt32
    var localName: UInt32
    var nameEnd: UInt32
    /// Within the quotes.
    var valueStart: UInt32 = 0
    var valueEnd: UInt32 = 0
    /// `xmlns`, or a name with that prefix.
    var isNamespace = false
}
