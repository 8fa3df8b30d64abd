import Connector
import FoundationEssentials

/// The folder `adapters.d`: one YAML file a connection.
package struct ConnectionDirectory: Sendable {
    static let slugHint = "take 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit"

    package var path: String
    package var adapters: [AdapterKind]
    package var environment: [String: String]
    package var defaultCountry: String
    /// What adapters may use; its folder is this one.
    package var context: AdapterContext

    package init(
        path: String, adapters: [AdapterKind], environment: [String: String], defaultCountry: String = "RU",
        context: AdapterContext = AdapterContext()
    ) {
        self.context = context
        self.context.folder = path
        self.path = path
        self.adapters = adapters
        self.environment = environment
        self.defaultCountry = defaultCountry
    }

    /// What became of one file.
    package struct Entry: Sendable {
        package var id: ConnectionID
        package var file: String
        package var settings: ConnectionSettings
        package var kind: AdapterKind?
        package var problems: [ConfigurationProblem]
        /// The connection's own translator; `nil` where it is disabled or has problems.
        package var adapter: (any TelephonyAdapter)?
    }

    /// Reads every file. One with problems comes back with them, and does not hinder the others.
    ///
    /// - Returns: entries in the order of their names, and problems that belong to no connection.
    package func read() -> (entries: [Entry], problems: [ConfigurationProblem]) {
        var entries: [Entry] = []
        var problems: [ConfigurationProblem] = []
        let names: [String]
        do {
            names = try fileNames()
        } catch {
            return ([], [error])
        }
        for name in names {
            let file = "\(path)/\(name)"
            guard name.hasSuffix(".yaml") else {
                problems.append(ConfigurationProblem(file: file, problem: "is not read", hint: "name it with .yaml at the end"))
                continue
            }
            let id = String(name.dropLast(".yaml".count))
            guard ConnectionID.isSlug(id) else {
                problems.append(
                    ConfigurationProblem(file: file, problem: "the name `\(id)` is no slug", hint: Self.slugHint))
                continue
            }
            entries.append(read(file, as: ConnectionID(id)))
        }
        return (entries, problems)
    }

    /// Reads one file and makes its adapter, where it can be made.
    package func read(_ file: String, as id: ConnectionID) -> Entry {
        do {
            return read(String(decoding: try SmallFile.read(file), as: UTF8.self), file: file, as: id)
        } catch {
            var entry = read("", file: file, as: id)
            entry.problems = [ConfigurationProblem(file: file, problem: error.reason, hint: "check the file and its rights")]
            return entry
        }
    }

    /// Reads the `text` of one file.
    package func read(_ text: String, file: String, as id: ConnectionID) -> Entry {
        var reader = ConnectionFile(
            path: file, id: id, adapters: adapters, secrets: SecretSource(environment: environment, folder: path),
            defaultCountry: defaultCountry)
        var settings = reader.read(text)
        var adapter: (any TelephonyAdapter)?
        if let kind = reader.kind, settings.isEnabled, reader.problems.isEmpty {
            adapter = makeAdapter(kind, settings, notingIn: &reader)
        }
        if let adapter { settings.profile.provider = adapter.descriptor.provider }
        return Entry(
            id: id, file: file, settings: settings, kind: reader.kind, problems: reader.problems, adapter: adapter)
    }

    private func makeAdapter(
        _ kind: AdapterKind, _ settings: ConnectionSettings, notingIn reader: inout ConnectionFile
    ) -> (any TelephonyAdapter)? {
        do {
            return try kind.init(
                settings: AdapterSettings(
                    connection: settings.id, values: settings.values, section: settings.section,
                    hasURLToken: settings.urlToken != nil), context: context)
        } catch let error as SettingsError {
            reader.note(error)
        } catch let error as SettingTreeError {
            reader.note(error)
        } catch {
            reader.note(SettingsError(setting: "adapter", problem: "cannot be made", hint: "see the adapter's README"))
        }
        return nil
    }

    /// Settings files of the folder in the order of their names, those with the wrong ending included.
    private func fileNames() throws(ConfigurationProblem) -> [String] {
        let hint = "make it, or name another with --adapters"
        if let reason = SmallFile.refusal(ofFolder: path) {
            throw ConfigurationProblem(file: path, problem: "the folder of connections \(reason)", hint: hint)
        }
        do {
            let all = try FileManager.default.contentsOfDirectory(atPath: path)
            return all.filter { !$0.hasPrefix(".") && ($0.hasSuffix(".yaml") || $0.hasSuffix(".yml")) }.sorted()
        } catch {
            throw ConfigurationProblem(file: path, problem: "the folder of connections cannot be read", hint: hint)
        }
    }

    /// What changes when a file of the folder, or a secret that one refers to, does. Empty where there is no folder.
    func stamp(secretFiles: [String]) -> [String: FileStamp] {
        var paths = secretFiles
        if case .success(let names) = Result(catching: fileNames) { paths += names.map { "\(path)/\($0)" } }
        return Dictionary(paths.compactMap { file in SmallFile.stamp(of: file).map { (file, $0) } }) { first, _ in first }
    }
}
