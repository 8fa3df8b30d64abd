/// Why a text is not the XML that was asked for, and where.
///
/// Carries no part of the text: it may hold phone numbers.
package struct XMLError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The text ended within an element, a tag, a comment or a section.
        case truncated
        /// A byte that XML 1.0 does not allow in this place.
        case unexpectedByte
        /// A name that begins or goes on as none may, or has two colons.
        case badName
        /// `&` that begins none of the five predefined entities and no character's number. Others cannot be: there is no DTD.
        case badReference
        /// A control character, or the number of one (XML 1.0 §2.2).
        case badCharacter
        /// Bytes that are not UTF-8.
        case badUTF8
        /// A declaration of another encoding than UTF-8, or the byte order mark of UTF-16.
        case badEncoding
        /// An end tag of another name than the element that is open.
        case mismatchedTag
        /// An element names the same attribute twice.
        case duplicateAttribute
        /// A document type declaration: refused, whatever it says.
        case doctype
        /// Elements within one another beyond the limit.
        case tooDeep
        /// More elements, or more attributes of one, than the limit.
        case tooMany
        /// More bytes than the limit.
        case tooLarge
        /// Something other than comments and spaces behind the root element.
        case trailingBytes
    }

    package let code: Code
    /// Bytes before the offending one.
    package let offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    package var description: String { "XML: \(code.rawValue) at byte \(offset)" }
}
