import AdapterKit
import Connector

/// Reading what is asked of the vendor, and how.
extension MappingReader {
    private static let capabilities: [Capability] = [
        .originate, .hangup, .hold, .resume, .dtmf, .blindTransfer, .attendedTransfer, .recordStart, .recordStop, .recordings,
        .history,
    ]

    mutating func readCommands(_ field: SettingTree.Field?, headers: SettingTree.Field?, into mapping: inout Mapping) {
        mapping.commandHeaders = headers.map { self.headers($0, known: [.apiKey, .apiUser, .apiBasic]) } ?? []
        guard let field else { return }
        need("base_url", for: "`commands`", at: field.place)
        let names = Self.capabilities.map(\.rawValue)
        guard let fields = section(field.value, called: field.name, known: names) else { return }
        for capability in Self.capabilities {
            guard let field = fields[capability.rawValue] else { continue }
            mapping.commands[capability] = command(field, capability)
        }
        let places = mapping.commands.values.flatMap(\.places) + mapping.commandHeaders.flatMap(\.template.places)
        if places.contains(where: { $0 == .apiKey || $0 == .apiBasic }) { need("api_key", for: "`commands`", at: field.place) }
        if places.contains(where: { $0 == .apiUser || $0 == .apiBasic }) { need("api_user", for: "`commands`", at: field.place) }
    }

    private mutating func command(_ field: SettingTree.Field, _ capability: Capability) -> MappedCommand? {
        let keys = ["method", "path", "query", "headers", "form", "json", "answer"]
        guard let fields = section(field.value, called: field.name, known: keys) else { return nil }
        let known = Placeholder.known(to: capability)
        for name in ["method", "path"] where fields[name] == nil {
            missing(name, field.name, hint: "a command has `method: POST` and `path: /…`", at: field.place)
        }
        let method = word(fields["method"], of: MappedCommand.Method.self)
        let path = fields["path"].flatMap { self.path($0, known) }
        let query = fields["query"].map { self.fields($0, known) } ?? []
        let headers = fields["headers"].map { self.headers($0, known: known) } ?? []
        let body = body(fields, known)
        let answer = fields["answer"].map { self.answer($0) } ?? MappedCommand.Answer()
        guard let method, let path else { return nil }
        if capability == .recordings, method != .get {
            note("a recording is fetched with GET", hint: "write `method: GET`", at: fields["method"]?.value.place ?? field.place)
        }
        if method == .get, body != .none {
            note("a GET has no body", hint: "move it to `query`", at: field.place)
        }
        return MappedCommand(method: method, path: path, query: query, headers: headers, body: body, answer: answer)
    }

    // MARK: Parts

    /// A path on the server of `base_url`: it cannot lead to another host.
    private mutating func path(_ field: SettingTree.Field, _ known: Set<Placeholder>) -> MappedTemplate? {
        guard let template = template(field, known) else { return nil }
        let literals = template.parts.map { if case .text(let text) = $0 { text } else { "" } }.joined()
        let isPlain = literals.utf8.allSatisfy { (0x21...0x7E).contains($0) && !#"?#\"<>^`{|}"#.utf8.contains($0) }
        let segments = literals.split(separator: "/")
        guard case .text(let first)? = template.parts.first, first.hasPrefix("/"), !first.hasPrefix("//"), isPlain,
            !segments.contains("."), !segments.contains("..")
        else {
            note(
                "`path` is no path on the server of `base_url`",
                hint: "begin with one slash, percent-encode, and put the query under `query:`", at: field.value.place)
            return nil
        }
        return template
    }

    private mutating func template(_ field: SettingTree.Field, _ known: Set<Placeholder>) -> MappedTemplate? {
        guard let text = text(field) else { return nil }
        do {
            return try MappedTemplate(text, known: known)
        } catch {
            note("`\(field.name)`: \(error.text)", hint: error.hint, at: field.value.place)
            return nil
        }
    }

    private mutating func fields(_ field: SettingTree.Field, _ known: Set<Placeholder>) -> [MappedField] {
        guard let fields = field.value.fields, fields.count <= Self.countLimit else {
            note("`\(field.name)` is \(field.value.kind)", hint: "write `name: value` pairs", at: field.value.place)
            return []
        }
        return fields.compactMap { pair in template(pair, known).map { MappedField(name: pair.name, template: $0) } }
    }

    private mutating func headers(_ field: SettingTree.Field, known: Set<Placeholder>) -> [MappedField] {
        fields(field, known).filter { header in
            guard let name = headerName(header.name, at: field.value.place) else { return false }
            let literals = header.template.parts.map { if case .text(let text) = $0 { text } else { "" } }.joined()
            if OutgoingHeaders.ofTheClient.contains(name) {
                note("the header `\(header.name)` is written by the gateway", hint: "remove it", at: field.value.place)
            } else if !literals.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
                note("the header `\(header.name)` is no plain ASCII", hint: "mend it", at: field.value.place)
            } else {
                return true
            }
            return false
        }
    }

    private mutating func body(_ fields: [String: SettingTree.Field], _ known: Set<Placeholder>) -> MappedCommand.Body {
        if let json = fields["json"] {
            if let form = fields["form"] { note("a command has `form` and `json`", hint: "keep one of them", at: form.place) }
            return self.json(json.value, called: json.name, known).map { .json($0) } ?? .none
        }
        return fields["form"].map { .form(self.fields($0, known)) } ?? .none
    }

    /// What is written without quotes and looks like a number or truth value is one.
    private mutating func json(_ tree: SettingTree, called name: String, _ known: Set<Placeholder>) -> MappedJSON? {
        switch tree.content {
        case .nothing: return .value(.null)
        case .list(let list): return .list(list.compactMap { json($0, called: name, known) })
        case .fields(let fields):
            return .object(fields.compactMap { field in json(field.value, called: field.name, known).map { (field.name, $0) } })
        case .text("true", isPlain: true): return .value(.bool(true))
        case .text("false", isPlain: true): return .value(.bool(false))
        case .text(let text, isPlain: true):
            // As written: 007 is no number of JSON, but a text.
            if let number = DecimalInteger.parse(text.utf8), String(number) == text { return .value(.number(text)) }
        case .text: break
        }
        return template(SettingTree.Field(name: name, place: tree.place, value: tree), known).map { .text($0) }
    }

    private mutating func answer(_ field: SettingTree.Field) -> MappedCommand.Answer {
        guard let fields = section(field.value, called: field.name, known: ["call", "code", "ok"]) else {
            return MappedCommand.Answer()
        }
        var answer = MappedCommand.Answer()
        answer.call = fields["call"].flatMap { answerPath($0) }
        answer.code = fields["code"].flatMap { answerPath($0) }
        if let ok = fields["ok"] {
            answer.successes = list(ok).compactMap { text($0, called: "ok") }
            if answer.code == nil {
                note("`ok` lists codes of nothing", hint: "say with `code:` where the code stands", at: ok.place)
            }
        }
        return answer
    }

    mutating func answerPath(_ field: SettingTree.Field) -> [String]? {
        guard let value = value(field) else { return nil }
        if case .body(let steps) = value.source, value.filters.isEmpty { return steps }
        note(
            "`\(field.name)` is no path", hint: "write where it stands in the answer's JSON, as in data.id", at: field.value.place
        )
        return nil
    }
}
