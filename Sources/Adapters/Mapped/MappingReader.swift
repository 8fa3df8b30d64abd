import AdapterKit
import Connector

/// Reads the section `mapping` of a connection's file and notes everything that is wrong with it, so that a person mends all of it
/// at once. Readers answer nil after having noted a problem.
struct MappingReader: SettingTreeReader {
    /// Bytes of an argument, a constant or a template.
    static let textLimit = 512
    /// Values of a `map`, events, filters of a value: each at most so many.
    static let countLimit = 256

    private(set) var problems: [SettingTreeError.Problem] = []
    /// The settings of the same file: what a command may refer to.
    let settings: AdapterSettings

    init(settings: AdapterSettings) { self.settings = settings }

    mutating func note(_ problem: String, hint: String, at place: SettingTree.Place) {
        problems.append(.init(at: place, problem, hint: hint))
    }

    // MARK: Sections

    /// The fields of `tree` by their names; those not in `known` are noted.
    mutating func section(_ tree: SettingTree, called name: String, known: [String]) -> [String: SettingTree.Field]? {
        guard let fields = tree.fields else {
            note("`\(name)` is \(tree.kind)", hint: "write `key: value` pairs under it", at: tree.place)
            return nil
        }
        for field in fields where !known.contains(field.name) {
            note("`\(name)` knows no `\(field.name)`", hint: NearestName.hint(for: field.name, among: known), at: field.place)
        }
        return Dictionary(fields.map { ($0.name, $0) }) { first, _ in first }
    }

    mutating func flag(_ field: SettingTree.Field?) -> Bool? {
        guard let field, let text = text(field) else { return nil }
        if text == "true" || text == "false" { return text == "true" }
        note("`\(field.name)` is neither true nor false", hint: "write true or false", at: field.value.place)
        return nil
    }

    /// The elements of a list, or the one value.
    mutating func list(_ field: SettingTree.Field) -> [SettingTree] {
        let list = field.value.list ?? [field.value]
        guard list.count <= Self.countLimit else {
            note("`\(field.name)` has too many elements", hint: "\(Self.countLimit) are the limit", at: field.place)
            return []
        }
        return list
    }

    // MARK: Values

    private static let sources = ["path", "query", "header", "value"]

    /// A value that is text.
    mutating func value(_ field: SettingTree.Field?) -> MappedValue? {
        guard let field else { return nil }
        return value(field.value, called: field.name)
    }

    mutating func value(_ tree: SettingTree, called name: String) -> MappedValue? {
        guard let (value, time) = anyValue(tree, called: name) else { return nil }
        if let time {
            note("`\(name)` is no time", hint: "take the filter away", at: time.place)
            return nil
        }
        return value
    }

    /// A moment: its last filter says how it is written.
    mutating func moment(_ field: SettingTree.Field?) -> MappedMoment? {
        guard let field, let (value, time) = anyValue(field.value, called: field.name) else { return nil }
        if let time { return MappedMoment(value: value, form: time.form) }
        note(
            "`\(field.name)` does not say how the time is written",
            hint: "let `filters` end with one of \(MappedFilter.timeNames.map { "`\($0)`" }.joined(separator: ", "))",
            at: field.value.place)
        return nil
    }

    /// A value that is to be one of `Word`'s; words that tables or a `default` make of it are checked.
    mutating func choice<Word: RawRepresentable & CaseIterable>(_ field: SettingTree.Field?, of: Word.Type) -> MappedValue?
    where Word.RawValue == String {
        guard let field, let value = value(field) else { return nil }
        let words = Word.allCases.map(\.rawValue)
        for outcome in value.outcomes ?? [] where !words.contains(outcome) {
            note(
                "`\(field.name)`: `\(outcome)` is none of its values", hint: NearestName.hint(for: outcome, among: words),
                at: field.value.place)
        }
        return value
    }

    private typealias TimeForm = (form: MappedTime, place: SettingTree.Place)

    /// `caller.number`, or `{path: …, filters: […]}`, or `{query: …}`, `{header: …}`, `{value: …}`.
    private mutating func anyValue(_ tree: SettingTree, called name: String) -> (MappedValue, TimeForm?)? {
        if tree.text != nil || tree.list != nil {
            return path(tree, called: name).map { (MappedValue(source: .body($0)), nil) }
        }
        guard let fields = section(tree, called: name, known: Self.sources + ["filters"]) else { return nil }
        let given = Self.sources.compactMap { fields[$0] }
        guard given.count == 1, let first = given.first else {
            note(
                "`\(name)` comes from \(given.isEmpty ? "nowhere" : "several places")",
                hint: "write one of `path`, `query`, `header`, `value`", at: tree.place)
            return nil
        }
        guard let source = source(first) else { return nil }
        guard let filters = fields["filters"] else { return (MappedValue(source: source), nil) }
        guard let (steps, time) = self.filters(filters) else { return nil }
        return (MappedValue(source: source, filters: steps), time)
    }

    private mutating func source(_ field: SettingTree.Field) -> MappedValue.Source? {
        if field.name == "path" { return path(field.value, called: "path").map { .body($0) } }
        guard let text = text(field) else { return nil }
        switch field.name {
        case "query": return .query(text)
        case "header": return headerName(text, at: field.value.place).map { .header($0) }
        default: return .constant(text)
        }
    }

    /// A header's name in lower case.
    mutating func headerName(_ text: String, at place: SettingTree.Place) -> String? {
        guard (1...64).contains(text.utf8.count), text.utf8.allSatisfy(Self.isTokenByte) else {
            note("`\(text)` is no name of a header", hint: "write letters, digits and dashes, as in X-Signature", at: place)
            return nil
        }
        return text.lowercased()
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x2D || byte == 0x5F
    }

    /// The steps into a JSON body: `caller.number`, or a list of them where a name has a dot. A form takes it whole.
    private mutating func path(_ tree: SettingTree, called name: String) -> [String]? {
        var steps: [String]
        if let list = tree.list {
            steps = list.compactMap(\.text)
            guard steps.count == list.count else {
                note("a step of `\(name)` is no text", hint: "write `[call, id]`", at: tree.place)
                return nil
            }
        } else {
            guard let text = text(tree, called: name) else { return nil }
            steps = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        }
        guard (1...8).contains(steps.count), steps.allSatisfy({ !$0.isEmpty }) else {
            note(
                "`\(name)` is no path", hint: "write names with dots between them, at most eight, as in call.id", at: tree.place)
            return nil
        }
        return steps
    }

    // MARK: Filters

    private mutating func filters(_ field: SettingTree.Field) -> ([MappedFilter], TimeForm?)? {
        var filters: [MappedFilter] = []
        var time: TimeForm?
        let before = problems.count
        for element in list(field) {
            if let earlier = time {
                note("nothing may follow a filter of time", hint: "put it last", at: earlier.place)
                break
            }
            read(element, &filters, &time)
        }
        return problems.count == before ? (filters, time) : nil
    }

    private mutating func read(_ element: SettingTree, _ filters: inout [MappedFilter], _ time: inout TimeForm?) {
        let known = MappedFilter.names + MappedFilter.timeNames
        if let name = element.text {
            if let filter = MappedFilter.plain[name] {
                filters.append(filter)
            } else if let form = Self.times[name] {
                time = (form, element.place)
            } else if known.contains(name) {
                note("the filter `\(name)` needs an argument", hint: "write {\(name): …}", at: element.place)
            } else {
                note("there is no filter `\(name)`", hint: NearestName.hint(for: name, among: known), at: element.place)
            }
            return
        }
        guard let fields = element.fields, fields.count == 1, let field = fields.first else {
            note("a filter is \(element.kind)", hint: "write its name, or {name: argument}", at: element.place)
            return
        }
        switch field.name {
        case "map": if let table = table(field) { filters.append(.map(table)) }
        case "local_time": if let zone = zone(field) { time = (.local(zone), element.place) }
        case let name where MappedFilter.withArgument.contains(name): if let filter = filter(field) { filters.append(filter) }
        case let name where known.contains(name):
            note("the filter `\(name)` takes no argument", hint: "write its name alone", at: field.place)
        case let name:
            note("there is no filter `\(name)`", hint: NearestName.hint(for: name, among: known), at: field.place)
        }
    }

    private static let times: [String: MappedTime] = [
        "epoch_s": .seconds, "epoch_ms": .milliseconds, "epoch_us": .microseconds, "rfc3339": .rfc3339,
    ]

    private mutating func filter(_ field: SettingTree.Field) -> MappedFilter? {
        guard let argument = text(field) else { return nil }
        guard !argument.isEmpty else {
            note("`\(field.name)` is empty", hint: "write a text there", at: field.value.place)
            return nil
        }
        switch field.name {
        case "cut_prefix": return .cutPrefix(argument)
        case "cut_suffix": return .cutSuffix(argument)
        case "before": return .before(argument)
        case "after": return .after(argument)
        default: return .standard(argument)
        }
    }

    private mutating func table(_ field: SettingTree.Field) -> [String: String]? {
        guard let rows = field.value.fields, !rows.isEmpty, rows.count <= Self.countLimit else {
            note("`map` is no table", hint: "write {map: {theirs: ours}}, at most \(Self.countLimit)", at: field.value.place)
            return nil
        }
        var table: [String: String] = [:]
        for row in rows { table[row.name] = text(row) }
        return table.count == rows.count ? table : nil
    }

    private mutating func zone(_ field: SettingTree.Field) -> LocalZone? {
        guard let name = text(field) else { return nil }
        do {
            return try LocalZone(named: name)
        } catch {
            note("`\(name)` names no time zone", hint: "write an IANA name, as in Europe/Moscow", at: field.value.place)
            return nil
        }
    }
}
