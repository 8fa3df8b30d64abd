import AdapterKit
import Connector

/// A form or a query that came to a double; nothing where it cannot be read.
struct DoubleForm {
    private var fields = FieldTable()

    init(_ text: String) {
        do {
            try fields.readForm(text)
        } catch {
            fields.removeAll()
        }
    }

    subscript(name: String) -> String? { fields.string(name) }
}
