import Connector

/// One step from a vendor's text to ours. A closed list: no conditions, no patterns, no arithmetic.
///
/// A step that cannot be taken gives nothing, and nothing stays nothing until a `default` comes.
enum MappedFilter: Sendable, Equatable {
    /// Decimal digits only.
    case digits
    /// An international number, with or without `+`, spaces, dashes and brackets: `+79000000101`; nothing for anything else.
    case e164
    case lower
    /// Without blanks at both ends.
    case trim
    /// Without that beginning, where it begins so.
    case cutPrefix(String)
    /// Without that end, where it ends so.
    case cutSuffix(String)
    /// What stands before the first such text; the whole where there is none.
    case before(String)
    /// What stands behind the first such text; the whole where there is none.
    case after(String)
    /// Another word for a word; nothing for a word that the table does not know.
    case map([String: String])
    /// That, where there is nothing.
    case standard(String)

    /// The names of those that stand alone, and of those with an argument.
    static let plain: [String: MappedFilter] = ["digits": .digits, "e164": .e164, "lower": .lower, "trim": .trim]
    static let withArgument = ["cut_prefix", "cut_suffix", "before", "after", "map", "default"]
    static let names = ["digits", "e164", "lower", "trim"] + withArgument

    /// Filters a file names beside these: how a time is written.
    static let timeNames = ["epoch_s", "epoch_ms", "epoch_us", "rfc3339", "local_time"]

    func apply(_ text: String?) -> String? {
        guard let text else {
            if case .standard(let standard) = self { return standard }
            return nil
        }
        switch self {
        case .digits: return Self.nonEmpty(String(decoding: text.utf8.filter(Self.isDigit), as: UTF8.self))
        case .e164: return Self.international(text)
        case .lower: return text.lowercased()
        case .trim: return Self.nonEmpty(Self.trimmed(text))
        case .cutPrefix(let prefix): return text.hasPrefix(prefix) ? Self.nonEmpty(String(text.dropFirst(prefix.count))) : text
        case .cutSuffix(let suffix): return text.hasSuffix(suffix) ? Self.nonEmpty(String(text.dropLast(suffix.count))) : text
        case .before(let mark): return Self.nonEmpty(Self.split(text, at: mark)?.before ?? text)
        case .after(let mark): return Self.nonEmpty(Self.split(text, at: mark)?.after ?? text)
        case .map(let table): return table[text]
        case .standard: return text
        }
    }

    // MARK: Steps

    private static func nonEmpty(_ text: String) -> String? { text.isEmpty ? nil : text }

    private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

    /// 7 to 15 digits, as ITU-T E.164 allows; what people put between them goes.
    private static func international(_ text: String) -> String? {
        let separators = Array(" -()".utf8)
        var bytes = text.utf8.filter { !separators.contains($0) }
        if bytes.first == UInt8(ascii: "+") { bytes.removeFirst() }
        guard (7...15).contains(bytes.count), bytes.allSatisfy(isDigit), bytes.first != UInt8(ascii: "0") else { return nil }
        return "+" + String(decoding: bytes, as: UTF8.self)
    }

    private static func trimmed(_ text: String) -> String {
        let isBlank: (UInt8) -> Bool = { $0 == 0x20 || (0x09...0x0D).contains($0) }
        let bytes = Array(text.utf8)
        guard let first = bytes.firstIndex(where: { !isBlank($0) }), let last = bytes.lastIndex(where: { !isBlank($0) }) else {
            return ""
        }
        return String(decoding: bytes[first...last], as: UTF8.self)
    }

    /// Texts and marks are short (`MappedValue.limit`, `MappingReader.textLimit`), so the plain search will do.
    private static func split(_ text: String, at mark: String) -> (before: String, after: String)? {
        let bytes = Array(text.utf8)
        let mark = Array(mark.utf8)
        guard bytes.count >= mark.count else { return nil }
        for start in 0...(bytes.count - mark.count) where bytes[start..<start + mark.count].elementsEqual(mark) {
            return (
                String(decoding: bytes[..<start], as: UTF8.self), String(decoding: bytes[(start + mark.count)...], as: UTF8.self)
            )
        }
        return nil
    }
}
