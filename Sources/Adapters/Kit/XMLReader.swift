import Connector

/// Reads an XML document once from end to end, checks it, and notes its elements.
///
/// A loop, not a recursion: the stack does not grow with the document. Each byte is looked at once, but for the attributes of one
/// element, whose names are compared with one another; their number is bounded.
/// - Source: XML 1.0, fifth edition; without DTD, and of all encodings UTF-8.
struct XMLReader {
    private let text: UnsafeRawBufferPointer
    private let limits: XMLTree.Limits
    private var position = 0
    private var depth = 0
    /// The innermost open element, or -1.
    private var open: Int32 = -1
    /// What has been found; the caller lends the memory.
    var nodes: [XMLNode] = []
    var attributes: [XMLAttribute] = []

    init(_ text: UnsafeRawBufferPointer, limits: XMLTree.Limits) {
        self.text = text
        self.limits = limits
    }

    /// Reads one document and nothing else; nil when it is good.
    mutating func readAll() -> XMLError? {
        do {
            try readProlog()
            while open >= 0 { try readContent() }
            return try readMiscellany() ? error(.trailingBytes) : nil
        } catch {
            return error
        }
    }

    // MARK: Around the root

    private mutating func readProlog() throws(XMLError) {
        if starts(with: "\u{FEFF}") { position += 3 }
        guard text.count < 2 || !(text[0] ^ text[1] == 0x01 && text[0] >= 0xFE) else { throw error(.badEncoding) }
        if starts(with: "<?xml"), position + 5 < text.count, XMLBytes.isSpace(text[position + 5]) { try readDeclaration() }
        guard try readMiscellany() else { throw error(.truncated) }
        guard starts(with: "<") else { throw error(.unexpectedByte) }
        try readStartTag()
    }

    /// `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>`, of which the last two may be missing.
    private mutating func readDeclaration() throws(XMLError) {
        position += 5
        try readQuoted(named: "version") { version in
            version.hasPrefix("1.") && version.utf8.count > 2
                && version.utf8.dropFirst(2).allSatisfy { (0x30...0x39).contains($0) }
        }
        try readQuoted(named: "encoding", isOptional: true, orElse: .badEncoding) { encoding in
            ["utf-8", "us-ascii"].contains(encoding.lowercased())
        }
        try readQuoted(named: "standalone", isOptional: true) { $0 == "yes" || $0 == "no" }
        skipSpace()
        guard take("?>") else { throw error(position < text.count ? .unexpectedByte : .truncated) }
    }

    private mutating func readQuoted(
        named name: StaticString, isOptional: Bool = false, orElse code: XMLError.Code = .unexpectedByte,
        _ isGood: (String) -> Bool
    ) throws(XMLError) {
        let hadSpace = skipSpace()
        guard hadSpace, take(name) else {
            if isOptional { return }
            throw error(position < text.count ? .unexpectedByte : .truncated)
        }
        let value = try readQuoted()
        guard isGood(String(decoding: text[value], as: UTF8.self)) else { throw XMLError(code, at: value.lowerBound) }
    }

    /// Passes over spaces, comments and instructions before and behind the root; true where anything else comes.
    private mutating func readMiscellany() throws(XMLError) -> Bool {
        while true {
            skipSpace()
            guard position < text.count else { return false }
            if starts(with: "<!--") {
                try readComment()
            } else if starts(with: "<?") {
                try readInstruction()
            } else if starts(with: "<!") {
                throw error(starts(with: "<!DOCTYPE") ? .doctype : .unexpectedByte)
            } else {
                return true
            }
        }
    }

    // MARK: Within the innermost element

    /// Reads its text up to the next markup, and that.
    private mutating func readContent() throws(XMLError) {
        try readText()
        guard position + 1 < text.count else { throw error(.truncated) }
        switch text[position + 1] {
        case UInt8(ascii: "/"): try readEndTag()
        case UInt8(ascii: "!"):
            nodes[Int(open)].isPlain = false
            if starts(with: "<!--") { try readComment() } else { try readSection() }
        case UInt8(ascii: "?"):
            nodes[Int(open)].isPlain = false
            try readInstruction()
        default: try readStartTag()
        }
    }

    /// Up to the next `<`, which is not taken.
    private mutating func readText() throws(XMLError) {
        while true {
            position = XMLBytes.endOfPlainRun(in: text, from: position)
            guard position < text.count else { throw error(.truncated) }
            switch text[position] {
            case UInt8(ascii: "<"): return
            case UInt8(ascii: "]"):
                guard !starts(with: "]]>") else { throw error(.unexpectedByte) }
                position &+= 1
            case UInt8(ascii: "&"):
                nodes[Int(open)].isPlain = false
                try readReference()
            default:
                if text[position] == 0x0D { nodes[Int(open)].isPlain = false }
                try readCharacter()
            }
        }
    }

    private mutating func readReference() throws(XMLError) {
        guard let (_, length) = XMLBytes.reference(in: text, at: position) else { throw error(.badReference) }
        position &+= length
    }

    /// One character, whatever it is.
    private mutating func readCharacter() throws(XMLError) {
        let byte = text[position]
        if byte >= 0x80 {
            let length = XMLBytes.characterLength(in: text, at: position)
            guard length > 0 else { throw error(.badUTF8) }
            position &+= length
        } else {
            guard byte >= 0x20 || XMLBytes.isSpace(byte) else { throw error(.badCharacter) }
            position &+= 1
        }
    }

    // MARK: Tags

    private mutating func readStartTag() throws(XMLError) {
        guard nodes.count < limits.elementCount else { throw error(.tooMany) }
        guard depth < limits.depth else { throw error(.tooDeep) }
        position &+= 1
        let name = try readName()
        var node = XMLNode(
            name: name.start, localName: name.local, nameEnd: name.end, next: UInt32(bitPattern: open),
            firstAttribute: UInt32(truncatingIfNeeded: attributes.count))
        while true {
            let hadSpace = skipSpace()
            guard position < text.count else { throw error(.truncated) }
            if take("/>") { return close(&node) }
            if take(">") { break }
            guard hadSpace else { throw error(.unexpectedByte) }
            guard node.attributeCount < limits.attributeCount else { throw error(.tooMany) }
            try readAttribute(behind: Int(node.firstAttribute))
            node.attributeCount += 1
        }
        node.contentStart = UInt32(truncatingIfNeeded: position)
        nodes.append(node)
        open = Int32(truncatingIfNeeded: nodes.count - 1)
        depth &+= 1
    }

    /// Notes an element that is closed as soon as it is opened.
    private mutating func close(_ node: inout XMLNode) {
        node.contentStart = UInt32(truncatingIfNeeded: position)
        node.contentEnd = node.contentStart
        nodes.append(node)
        nodes[nodes.count - 1].next = UInt32(truncatingIfNeeded: nodes.count)
    }

    private mutating func readAttribute(behind first: Int) throws(XMLError) {
        let name = try readName()
        let spelling = UnsafeRawBufferPointer(rebasing: text[Int(name.start)..<Int(name.end)])
        for other in attributes[first...] {
            let others = UnsafeRawBufferPointer(rebasing: text[Int(other.name)..<Int(other.nameEnd)])
            guard !others.isSame(as: spelling) else { throw XMLError(.duplicateAttribute, at: Int(name.start)) }
        }
        let value = try readQuoted()
        var attribute = XMLAttribute(name: name.start, localName: name.local, nameEnd: name.end)
        attribute.valueStart = UInt32(truncatingIfNeeded: value.lowerBound)
        attribute.valueEnd = UInt32(truncatingIfNeeded: value.upperBound)
        let prefix = UnsafeRawBufferPointer(rebasing: text[Int(name.start)..<max(Int(name.start), Int(name.local) - 1)])
        attribute.isNamespace = prefix.isSame(as: "xmlns") || spelling.isSame(as: "xmlns")
        attributes.append(attribute)
    }

    /// `= "…"`: where the value lies within its quotes.
    private mutating func readQuoted() throws(XMLError) -> Range<Int> {
        skipSpace()
        guard take("=") else { throw error(position < text.count ? .unexpectedByte : .truncated) }
        skipSpace()
        guard position < text.count else { throw error(.truncated) }
        let quote = text[position]
        guard quote == UInt8(ascii: "\"") || quote == UInt8(ascii: "'") else { throw error(.unexpectedByte) }
        position &+= 1
        let start = position
        while position < text.count, text[position] != quote {
            switch text[position] {
            case UInt8(ascii: "<"): throw error(.unexpectedByte)
            case UInt8(ascii: "&"): try readReference()
            default: try readCharacter()
            }
        }
        guard position < text.count else { throw error(.truncated) }
        defer { position &+= 1 }
        return start..<position
    }

    private mutating func readEndTag() throws(XMLError) {
        let contentEnd = position
        let node = nodes[Int(open)]
        position &+= 2
        let start = position
        let length = Int(node.nameEnd &- node.name)
        guard start + length <= text.count else { throw XMLError(.truncated, at: text.count) }
        let name = UnsafeRawBufferPointer(rebasing: text[Int(node.name)..<Int(node.nameEnd)])
        guard name.isSame(as: UnsafeRawBufferPointer(rebasing: text[start..<start + length])) else {
            throw error(.mismatchedTag)
        }
        position = start + length
        skipSpace()
        guard take(">") else { throw error(position < text.count ? .mismatchedTag : .truncated) }
        let closed = Int(open)
        open = Int32(bitPattern: nodes[closed].next)
        nodes[closed].contentEnd = UInt32(truncatingIfNeeded: contentEnd)
        nodes[closed].next = UInt32(truncatingIfNeeded: nodes.count)
        depth &-= 1
    }

    /// A name with at most one prefix.
    private mutating func readName() throws(XMLError) -> (start: UInt32, local: UInt32, end: UInt32) {
        let start = position
        try readNamePart()
        var local = start
        if position < text.count, text[position] == UInt8(ascii: ":") {
            position &+= 1
            local = position
            try readNamePart()
        }
        guard position >= text.count || text[position] != UInt8(ascii: ":") else { throw error(.badName) }
        return (
            UInt32(truncatingIfNeeded: start), UInt32(truncatingIfNeeded: local), UInt32(truncatingIfNeeded: position)
        )
    }

    private mutating func readNamePart() throws(XMLError) {
        guard position < text.count else { throw error(.truncated) }
        guard XMLBytes.beginsName(text[position]) else { throw error(.badName) }
        while position < text.count, XMLBytes.isInName(text[position]) {
            if text[position] < 0x80 { position &+= 1 } else { try readCharacter() }
        }
    }

    // MARK: Comments, instructions, sections

    private mutating func readComment() throws(XMLError) {
        position &+= 4
        while !take("-->") {
            // XML 1.0 §2.5: no two hyphens but at the end.
            guard !starts(with: "--") else { throw error(.unexpectedByte) }
            try readAnyCharacter()
        }
    }

    private mutating func readInstruction() throws(XMLError) {
        let start = position
        position &+= 2
        let name = try readName()
        let target = String(decoding: text[Int(name.start)..<Int(name.end)], as: UTF8.self)
        // The declaration stands at the very beginning or nowhere.
        guard target.lowercased() != "xml" else { throw XMLError(.unexpectedByte, at: start) }
        guard position < text.count, XMLBytes.isSpace(text[position]) || starts(with: "?>") else {
            throw error(position < text.count ? .unexpectedByte : .truncated)
        }
        while !take("?>") { try readAnyCharacter() }
    }

    private mutating func readSection() throws(XMLError) {
        guard take("<![CDATA[") else { throw error(.unexpectedByte) }
        while !take("]]>") { try readAnyCharacter() }
    }

    private mutating func readAnyCharacter() throws(XMLError) {
        guard position < text.count else { throw error(.truncated) }
        try readCharacter()
    }

    // MARK: Bytes

    private func error(_ code: XMLError.Code) -> XMLError { XMLError(code, at: position) }

    @discardableResult
    private mutating func skipSpace() -> Bool {
        let start = position
        while position < text.count, XMLBytes.isSpace(text[position]) { position &+= 1 }
        return position > start
    }

    /// Passes over `word` where it stands here.
    private mutating func take(_ word: StaticString) -> Bool {
        guard starts(with: word) else { return false }
        position &+= word.utf8CodeUnitCount
        return true
    }

    private func starts(with word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard position &+ count <= text.count, text[position] == word.utf8Start[0] else { return false }
        return UnsafeRawBufferPointer(rebasing: text[position..<position &+ count]).isSame(as: word)
    }
}
