import Connector

/// Fields that a request carries by name, whatever the encoding: a form, or the parts of a multipart body.
///
/// PHP's brackets are part of the name: `string("wait_dtmf[name]")`. Of fields with the same name the last one counts, as in PHP.
package protocol NamedFields {
    /// The field's exact bytes after decoding; nil where there is none.
    func bytes(of name: String) -> [UInt8]?

    /// The names in the order of the body, repeated ones included.
    var names: [String] { get }
}

extension NamedFields {
    /// The field as text. What is not UTF-8 reads as U+FFFD: sign `bytes(of:)`, not this.
    package func string(_ name: String) -> String? {
        bytes(of: name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The field as a decimal integer; nil where there is none, or anything else stands there.
    package func int(_ name: String) -> Int? {
        bytes(of: name).flatMap { DecimalInteger.parse($0) }
    }
}
