/// Why the fields of a body could not be read. Carries no part of the body.
package struct FieldError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// A `%` without two hexadecimal digits behind it.
        case badPercent
        /// More fields, or longer heads of parts, than the limit.
        case tooMany
        /// The content type names no boundary, or one that RFC 2046 §5.1.1 forbids.
        case badBoundary
        /// A part without a head, without a name, or without an end.
        case badPart
        /// A text that is no JSON object.
        case badJSON
        /// A content type that carries no fields.
        case unknownType
    }

    package let code: Code
    /// Bytes before the offending one.
    package let offset: Int

    package init(_ code: Code, at offset: Int = 0) {
        self.code = code
        self.offset = offset
    }

    package var description: String { "fields: \(code.rawValue) at byte \(offset)" }
}
