import Connector

/// A record's headers as one blob: name and value in turn, each a length (LEB128, 7 bits a byte, lowest first) and UTF-8.
enum HeaderCoding {
    static func encode(_ headers: [HeaderField]) -> [UInt8] {
        var bytes: [UInt8] = []
        for header in headers {
            append(header.name, to: &bytes)
            append(header.value, to: &bytes)
        }
        return bytes
    }

    /// - Throws: `.corrupt` for anything that `encode` does not write.
    static func decode(_ bytes: [UInt8]) throws(JournalError) -> [HeaderField] {
        var headers: [HeaderField] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let name = try text(from: &rest)
            headers.append(HeaderField(name: name, value: try text(from: &rest)))
        }
        return headers
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        var count = text.utf8.count
        while count >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: count) | 0x80)
            count >>= 7
        }
        bytes.append(UInt8(count))
        bytes.append(contentsOf: text.utf8)
    }

    private static func text(from rest: inout ArraySlice<UInt8>) throws(JournalError) -> String {
        var count = 0
        for shift in stride(from: 0, through: 28, by: 7) {
            guard let byte = rest.popFirst() else { break }
            count |= Int(byte & 0x7F) << shift
            guard byte & 0x80 == 0 else { continue }
            guard count <= rest.count else { break }
            defer { rest = rest.dropFirst(count) }
            return String(decoding: rest.prefix(count), as: UTF8.self)
        }
        throw JournalError(.corrupt, "the headers of a record are cut off")
    }
}
