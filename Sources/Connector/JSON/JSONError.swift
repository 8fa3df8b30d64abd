/// Why a text is not the JSON that was asked for, and where.
///
/// Carries no part of the text: it may hold secrets or phone numbers.
package struct JSONError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The text ended within a value.
        case truncated
        /// A byte that RFC 8259 does not allow in this place.
        case unexpectedByte
        /// A number with a leading zero, a lone minus, a bare point or exponent.
        case badNumber
        /// A control byte within a string (RFC 8259 §7).
        case controlByte
        /// A backslash that begins no known escape.
        case badEscape
        /// Bytes that are not UTF-8 (RFC 3629), overlong and surrogate forms included.
        case badUTF8
        /// Arrays and objects within one another beyond the limit.
        case tooDeep
        /// More bytes than the limit.
        case tooLarge
        /// Something after the end of the value.
        case trailingBytes
    }

    package let code: Code
    /// Bytes before the offending one.
    package let offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    package var description: String { "JSON: \(code.rawValue) at byte \(offset)" }
}
