import Connector

/// A body of type `application/x-www-form-urlencoded`, or a query.
///
/// Decoded once and whole into memory of its own; used again, it allocates nothing. Percent codes become exactly the bytes they name,
/// `+` a space.
/// ```swift
/// try form.parse(request.body)
/// let isOurs = form.fields.withBytes(of: "key") { ConstantTime.equal($0, key) }
/// ```
package struct FormBody: NamedFields, Sendable {
    package private(set) var fields = FieldTable()

    /// A form without fields.
    package init() {}

    /// - Throws: `FieldError` `.badPercent`, or `.tooMany` beyond `fieldLimit`.
    package init(_ body: UnsafeRawBufferPointer, fieldLimit: Int = 256) throws(FieldError) {
        try parse(body, fieldLimit: fieldLimit)
    }

    /// Takes another form in place of the present one, keeping the memory.
    /// - Throws: `FieldError` `.badPercent`, or `.tooMany` beyond `fieldLimit`; the form then has no fields.
    package mutating func parse(_ body: UnsafeRawBufferPointer, fieldLimit: Int = 256) throws(FieldError) {
        try fields.readForm(body, fieldLimit: fieldLimit)
    }

    /// Reads a query string, without its `?`.
    /// - Throws: `FieldError`, or what `read` throws.
    package static func withQuery<Result>(_ query: String, _ read: (FormBody) throws -> Result) throws -> Result {
        var query = query
        return try read(query.withUTF8 { try FormBody(UnsafeRawBufferPointer($0)) })
    }

    package func bytes(of name: String) -> [UInt8]? { fields.bytes(of: name) }

    package var names: [String] { fields.names }
}

extension FieldTable {
    /// Takes the fields of a form in place of the present ones.
    /// - Throws: `FieldError`; the table is then empty.
    package mutating func readForm(_ body: UnsafeRawBufferPointer, fieldLimit: Int = 256) throws(FieldError) {
        guard body.count < Int(Int32.max) else { throw FieldError(.tooMany) }
        prepare(byteCount: body.count)
        let error = text.withUnsafeMutableBytes { output in
            var reader = FormReader(body, into: output, fieldLimit: fieldLimit)
            swap(&places, &reader.places)
            defer { swap(&places, &reader.places) }
            return reader.readAll()
        }
        guard let error else { return }
        removeAll()
        throw error
    }

    /// Takes the fields of a query string, without its `?`, in place of the present ones.
    /// - Throws: `FieldError`; the table is then empty.
    package mutating func readForm(_ query: String) throws(FieldError) {
        let outcome = Array(query.utf8).withUnsafeBytes { query in
            Result { () throws(FieldError) in try readForm(query) }
        }
        try outcome.get()
    }
}
