import Connector

/// One account of a trunk as a connection's file writes it: what differs from one to the next.
package struct TrunkEntry: Sendable, Equatable {
    /// A slug, where the file has several accounts; it is part of the trunk's name.
    package var name: String?
    package var login: String
    package var authUser: String?
    package var password: String
    package var numbers: [String]
    package var parallelCalls: Int?
    package var publicAddress: String?

    package init(
        name: String?, login: String, authUser: String? = nil, password: String, numbers: [String] = [],
        parallelCalls: Int? = nil,
        publicAddress: String? = nil
    ) {
        self.name = name
        self.login = login
        self.authUser = authUser
        self.password = password
        self.numbers = numbers
        self.parallelCalls = parallelCalls
        self.publicAddress = publicAddress
    }
}

/// The accounts of a connection, in one of three ways, of which the last two go together:
///
/// - one, by settings: `login`, `password`;
/// - many, by a secret `passwords`: a file with `LOGIN PASSWORD` a line, as long as there are numbers;
/// - many, by the section `accounts`, where an entry may say more, and takes its password from `passwords` where it has none of its own.
package enum TrunkEntries {
    package static let section = SectionSpecification("accounts", secrets: ["password"])

    /// The settings that tell of one account, and of the file with many.
    /// - Parameters:
    ///   - login: the setting's name: an operator's word for it.
    ///   - help: what it is.
    package static func specifications(login: String, help: String) -> [SettingSpecification] {
        [
            SettingSpecification(login, .text, help: "\(help); for several, see `passwords`"),
            SettingSpecification("password", .secret, help: "the account's SIP password"),
            SettingSpecification(
                "passwords", .secret,
                help: "many accounts: a file with a login and its password on each line, a blank between them"),
        ]
    }

    private static let limit = 1000
    private static let fields = ["login", "auth_user", "password", "numbers", "parallel_calls", "public_address"]

    /// - Parameter needsPassword: whether an account can do without one.
    /// - Throws: `SettingsError`, `SettingTreeError`; neither carries a login or a password.
    package static func read(_ settings: AdapterSettings, login: String, needsPassword: Bool = true) throws -> [TrunkEntry] {
        let passwords = try lines(of: settings["passwords"])
        var entries = try settings.section.map { try read($0, passwords, needsPassword) } ?? []
        let named = Set(entries.map(\.login))
        entries += try passwords.filter { !named.contains($0.login) }.map(entry)
        if let name = settings[login], !name.isEmpty {
            guard entries.isEmpty else {
                throw SettingsError(
                    setting: login, problem: "stands beside several accounts",
                    hint: "move it to `accounts`, or to the file of `passwords`")
            }
            let password = settings["password"] ?? ""
            guard !password.isEmpty || !needsPassword else {
                throw SettingsError(setting: "password", problem: "is missing", hint: "add `password:` under `settings:`")
            }
            return [TrunkEntry(name: nil, login: name, password: password)]
        }
        guard !entries.isEmpty else {
            throw SettingsError(
                setting: login, problem: "is missing",
                hint: "add `\(login):` for one account, or `passwords:` or `accounts:` for several")
        }
        return try checked(entries)
    }

    private static func checked(_ entries: [TrunkEntry]) throws(SettingsError) -> [TrunkEntry] {
        guard entries.count <= limit else {
            throw SettingsError(setting: "accounts", problem: "has too many entries", hint: "\(limit) are the limit of one file")
        }
        guard Set(entries.map(\.name)).count == entries.count, Set(entries.map(\.login)).count == entries.count else {
            throw SettingsError(setting: "accounts", problem: "has a login twice", hint: "keep one of the two")
        }
        return entries.sorted { ($0.name ?? "") < ($1.name ?? "") }
    }

    // MARK: The file of passwords

    private static func lines(of text: String?) throws(SettingsError) -> [(number: Int, login: String, password: String)] {
        var lines: [(number: Int, login: String, password: String)] = []
        let all = (text ?? "").split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in all.enumerated() {
            let words = line.split(maxSplits: 1, whereSeparator: { $0 == " " || $0 == "\t" }).map(String.init)
            guard let login = words.first, !login.hasPrefix("#") else { continue }
            guard words.count == 2 else {
                throw SettingsError(
                    setting: "passwords", problem: "has a line \(index + 1) that is no login and password",
                    hint: "write both on one line with a blank between them; # begins a remark")
            }
            let password = words[1].drop { $0 == " " || $0 == "\t" }
            lines.append((index + 1, login, String(password)))
        }
        return lines
    }

    /// An account of which only the file tells is named by its login.
    private static func entry(_ line: (number: Int, login: String, password: String)) throws(SettingsError) -> TrunkEntry {
        let name = line.login.lowercased()
        guard ConnectionID.isSlug(name) else {
            throw SettingsError(
                setting: "passwords", problem: "has a line \(line.number) whose login is no plain name",
                hint: "name the account under `accounts:`, with `login:` in it")
        }
        return TrunkEntry(name: name, login: line.login, password: line.password)
    }

    // MARK: The section

    private static func read(
        _ section: SettingTree, _ passwords: [(number: Int, login: String, password: String)], _ needsPassword: Bool
    ) throws(SettingTreeError) -> [TrunkEntry] {
        var reading = SectionReading()
        let known = Dictionary(passwords.map { ($0.login, $0.password) }, uniquingKeysWith: { first, _ in first })
        var entries: [TrunkEntry] = []
        for (name, place, tree) in named(section, &reading) {
            guard ConnectionID.isSlug(name) else {
                reading.note(
                    "the account's name is no slug", hint: "take a-z, 0-9, - and _; a login in other letters goes to `login:`",
                    at: place)
                continue
            }
            if var entry = read(name, tree, &reading) {
                if entry.password.isEmpty { entry.password = known[entry.login] ?? "" }
                if entry.password.isEmpty, needsPassword {
                    reading.note("the account has no password", hint: "add `password:`, or a line to `passwords`", at: place)
                }
                entries.append(entry)
            }
        }
        try reading.finish()
        return entries
    }

    /// A mapping by names, or a list of them.
    private static func named(
        _ section: SettingTree, _ reading: inout SectionReading
    ) -> [(name: String, place: SettingTree.Place, tree: SettingTree)] {
        switch section.content {
        case .fields(let fields): return fields.map { ($0.name, $0.place, $0.value) }
        case .list(let elements):
            return elements.compactMap { element in
                if let name = element.text { return (name, element.place, SettingTree(.nothing, at: element.place)) }
                reading.note("an entry of `accounts` is \(element.kind)", hint: "write one login each", at: element.place)
                return nil
            }
        default:
            reading.note(
                "`accounts` is \(section.kind)", hint: "write a name and its settings for each account", at: section.place)
            return []
        }
    }

    private static func read(_ name: String, _ tree: SettingTree, _ reading: inout SectionReading) -> TrunkEntry? {
        var entry = TrunkEntry(name: name, login: name, password: "")
        for field in reading.fields(of: tree, called: "the account", known: fields) {
            switch field.name {
            case "login": entry.login = reading.text(field) ?? name
            case "auth_user": entry.authUser = reading.text(field)
            // An empty one is that of a disabled connection, or was noted already.
            case "password": entry.password = field.value.text ?? ""
            case "numbers": entry.numbers = reading.words(field)
            case "parallel_calls": entry.parallelCalls = reading.integer(field, in: 0...1000)
            default: entry.publicAddress = reading.text(field)
            }
        }
        return entry
    }
}
