// How the values of the model stand in JSON.

extension JSONWriter {
    package mutating func value<Subject>(_ id: Identifier<Subject>) {
        plainText(atMost: Identifier<Subject>.textLimit, id.write(to:))
    }

    package mutating func value(_ moment: Instant) { plainText(atMost: Instant.textLength, moment.writeRFC3339(to:)) }

    package mutating func field<Subject>(_ name: StaticString, _ id: Identifier<Subject>?) {
        self.name(name)
        if let id { value(id) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ moment: Instant?) {
        self.name(name)
        if let moment { value(moment) } else { null() }
    }

    package mutating func field<Word: RawRepresentable>(_ name: StaticString, _ word: Word?) where Word.RawValue == String {
        field(name, word?.rawValue)
    }

    /// An array, each element written by `write`.
    package mutating func array<Element>(
        _ name: StaticString, _ elements: some Sequence<Element>, _ write: (Element, inout JSONWriter) -> Void
    ) {
        beginArray(name)
        for element in elements { write(element, &self) }
        endArray()
    }

    /// An object, or null.
    package mutating func object<Value>(_ name: StaticString, _ value: Value?, _ write: (Value, inout JSONWriter) -> Void) {
        guard let value else { return nullField(name) }
        beginObject(name)
        write(value, &self)
        endObject()
    }
}
