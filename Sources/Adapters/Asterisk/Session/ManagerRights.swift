/// What the manager interface lets us do, as far as it was found out.
struct ManagerRights: Equatable, Sendable {
    /// The actions that the server offers us: it lists those that our `write` allows. Empty while it was not asked.
    var actions: Set<String> = []
    /// It told that it is up, which only readers of `system` hear.
    var readsSystem = false
    /// A leg was listed of which no event had told, though it came up while we listened.
    var missesCalls = false

    /// What we need, by the word of manager.conf that gives it.
    private static let needs: [(word: String, action: String, purpose: String)] = [
        ("originate", "Originate", "new calls"),
        ("call", "Redirect", "transfers, hangups, keys"),
        ("call", "Atxfer", "transfers with a talk before"),
        ("reporting", "CoreShowChannels", "the calls that are on after a restart"),
        ("system", "MixMonitor", "recordings on demand"),
    ]

    /// Words that are missing in manager.conf, each with what it is for.
    var missing: [(list: String, word: String, purpose: String)] {
        var missing: [(list: String, word: String, purpose: String)] = []
        if missesCalls { missing.append(("read", "call", "calls")) }
        if !readsSystem { missing.append(("read", "system", "restarts of the server")) }
        guard !actions.isEmpty else { return missing }
        for need in Self.needs
        where !actions.contains(need.action) && !missing.contains(where: { $0.list == "write" && $0.word == need.word }) {
            missing.append(("write", need.word, need.purpose))
        }
        return missing
    }

    func allows(_ action: String) -> Bool { actions.isEmpty || actions.contains(action) }

    /// The answer to `ListCommands`: a line for each action.
    mutating func takeList(_ message: ManagerMessage) {
        for line in String(decoding: message.bytes, as: UTF8.self).split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":"), line.contains("(Priv: ") else { continue }
            actions.insert(String(line[..<colon]))
        }
    }
}
