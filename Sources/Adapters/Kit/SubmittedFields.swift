/// The fields of a body, whichever of the two encodings it has.
package enum SubmittedFields {
    /// Reads a form or a multipart body, by its content type; a body without one is a form.
    /// - Throws: `FieldError`.
    package static func parse(_ body: UnsafeRawBufferPointer, contentType: String?) throws(FieldError) -> FieldTable {
        var fields = FieldTable()
        try fields.read(body, contentType: contentType)
        return fields
    }
}

extension FieldTable {
    /// Takes the fields of a form or a multipart body, by its content type, in place of the present ones.
    /// - Throws: `FieldError`; the table is then empty.
    package mutating func read(_ body: UnsafeRawBufferPointer, contentType: String?) throws(FieldError) {
        let contentType = contentType ?? ""
        // What nearly all say, word for word.
        if contentType == "application/x-www-form-urlencoded" { return try readForm(body) }
        removeAll()
        switch HeaderParameters(contentType).value.lowercased() {
        case "multipart/form-data": try readMultipart(body, contentType: contentType)
        case "application/x-www-form-urlencoded", "": try readForm(body)
        default: throw FieldError(.unknownType)
        }
    }

    private mutating func readMultipart(_ body: UnsafeRawBufferPointer, contentType: String) throws(FieldError) {
        guard body.count < Int(Int32.max) else { throw FieldError(.tooMany) }
        for part in try MultipartBody(body, contentType: contentType).parts {
            append(name: part.name.utf8, value: UnsafeRawBufferPointer(rebasing: body[part.place]))
        }
    }
}
