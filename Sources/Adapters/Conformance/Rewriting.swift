import Connector

/// The same request in other bytes, which a reader of the format takes for the same.
enum Rewriting: String, CaseIterable {
    /// Letters and digits of a form's values as `%41` (WHATWG URL §1.3).
    case percentEncoded = "every letter of the form percent-encoded"
    /// Letters and digits within JSON's texts as `\u0041` (RFC 8259 §7).
    case escaped = "every letter of the JSON's texts escaped"
    /// Letters and digits of XML's texts as `&#65;` (XML 1.0 §4.1).
    case referenced = "every letter of the XML's texts as a reference"
    /// The type's parameter that says what is so anyhow.
    case charset = "the type with a charset"

    func rewrite(_ request: RecordedRequest) -> RecordedRequest {
        var rewritten = request
        switch self {
        case .percentEncoded:
            if BodyFormat(request) == .form { rewritten.body = Self.percentEncoded(request.body) }
            rewritten.query = String(decoding: Self.percentEncoded(Array(request.query.utf8)), as: UTF8.self)
        case .escaped:
            if BodyFormat(request) == .json { rewritten.body = Self.escaped(request.body) }
        case .referenced:
            if BodyFormat(request) == .xml { rewritten.body = Self.referenced(request.body) }
        case .charset:
            rewritten.headers = request.headers.map(Self.withCharset)
        }
        return rewritten
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"):
            true
        default: false
        }
    }

    private static func hexadecimal(_ byte: UInt8) -> [UInt8] {
        let digits = Array("0123456789abcdef".utf8)
        return [digits[Int(byte >> 4)], digits[Int(byte & 15)]]
    }

    /// Names stay as they are, and so do the escapes that are there.
    private static func percentEncoded(_ form: [UInt8]) -> [UInt8] {
        var rewritten: [UInt8] = []
        var isValue = false
        var escapeRest = 0
        for byte in form {
            if byte == UInt8(ascii: "&") { isValue = false }
            if isValue, escapeRest == 0, isPlain(byte) {
                rewritten += [UInt8(ascii: "%")] + hexadecimal(byte)
            } else {
                rewritten.append(byte)
            }
            escapeRest = byte == UInt8(ascii: "%") ? 2 : max(0, escapeRest - 1)
            if byte == UInt8(ascii: "=") { isValue = true }
        }
        return rewritten
    }

    private static func escaped(_ json: [UInt8]) -> [UInt8] {
        var rewritten: [UInt8] = []
        var isText = false
        var escapeRest = 0
        for (place, byte) in json.enumerated() {
            if byte == UInt8(ascii: "\""), escapeRest == 0 { isText.toggle() }
            if isText, escapeRest == 0, isPlain(byte) {
                rewritten += Array("\\u00".utf8) + hexadecimal(byte)
            } else {
                rewritten.append(byte)
            }
            if escapeRest > 0 {
                escapeRest -= 1
            } else if byte == UInt8(ascii: "\\") {
                let isUnicode = place + 1 < json.count && json[place + 1] == UInt8(ascii: "u")
                escapeRest = isUnicode ? 5 : 1
            }
        }
        return rewritten
    }

    /// Texts between tags; within a CDATA section a reference would be none.
    private static func referenced(_ xml: [UInt8]) -> [UInt8] {
        guard !xml.contains(sequence: "<![CDATA[") else { return xml }
        var rewritten: [UInt8] = []
        var isText = false
        var isReference = false
        for byte in xml {
            if byte == UInt8(ascii: "<") { isText = false }
            if byte == UInt8(ascii: "&") { isReference = true }
            if isText, !isReference, isPlain(byte) {
                rewritten += Array("&#\(byte);".utf8)
            } else {
                rewritten.append(byte)
            }
            if byte == UInt8(ascii: ";") { isReference = false }
            if byte == UInt8(ascii: ">") { isText = true }
        }
        return rewritten
    }

    private static func withCharset(_ header: HeaderField) -> HeaderField {
        let isBare = header.name == "content-type" && !header.value.contains(";")
        return isBare ? HeaderField(name: header.name, value: header.value + ";charset=utf-8") : header
    }
}

/// What a body is written in, as far as its first bytes and its type say.
enum BodyFormat {
    case form, json, xml, other

    init(_ request: RecordedRequest) {
        let type = request.headers.first { $0.name == "content-type" }?.value.lowercased() ?? ""
        switch request.body.first {
        case UInt8(ascii: "{"): self = .json
        case UInt8(ascii: "<") where type.contains("xml"): self = .xml
        case _? where type.isEmpty || type.contains("urlencoded"): self = .form
        default: self = .other
        }
    }
}

/// Bytes that are no text of the format: something must become of them, and nothing wrong.
enum Spoiling: String, CaseIterable {
    case invalidUTF8 = "bytes that are no UTF-8"
    case nullByte = "a zero byte"
    case cyrillic = "windows-1251"
    case utf16 = "UTF-16"
    case byteOrderMark = "a byte order mark before it"

    func spoil(_ request: RecordedRequest, _ dice: inout Dice) -> RecordedRequest {
        var spoiled = request
        let place = Int.random(in: 0...request.body.count, using: &dice)
        switch self {
        case .invalidUTF8: spoiled.body.insert(contentsOf: [0xC3, 0x28, 0xFF], at: place)
        case .nullByte: spoiled.body.insert(0, at: place)
        case .cyrillic: spoiled.body.insert(contentsOf: [0xCF, 0xF0, 0xE8], at: place)
        case .utf16: spoiled.body = request.body.flatMap { [$0, 0] }
        case .byteOrderMark: spoiled.body.insert(contentsOf: [0xEF, 0xBB, 0xBF], at: 0)
        }
        return spoiled
    }
}

extension [UInt8] {
    fileprivate func contains(sequence: StaticString) -> Bool {
        let wanted = Array(sequence.description.utf8)
        return indices.contains { self[$0...].starts(with: wanted) }
    }
}
