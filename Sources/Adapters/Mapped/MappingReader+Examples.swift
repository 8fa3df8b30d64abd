import AdapterKit
import Connector

/// Reading what the file says should become of some requests.
extension MappingReader {
    private static let exampleLimit = 64

    mutating func readExamples(_ field: SettingTree.Field?, into mapping: inout Mapping) {
        guard let field else { return }
        guard let list = field.value.list, list.count <= Self.exampleLimit else {
            return note(
                "`examples` is no list of up to \(Self.exampleLimit)", hint: "write `- name: …` with `requests` and `record`",
                at: field.value.place)
        }
        mapping.examples = list.compactMap { example($0) }
    }

    private mutating func example(_ tree: SettingTree) -> AdapterExample? {
        guard let fields = section(tree, called: "examples", known: ["name", "requests", "record"]) else { return nil }
        for name in ["name", "requests"] where fields[name] == nil {
            missing(name, "examples", hint: "an example has `name`, `requests` and `record`", at: tree.place)
        }
        guard let name = text(fields["name"]), let requests = fields["requests"] else { return nil }
        return AdapterExample(
            name: name, place: tree.place, requests: list(requests).compactMap { request($0) },
            expectations: fields["record"].map { expectations($0) } ?? [])
    }

    private mutating func request(_ tree: SettingTree) -> RawRecord? {
        let known = ["received_at", "method", "query", "headers", "body", "form"]
        guard let fields = section(tree, called: "requests", known: known) else { return nil }
        guard let time = fields["received_at"], let text = text(time), let receivedAt = Instant(rfc3339: text) else {
            note(
                "a request has no `received_at` that can be read", hint: "write RFC 3339, as in 2026-11-02T07:15:20Z",
                at: fields["received_at"]?.value.place ?? tree.place)
            return nil
        }
        var raw = RawRecord(
            id: RawID(time: receivedAt, rest: 0), connection: settings.connection, receivedAt: receivedAt, body: [])
        raw.method = self.text(fields["method"]) ?? "POST"
        raw.query = self.text(fields["query"]) ?? ""
        for (name, value) in pairs(fields["headers"]) { raw.headers.append(HeaderField(name: name.lowercased(), value: value)) }
        if let form = fields["form"] {
            raw.body = Array(FormEncoding.encode(pairs(form)).utf8)
            if let body = fields["body"] { note("a request has `form` and `body`", hint: "keep one of them", at: body.place) }
        } else if let body = fields["body"]?.value.text, body.utf8.count <= 64 << 10 {
            raw.body = Array(body.utf8)
        } else if let body = fields["body"] {
            note("`body` is no text of up to 64 KB", hint: "put it in single quotes, or write `form:`", at: body.value.place)
        }
        return raw
    }

    /// Names and texts of a mapping, in the order of the file.
    private mutating func pairs(_ field: SettingTree.Field?) -> [(name: String, value: String)] {
        guard let field else { return [] }
        guard let fields = field.value.fields else {
            note("`\(field.name)` is \(field.value.kind)", hint: "write `name: value` pairs", at: field.value.place)
            return []
        }
        return fields.compactMap { pair in text(pair).map { (pair.name, $0) } }
    }

    private mutating func expectations(_ field: SettingTree.Field) -> [AdapterExample.Expectation] {
        guard let fields = field.value.fields else {
            note("`record` is \(field.value.kind)", hint: "write `disposition: answered` and the like", at: field.value.place)
            return []
        }
        return fields.compactMap { field in
            if case .nothing = field.value.content {
                return AdapterExample.Expectation(path: field.name, value: nil, place: field.place)
            }
            return text(field).map { AdapterExample.Expectation(path: field.name, value: $0, place: field.place) }
        }
    }
}
