import Connector

extension FieldTable {
    /// Takes the fields of a form, or the members of a JSON object, in place of the present ones.
    ///
    /// What begins with a brace is JSON, whatever the content type says: for vendors whose documents say one and whose servers
    /// send the other.
    /// - Throws: `FieldError`; the table is then empty.
    package mutating func readFormOrJSON(_ body: UnsafeRawBufferPointer) throws(FieldError) {
        let first = body.first { $0 > UInt8(ascii: " ") }
        guard first == UInt8(ascii: "{") else { return try readForm(body) }
        try readJSON(body)
    }

    /// Takes the members of a JSON object in place of the present fields: texts as they mean, numbers and truth values as
    /// written, arrays and objects as their JSON text. `null` is no field.
    /// - Throws: `FieldError` `.badJSON`, or `.tooMany` beyond `fieldLimit`; the table is then empty.
    package mutating func readJSON(_ body: UnsafeRawBufferPointer, fieldLimit: Int = 256) throws(FieldError) {
        removeAll()
        var json = JSONText()
        do {
            try json.parse(body)
        } catch {
            throw FieldError(.badJSON, at: error.offset)
        }
        guard json.root.isObject else { throw FieldError(.badJSON) }
        let members = json.root.members
        guard members.count <= fieldLimit else { throw FieldError(.tooMany) }
        for (name, value) in members where !value.isNull {
            if let text = value.string {
                append(name: name.utf8, value: text.utf8)
            } else {
                append(name: name.utf8, value: value.source)
            }
        }
    }
}
