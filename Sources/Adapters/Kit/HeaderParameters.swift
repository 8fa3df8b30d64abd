/// A header's value with parameters behind it: `form-data; name="json"; filename="a;b"`.
package struct HeaderParameters {
    /// What stands before the first semicolon, trimmed.
    package let value: String
    private var parameters: [(name: String, value: String)] = []

    /// Total: what is no parameter is passed over; of those with the same name the first counts.
    package init(_ text: String) {
        let fields = Self.split(Array(text.utf8))
        value = String(decoding: fields[0], as: UTF8.self)
        for field in fields.dropFirst() {
            guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { continue }
            let name = String(decoding: Self.trim(field[..<equals]), as: UTF8.self).lowercased()
            parameters.append((name, Self.unquote(Self.trim(field[(equals + 1)...]))))
        }
    }

    /// The parameter of that lowercase name, without its quotes.
    package subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

    /// Splits at the semicolons outside quotes; at least one field.
    private static func split(_ text: [UInt8]) -> [ArraySlice<UInt8>] {
        var fields: [ArraySlice<UInt8>] = []
        var start = 0
        var isQuoted = false
        var isEscaped = false
        for (place, byte) in text.enumerated() {
            if byte == UInt8(ascii: ";"), !isQuoted {
                fields.append(trim(text[start..<place]))
                start = place + 1
                isEscaped = false
                continue
            }
            if byte == UInt8(ascii: "\""), !isEscaped { isQuoted.toggle() }
            isEscaped = isQuoted && byte == UInt8(ascii: "\\") && !isEscaped
        }
        return fields + [trim(text[start...])]
    }

    /// Browsers write a quote in a name as `%22`, others as `\"`: the latter is undone.
    private static func unquote(_ text: ArraySlice<UInt8>) -> String {
        let quote = UInt8(ascii: "\"")
        guard text.count >= 2, text.first == quote, text.last == quote else { return String(decoding: text, as: UTF8.self) }
        var plain: [UInt8] = []
        var isEscaped = false
        for byte in text.dropFirst().dropLast() {
            isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
            if !isEscaped { plain.append(byte) }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    private static func trim(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let isSpace: (UInt8) -> Bool = { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
        guard let first = text.firstIndex(where: { !isSpace($0) }), let last = text.lastIndex(where: { !isSpace($0) }) else {
            return []
        }
        return text[first...last]
    }
}
