import Connector

/// One message of Asterisk's manager interface: lines `Key: Value`, as received.
///
/// Keys may repeat and differ in case from one version to the next; values may be empty, hold colons, or be no valid UTF-8. Nothing is
/// copied until somebody asks for it.
struct ManagerMessage: Sendable {
    /// Without the empty line that ends it.
    let bytes: ArraySlice<UInt8>
    private let fields: [Field]

    private struct Field: Sendable {
        let key: Range<Int>
        let value: Range<Int>
    }

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        var fields: [Field] = []
        fields.reserveCapacity(32)
        bytes.withUnsafeBufferPointer { text in
            var start = 0
            while start < text.count {
                var end = start
                var colon = -1
                while end < text.count, text[end] != ManagerByte.lineFeed {
                    if colon < 0, text[end] == ManagerByte.colon { colon = end }
                    end += 1
                }
                if colon > start { fields.append(Self.field(of: text, from: start, colon: colon, to: end)) }
                start = end + 1
            }
        }
        self.fields = fields
    }

    /// A message made of its lines.
    init(_ lines: [(key: String, value: String)]) {
        self.init(ArraySlice(Self.text(lines)))
    }

    /// One space behind the colon belongs to the colon, a carriage return to the line's end.
    private static func field(of text: UnsafeBufferPointer<UInt8>, from start: Int, colon: Int, to end: Int) -> Field {
        var end = end
        if end > colon + 1, text[end - 1] == ManagerByte.carriageReturn { end -= 1 }
        let value = colon + 1 < end && text[colon + 1] == ManagerByte.space ? colon + 2 : colon + 1
        return Field(key: start..<colon, value: value..<max(value, end))
    }

    /// The first value of that key, whatever its case; `nil` where it is absent, empty or `<unknown>`, which is how Asterisk writes
    /// that there is none.
    subscript(_ key: StaticString) -> String? {
        bytes.withUnsafeBufferPointer { text in
            for field in fields where Self.isKey(text, field.key, key) {
                let value = UnsafeBufferPointer(rebasing: text[field.value])
                guard !value.isEmpty, !Self.isUnknown(value) else { return nil }
                return String(decoding: value, as: UTF8.self)
            }
            return nil
        }
    }

    /// Whether there is such a line.
    func holds(_ key: StaticString) -> Bool {
        bytes.withUnsafeBufferPointer { text in fields.contains { Self.isKey(text, $0.key, key) } }
    }

    /// All values of that key, in order, empty ones too.
    func all(_ key: StaticString) -> [String] {
        bytes.withUnsafeBufferPointer { text in
            fields.filter { Self.isKey(text, $0.key, key) }.map { String(decoding: text[$0.value], as: UTF8.self) }
        }
    }

    /// The first line, which says what kind of message it is.
    var head: (key: String, value: String) {
        guard let first = fields.first else { return ("", "") }
        return bytes.withUnsafeBufferPointer { text in
            (String(decoding: text[first.key], as: UTF8.self), String(decoding: text[first.value], as: UTF8.self))
        }
    }

    private static func isKey(_ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, _ key: StaticString) -> Bool {
        guard range.count == key.utf8CodeUnitCount else { return false }
        for index in 0..<range.count {
            let left = text[range.lowerBound + index]
            let right = key.utf8Start[index]
            // Letters differ in case by one bit; a key holds letters only, so that nothing else is mistaken for one.
            guard left == right || (left ^ right == 0x20 && (0x61...0x7A).contains(left | 0x20)) else { return false }
        }
        return true
    }

    private static func isUnknown(_ value: UnsafeBufferPointer<UInt8>) -> Bool {
        value.count == 9 && value[0] == UInt8(ascii: "<") && value.elementsEqual("<unknown>".utf8)
    }

    /// The bytes of a message with these lines, without the empty one.
    static func text(_ lines: [(key: String, value: String)]) -> [UInt8] {
        var text: [UInt8] = []
        for line in lines {
            text += line.key.utf8
            text += [ManagerByte.colon, ManagerByte.space]
            text += line.value.utf8
            text += [ManagerByte.carriageReturn, ManagerByte.lineFeed]
        }
        return text
    }
}

enum ManagerByte {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let colon = UInt8(ascii: ":")
    static let space = UInt8(ascii: " ")
}

extension ManagerMessage {
    /// When it happened, where the server says so (`timestampevents = yes`): seconds since 1970 with six digits behind the point.
    var timestamp: Instant? {
        guard let text = self["Timestamp"] else { return nil }
        let parts = text.split(separator: ".", maxSplits: 1)
        guard let seconds = parts.first.flatMap({ Int64($0) }), (0...253_402_300_799).contains(seconds) else { return nil }
        let digits = parts.count > 1 ? parts[1].prefix(3) : ""
        var fraction: Int64 = 0
        for index in 0..<3 {
            let digit = index < digits.utf8.count ? Int64(Array(digits.utf8)[index]) - 0x30 : 0
            guard (0...9).contains(digit) else { return nil }
            fraction = fraction * 10 + digit
        }
        return Instant(milliseconds: seconds * 1000 + fraction)
    }
}
