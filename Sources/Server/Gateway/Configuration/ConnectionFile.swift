import AdapterKit
import Connector
import Network

/// Reads a file of `adapters.d` (house.md, "adapters.d: one YAML file = one connection").
///
/// ```swift
/// var file = ConnectionFile(path: "adapters.d/sales.yaml", adapters: catalog, secrets: secrets)
/// let settings = file.read(text)      // nil where nothing can be made of it
/// report(file.problems)               // all of them, each with line and hint
/// ```
struct ConnectionFile {
    /// What every file may have at its top, beside the sections that adapters name.
    static let keys = ["adapter", "enabled", "tenant", "settings", "lines", "employees", "limits", "reconcile"]
    /// Settings that every connection has, whatever its adapter.
    static let commonSettings = ["url_token", "allow_from", "default_country"]

    private let adapters: [AdapterKind]
    private let secrets: SecretSource
    private let id: ConnectionID
    private var reading: ConfigurationReading
    private var settings: ConnectionSettings
    private var settingPlaces: [String: TextPlace] = [:]

    var problems: [ConfigurationProblem] { reading.problems }
    /// The kind of adapter that `adapter:` names, where there is one.
    private(set) var kind: AdapterKind?

    init(path: String, id: ConnectionID, adapters: [AdapterKind], secrets: SecretSource, defaultCountry: String = "RU") {
        self.id = id
        self.adapters = adapters
        self.secrets = secrets
        reading = ConfigurationReading(file: path)
        settings = ConnectionSettings(
            profile: ConnectionProfile(id: id, provider: "", defaultCountry: defaultCountry), isEnabled: true, values: [:],
            allowedNetworks: [], shownSettings: [], secretFiles: [])
    }

    /// The settings in `text`. Where there are `problems`, only what could be read.
    mutating func read(_ text: String) -> ConnectionSettings {
        guard let fields = reading.document(text) else { return settings }
        reading.refuseUnknown(fields, known: Self.keys + sectionNames)
        let byName = Dictionary(fields.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        if let field = byName["enabled"], let flag = reading.flag(field) { settings.isEnabled = flag }
        readAdapter(byName["adapter"])
        if let field = byName["tenant"] { readTenant(field) }
        readSettings(byName["settings"], fallback: byName["adapter"]?.place)
        if let field = byName["lines"] { readLines(field) }
        if let field = byName["employees"] { readEmployees(field) }
        if let field = byName["limits"] { readLimits(field) }
        for name in sectionNames { if let field = byName[name] { readSection(field) } }
        if let field = byName["reconcile"] { readReconciling(field) }
        return settings
    }

    /// Notes what the adapter itself has against a setting, at that setting's place.
    mutating func note(_ error: SettingsError) {
        reading.note("setting `\(error.setting)` \(error.problem)", hint: error.hint, at: settingPlaces[error.setting])
    }

    /// Notes all that the adapter has against its section of the file.
    mutating func note(_ error: SettingTreeError) {
        for problem in error.problems {
            reading.note(
                problem.problem, hint: problem.hint, at: TextPlace(line: problem.place.line, column: problem.place.column))
        }
    }

    // MARK: Top level

    private mutating func readAdapter(_ field: ConfigurationField?) {
        let names = adapters.map { $0.descriptor.name }
        let list = names.map { "`\($0)`" }.joined(separator: ", ")
        guard let field else {
            reading.note("`adapter` is missing", hint: "write `adapter:` and one of \(list)", at: .start)
            return
        }
        guard let name = reading.text(field) else { return }
        kind = adapters.first { $0.descriptor.name == name }
        settings.profile.provider = kind?.descriptor.provider ?? name
        settings.profile.historyIsGuessed = kind?.descriptor.logNamesCalls == false
        guard kind == nil else { return }
        let meant = NearestName.suggest(for: name, among: names).map { "did you mean `\($0)`? " } ?? ""
        reading.note("there is no adapter `\(name)`", hint: "\(meant)There are: \(list)", at: field.value.place)
    }

    private mutating func readTenant(_ field: ConfigurationField) {
        guard let name = reading.text(field) else { return }
        guard ConnectionID.isSlug(name) else {
            reading.note("the tenant `\(name)` is no slug", hint: ConnectionDirectory.slugHint, at: field.value.place)
            return
        }
        settings.profile.tenant = TenantID(name)
    }

    private mutating func readLimits(_ field: ConfigurationField) {
        guard let limits = reading.fields(of: field.value, called: "`limits`") else { return }
        reading.refuseUnknown(limits, known: ["stale_after", "settle_after", "finalize_after"], what: "limit")
        for limit in limits {
            let target: WritableKeyPath<ConnectionProfile, Duration>
            switch limit.name {
            case "stale_after": target = \.staleAfter
            case "settle_after": target = \.settleAfter
            case "finalize_after": target = \.finalizeAfter
            default: continue
            }
            if let duration = reading.value(limit, ConfigurationText.duration) { settings.profile[keyPath: target] = duration }
        }
        guard settings.profile.settleAfter > settings.profile.finalizeAfter else { return }
        reading.note(
            "`finalize_after` is shorter than `settle_after`", hint: "a call settles before it is final", at: field.place)
    }

    /// `false`, or how often and how far back the provider's history is asked for.
    private mutating func readReconciling(_ field: ConfigurationField) {
        if field.value.text != nil {
            guard let isOn = reading.flag(field) else { return }
            settings.profile.reconciling.isEnabled = isOn
            return
        }
        guard let fields = reading.fields(of: field.value, called: "`reconcile`") else { return }
        reading.refuseUnknown(fields, known: Self.reconcilingRanges.map(\.name))
        for field in fields {
            guard let range = Self.reconcilingRanges.first(where: { $0.name == field.name }),
                let duration = reading.value(field, ConfigurationText.duration)
            else { continue }
            if (range.least...range.most).contains(duration) {
                settings.profile.reconciling[keyPath: range.target] = duration
            } else {
                reading.note(
                    "`\(field.name)` is too short or too long", hint: "write \(range.words)", at: field.value.place)
            }
        }
        guard settings.profile.reconciling.window > settings.profile.reconciling.longest else { return }
        reading.note("`longest` is shorter than `window`", hint: "a pull reaches back by `window` at least", at: field.place)
    }

    private static var reconcilingRanges:
        [(name: String, target: WritableKeyPath<ReconcilingPlan, Duration>, least: Duration, most: Duration, words: String)]
    {
        let longest = ReconcilingPlan.longestOfAll
        return [
            ("every", \.every, .seconds(60), .seconds(86_400), "1m to 24h"),
            ("window", \.window, .seconds(600), longest, "10m to 31d"),
            ("longest", \.longest, .seconds(3600), longest, "1h to 31d: providers give a month at most"),
        ]
    }

    /// The sections that some adapter takes.
    private var sectionNames: [String] { Set(adapters.compactMap { $0.descriptor.section?.name }).sorted() }

    /// What it means is for the adapter to say.
    private mutating func readSection(_ field: ConfigurationField) {
        settingPlaces[field.name] = field.place
        // Where the adapter is not known, there is nobody to read it, and its name is a problem already.
        guard let kind else { return }
        guard let section = kind.descriptor.section, section.name == field.name else {
            let takers = adapters.map { $0.descriptor }.filter { $0.section?.name == field.name }.map { "`adapter: \($0.name)`" }
            reading.note(
                "this adapter takes no `\(field.name)`",
                hint: "remove it, or write \(takers.joined(separator: " or "))", at: field.place)
            return
        }
        guard let tree = reading.tree(field) else { return }
        settings.section = resolved(tree, secrets: section.secrets)
    }

    /// The tree with secrets in the place of the references to them.
    private mutating func resolved(_ tree: SettingTree, secrets names: Set<String>) -> SettingTree {
        var tree = tree
        switch tree.content {
        case .nothing, .text: break
        case .list(var elements):
            for place in elements.indices { elements[place] = resolved(elements[place], secrets: names) }
            tree.content = .list(elements)
        case .fields(var fields):
            for place in fields.indices {
                let field = fields[place]
                fields[place].value = names.contains(field.name) ? secret(in: field) : resolved(field.value, secrets: names)
            }
            tree.content = .fields(fields)
        }
        return tree
    }

    private mutating func secret(in field: SettingTree.Field) -> SettingTree {
        let place = TextPlace(line: field.value.place.line, column: field.value.place.column)
        guard let reference = field.value.text else {
            reading.note("`\(field.name)` is \(field.value.kind)", hint: "write one value", at: place)
            return field.value
        }
        let secret = secret(reference, named: field.name, at: place)
        return SettingTree(.text(secret ?? "", isPlain: false), at: field.value.place)
    }

    private mutating func readLines(_ field: ConfigurationField) {
        for (number, entry) in readEntries(field, keys: ["label", "channel"]) {
            guard Self.isE164(number.name) else {
                reading.note(
                    "the line `\(number.name)` is no number in E.164", hint: "write it in quotes with + and country code",
                    at: number.place)
                continue
            }
            settings.profile.lines[number.name] = .init(label: entry["label"], channel: entry["channel"])
        }
    }

    private mutating func readEmployees(_ field: ConfigurationField) {
        for (number, entry) in readEntries(field, keys: ["name", "crm_id"]) {
            settings.profile.employees[number.name] = .init(name: entry["name"], crmID: entry["crm_id"])
        }
    }

    /// The entries of `lines` or `employees`: a mapping of small mappings of texts.
    private mutating func readEntries(
        _ field: ConfigurationField, keys: [String]
    ) -> [(ConfigurationField, [String: String])] {
        guard !field.value.isEmpty, let entries = reading.fields(of: field.value, called: "`\(field.name)`") else { return [] }
        return entries.map { entry in
            guard !entry.value.isEmpty, let fields = reading.fields(of: entry.value, called: "`\(entry.name)`") else {
                return (entry, [:])
            }
            reading.refuseUnknown(fields, known: keys)
            var texts: [String: String] = [:]
            for field in fields where keys.contains(field.name) && !field.value.isEmpty {
                texts[field.name] = reading.text(field)
            }
            return (entry, texts)
        }
    }

    /// `+` and 2 to 15 digits, as ITU-T E.164 allows.
    private static func isE164(_ text: String) -> Bool {
        text.first == "+" && (3...16).contains(text.utf8.count) && text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) }
    }

    // MARK: Settings

    private mutating func readSettings(_ field: ConfigurationField?, fallback: TextPlace?) {
        let specifications = kind?.descriptor.settings ?? []
        var fields: [ConfigurationField] = []
        if let field, !field.value.isEmpty { fields = reading.fields(of: field.value, called: "`settings`") ?? [] }
        if kind != nil {
            let known = specifications.map(\.name) + Self.commonSettings
            reading.refuseUnknown(fields, known: known, what: "setting")
        }
        for field in fields {
            settingPlaces[field.name] = field.value.place
            if Self.commonSettings.contains(field.name) {
                readCommon(field)
            } else if let specification = specifications.first(where: { $0.name == field.name }) {
                readSetting(field, as: specification)
            }
        }
        let place = field?.place ?? fallback
        for specification in specifications where !fields.contains(where: { $0.name == specification.name }) {
            if let standard = specification.standard {
                settings.values[specification.name] = standard
            } else if specification.isRequired, settings.isEnabled {
                reading.note(
                    "the setting `\(specification.name)` is missing",
                    hint: "add it under `settings:`: \(specification.help)", at: place)
            }
        }
    }

    private mutating func readCommon(_ field: ConfigurationField) {
        switch field.name {
        case "url_token": readToken(field)
        case "allow_from":
            for (text, place) in reading.list(field) { readNetwork(text, at: place) }
            settings.shownSettings.append(
                ShownSetting(name: field.name, value: settings.allowedNetworks.map(\.description).joined(separator: ", ")))
        default:
            guard let country = reading.value(field, ConfigurationText.country) else { return }
            settings.profile.defaultCountry = country
            settings.shownSettings.append(ShownSetting(name: field.name, value: country))
        }
    }

    private mutating func readToken(_ field: ConfigurationField) {
        guard let token = secret(field) else { return }
        guard (16...128).contains(token.utf8.count), token.utf8.allSatisfy(Self.isUnreserved) else {
            reading.note(
                "`url_token` is too short or has characters that a path escapes",
                hint: "take 16 to 128 of A-Z, a-z, 0-9, - and _, as `openssl rand -hex 16` makes them", at: field.value.place)
            return
        }
        settings.urlToken = token
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte & 0xDF) || byte == 0x2D || byte == 0x5F
    }

    private mutating func readNetwork(_ text: String, at place: TextPlace) {
        do {
            settings.allowedNetworks.append(try ConfigurationText.network(text))
        } catch {
            reading.note(SettingProblem("`allow_from`: \(error.problem)", hint: error.hint), at: place)
        }
    }

    private mutating func readSetting(_ field: ConfigurationField, as specification: SettingSpecification) {
        if specification.kind == .secret {
            settings.values[field.name] = secret(field)
            return
        }
        if specification.kind == .list { return readWords(field) }
        guard let value = reading.text(field) else { return }
        if let problem = Self.problem(with: value, as: specification.kind) {
            reading.note(
                SettingProblem("`\(field.name)`: \(problem.problem)", hint: problem.hint), at: field.value.place)
            return
        }
        settings.values[field.name] = value
        settings.shownSettings.append(ShownSetting(name: field.name, value: value))
    }

    /// A list keeps its words whole, blanks and commas within them included; one text the adapter takes apart.
    private mutating func readWords(_ field: ConfigurationField) {
        if let text = field.value.text {
            settings.values[field.name] = text
            return settings.shownSettings.append(ShownSetting(name: field.name, value: text))
        }
        let words = reading.list(field).map(\.text)
        settings.values[field.name] = String(
            decoding: JSONValue.array(words.map { .string($0) }).encoded, as: UTF8.self)
        settings.shownSettings.append(ShownSetting(name: field.name, value: words.joined(separator: ", ")))
    }

    /// A zone's name is judged by the adapter, which has the tables.
    private static func problem(with value: String, as kind: SettingSpecification.Kind) -> SettingProblem? {
        guard case .choice(let choices) = kind, !choices.contains(value) else { return nil }
        return SettingProblem("`\(value)` is none of its values", hint: NearestName.hint(for: value, among: choices))
    }

    /// The secret that the field refers to. Of a disabled connection only the reference is judged; its secret is empty.
    private mutating func secret(_ field: ConfigurationField) -> String? {
        guard let reference = reading.text(field) else { return nil }
        if Self.isReference(reference) { settings.shownSettings.append(ShownSetting(name: field.name, value: reference)) }
        return secret(reference, named: field.name, at: field.value.place)
    }

    /// The same for a reference that stands at `place`.
    private mutating func secret(_ reference: String, named name: String, at place: TextPlace) -> String? {
        guard Self.isReference(reference) else {
            reading.note(
                SettingProblem(
                    "`\(name)`: \(SettingProblem.literalSecret.problem)", hint: SettingProblem.literalSecret.hint), at: place)
            return nil
        }
        if let path = secrets.path(in: reference) { settings.secretFiles.append(path) }
        guard settings.isEnabled else { return nil }
        do {
            return try secrets.resolve(reference)
        } catch {
            reading.note(SettingProblem("`\(name)`: \(error.problem)", hint: error.hint), at: place)
            return nil
        }
    }

    private static func isReference(_ text: String) -> Bool { text.hasPrefix("env:") || text.hasPrefix("file:") }
}
