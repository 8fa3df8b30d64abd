/// A body of type `multipart/form-data` (RFC 7578), read in place.
///
/// What the RFC lets a sender leave out may be missing; transfer encodings, which it forbids, are not undone. Nested multiparts are
/// plain values. A view: it lives as long as the bytes it was given.
package struct MultipartBody: NamedFields {
    /// What a body may not exceed.
    package struct Limits: Sendable {
        package var parts: Int
        /// Bytes of one part's head.
        package var headByteCount: Int

        package init(parts: Int = 128, headByteCount: Int = 4096) {
            self.parts = parts
            self.headByteCount = headByteCount
        }
    }

    package struct Part: Sendable {
        package let name: String
        /// The sender's name of a file: never a path to open.
        package let filename: String?
        /// Where the value lies in the body.
        package let place: Range<Int>
    }

    private let body: UnsafeRawBufferPointer
    package let parts: [Part]

    /// - Parameter contentType: the header's value, with its `boundary`.
    /// - Throws: `FieldError` `.badBoundary`, `.badPart` or `.tooMany`.
    package init(_ body: UnsafeRawBufferPointer, contentType: String, limits: Limits = Limits()) throws(FieldError) {
        guard let boundary = HeaderParameters(contentType)["boundary"], Self.isBoundary(boundary) else {
            throw FieldError(.badBoundary)
        }
        var reader = MultipartReader(body, boundary: boundary, limits: limits)
        parts = try reader.readParts()
        self.body = body
    }

    package func bytes(of name: String) -> [UInt8]? {
        parts.last { $0.name == name }.map { Array(body[$0.place]) }
    }

    package var names: [String] { parts.map(\.name) }

    /// 1 to 70 characters of a small alphabet (RFC 2046 §5.1.1).
    private static func isBoundary(_ text: String) -> Bool {
        (1...70).contains(text.utf8.count) && text.utf8.last != UInt8(ascii: " ")
            && text.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }
    }
}

/// Walks from delimiter to delimiter.
private struct MultipartReader {
    let body: UnsafeRawBufferPointer
    /// `\r\n--boundary`; the first one may stand at the very start, without its line break.
    let delimiter: [UInt8]
    let limits: MultipartBody.Limits
    private var position = 0

    init(_ body: UnsafeRawBufferPointer, boundary: String, limits: MultipartBody.Limits) {
        self.body = body
        delimiter = Array("\r\n--\(boundary)".utf8)
        self.limits = limits
    }

    mutating func readParts() throws(FieldError) -> [MultipartBody.Part] {
        var parts: [MultipartBody.Part] = []
        if matches(delimiter.dropFirst(2), at: 0) {
            position = delimiter.count - 2
        } else {
            position = try nextDelimiter(from: 0) + delimiter.count
        }
        while try !atEnd() {
            guard parts.count < limits.parts else { throw FieldError(.tooMany, at: position) }
            parts.append(try readPart())
        }
        return parts
    }

    /// Behind a delimiter: true after the closing `--`, false when a part follows on the next line.
    private mutating func atEnd() throws(FieldError) -> Bool {
        if matches([UInt8(ascii: "-"), UInt8(ascii: "-")], at: position) { return true }
        while position < body.count, body[position] == 0x20 || body[position] == 0x09 { position += 1 }
        guard matches([0x0D, 0x0A], at: position) else { throw FieldError(.badPart, at: position) }
        position += 2
        return false
    }

    private mutating func readPart() throws(FieldError) -> MultipartBody.Part {
        var name: String?
        var filename: String?
        let headStart = position
        while let line = try takeLine(headStart) {
            let header = HeaderParameters(line)
            guard header.value.lowercased().hasPrefix("content-disposition:") else { continue }
            name = header["name"]
            filename = header["filename"]
        }
        guard let name else { throw FieldError(.badPart, at: headStart) }
        // An empty value's delimiter begins with the line break that ends the head.
        let start = position
        let end = try nextDelimiter(from: start - 2)
        position = end + delimiter.count
        return MultipartBody.Part(name: name, filename: filename, place: min(start, end)..<end)
    }

    /// The next line of a head, without its end; nil for the empty one behind it.
    private mutating func takeLine(_ headStart: Int) throws(FieldError) -> String? {
        let start = position
        while !matches([0x0D, 0x0A], at: position) {
            guard position < body.count else { throw FieldError(.badPart, at: start) }
            guard position - headStart < limits.headByteCount else { throw FieldError(.tooMany, at: start) }
            position += 1
        }
        defer { position += 2 }
        return position == start ? nil : String(decoding: body[start..<position], as: UTF8.self)
    }

    private func nextDelimiter(from start: Int) throws(FieldError) -> Int {
        var place = start
        while place + delimiter.count <= body.count {
            if body[place] == 0x0D, matches(delimiter[...], at: place) { return place }
            place += 1
        }
        throw FieldError(.badPart, at: start)
    }

    private func matches(_ bytes: some Collection<UInt8>, at place: Int) -> Bool {
        place + bytes.count <= body.count && body[place..<place + bytes.count].elementsEqual(bytes)
    }
}
