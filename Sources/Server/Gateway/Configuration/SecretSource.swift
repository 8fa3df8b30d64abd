/// Where secrets come from. A settings file only ever names them: `env:NAME` or `file:PATH`.
package struct SecretSource: Sendable {
    private let environment: [String: String]
    /// Relative paths start here.
    private let folder: String

    /// - Parameter folder: of the file that names the secrets.
    package init(environment: [String: String], folder: String) {
        self.environment = environment
        self.folder = folder
    }

    /// The secret that `reference` names.
    /// - Throws: `SettingProblem`; it carries the reference, never the secret.
    package func resolve(_ reference: String) throws(SettingProblem) -> String {
        if let name = reference.suffix(after: "env:") { return try variable(named: name) }
        if let path = reference.suffix(after: "file:") { return try content(of: path) }
        throw .literalSecret
    }

    /// The path of the file that `reference` names; `nil` where it names none. A change of that file is a change of settings.
    package func path(in reference: String) -> String? {
        reference.suffix(after: "file:").map { $0.hasPrefix("/") ? $0 : "\(folder)/\($0)" }
    }

    private func variable(named name: String) throws(SettingProblem) -> String {
        guard Self.isVariableName(name) else {
            throw SettingProblem("`env:\(name)` names no environment variable", hint: "write env:NAME, as in env:MANGO_KEY")
        }
        guard let value = environment[name], !value.isEmpty else {
            throw SettingProblem("the environment variable `\(name)` is not set", hint: "set it where the gateway is started")
        }
        return value
    }

    private func content(of path: String) throws(SettingProblem) -> String {
        guard let full = self.path(in: "file:\(path)"), !path.isEmpty else {
            throw SettingProblem("`file:` names no file", hint: "write file:PATH, as in file:secrets/mango-salt")
        }
        do {
            let text = String(decoding: try SmallFile.read(full, limit: 64 << 10), as: UTF8.self).trimmingLineEnd
            guard text.isEmpty else { return text }
        } catch {
            throw SettingProblem(
                "the secret's file `\(path)` \(error.reason)", hint: "relative paths start at \(folder), where the settings lie")
        }
        throw SettingProblem("the secret's file `\(path)` is empty", hint: "put the secret there, alone on its line")
    }

    private static func isVariableName(_ name: String) -> Bool {
        guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
        return name.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || $0 == 0x5F }
    }
}

/// What is wrong with one value of a file, before its place is known.
package struct SettingProblem: Error, Sendable, Equatable {
    package var problem: String
    package var hint: String

    package init(_ problem: String, hint: String) {
        self.problem = problem
        self.hint = hint
    }

    static let literalSecret = SettingProblem(
        "a secret is written out in the file", hint: "refer to it as env:NAME or file:PATH, and change the secret")
}

extension String {
    /// The rest behind `prefix`; `nil` where the text begins otherwise.
    func suffix(after prefix: String) -> String? { hasPrefix(prefix) ? String(dropFirst(prefix.count)) : nil }

    /// Without the line end that editors put behind a secret.
    fileprivate var trimmingLineEnd: String {
        var text = Substring(self)
        while let last = text.last, last.isNewline { text.removeLast() }
        return String(text)
    }
}
