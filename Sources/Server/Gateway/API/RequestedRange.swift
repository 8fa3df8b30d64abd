/// What a `Range` header asks for of something of known length (RFC 9110 §14.2).
enum RequestedRange: Equatable {
    /// No range, or one that may be left unheeded: another unit, several ranges, no range by its form.
    case whole
    /// These bytes; never empty.
    case part(Range<Int64>)
    case unsatisfiable

    init(_ header: String?, of byteCount: Int64) {
        guard let header, header.lowercased().hasPrefix("bytes=") else {
            self = .whole
            return
        }
        let ends = header.dropFirst(6).filter { $0 != " " && $0 != "\t" }.split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]) else {
            self = .whole
            return
        }
        self = Self.range(first, last, of: byteCount)
    }

    private enum End {
        case absent
        case at(Int64)
    }

    private static func range(_ first: End, _ last: End, of byteCount: Int64) -> RequestedRange {
        switch (first, last) {
        case (.absent, .absent): .whole
        case (.absent, .at(let count)):
            count > 0 && byteCount > 0 ? .part(max(0, byteCount - count)..<byteCount) : .unsatisfiable
        case (.at(let start), .absent): start < byteCount ? .part(start..<byteCount) : .unsatisfiable
        case (.at(let start), .at(let end)):
            end < start ? .whole : start < byteCount ? .part(start..<min(end, byteCount - 1) + 1) : .unsatisfiable
        }
    }

    /// Digits and nothing else; what is beyond 63 bits is as good as their end.
    private static func number(_ text: Substring) -> End? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return text.isEmpty ? .absent : .at(Int64(text) ?? .max)
    }
}
