import AdapterCatalog
import Connector
import FoundationEssentials
import Gateway
import TestSupport

/// The samples of `adapters.d`, read as the gateway reads them.
///
/// Each is read three times: as it is shipped; switched on, with made-up secrets in the places that it names; and so with the
/// settings that it only shows in comments. A sample that an operator copies must not be wrong in any of these.
struct ShippedSamples {
    var folder = FixtureFolders.samples

    /// What is wrong with the samples of an adapter.
    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    /// - Throws: `Failure` where there is no sample of the adapter, or the gateway finds a problem in one.
    func load(_ descriptor: AdapterDescriptor) throws {
        let samples = try texts().filter { Self.adapter(of: $0.text) == descriptor.name }
        guard !samples.isEmpty else { throw Failure(description: "adapters.d has no sample of \(descriptor.name)") }
        for (name, text) in samples {
            try Self.expect(live: false, name, text)
            try Self.expect(live: true, name, Self.switchedOn(text))
            try Self.expect(live: true, name, Self.switchedOn(Self.withCommentedSettings(text)))
        }
    }

    private func texts() throws -> [(name: String, text: String)] {
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains(".yaml") }.sorted()
        return try names.map { ($0, try String(contentsOfFile: "\(folder)/\($0)", encoding: .utf8)) }
    }

    // MARK: Reading

    private static func expect(live: Bool, _ name: String, _ text: String) throws {
        let secrets = try MadeUpSecrets(for: text)
        let directory = ConnectionDirectory(
            path: secrets.folder.path, adapters: AdapterCatalog.adapters, environment: secrets.environment)
        let entry = directory.read(text, file: name, as: ConnectionID("sample"))
        guard entry.problems.isEmpty else {
            throw Failure(description: entry.problems.map(\.description).joined(separator: "\n"))
        }
        guard (entry.adapter != nil) == live, entry.settings.isEnabled == live else {
            throw Failure(description: "\(name): is \(live ? "not live when enabled" : "shipped enabled")")
        }
    }

    // MARK: Text

    private static func adapter(of text: String) -> String? {
        value(of: "adapter", in: text)
    }

    private static func value(of key: String, in text: String) -> String? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("\(key):") }
        return line?.split(separator: " ").dropFirst().first.map(String.init)
    }

    private static func switchedOn(_ text: String) -> String { text.replacing("\nenabled: false\n", with: "\nenabled: true\n") }

    /// `  # url_token: env:TOKEN` becomes a setting; a sentence does not.
    private static func withCommentedSettings(_ text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line -> String in
            guard line.hasPrefix("  # "), let colon = line.firstIndex(of: ":") else { return String(line) }
            let key = line[line.index(line.startIndex, offsetBy: 4)..<colon]
            let isSetting = key.allSatisfy { $0.isLowercase || $0 == "_" } && line[colon...].hasPrefix(": ")
            return isSetting ? "  " + line.dropFirst(4) : String(line)
        }
        return lines.joined(separator: "\n")
    }
}

/// Every secret that a file refers to, made up.
private struct MadeUpSecrets {
    let folder: TemporaryFolder
    private(set) var environment: [String: String] = [:]
    /// Long and plain enough for a `url_token` too.
    private static let secret = "made-up-0123456789abcdef"

    init(for text: String) throws {
        folder = try TemporaryFolder()
        for word in text.split(whereSeparator: { $0.isWhitespace || "\"',{}".contains($0) }) {
            if word.hasPrefix("env:") { environment[String(word.dropFirst(4))] = Self.secret }
            if word.hasPrefix("file:") { try write(word.dropFirst(5).split(separator: "/").map(String.init)) }
        }
    }

    private func write(_ path: [String]) throws {
        for depth in path.indices.dropFirst() { _ = try folder.folder(path[..<depth].joined(separator: "/")) }
        try folder.write(Self.secret + "\n", to: path.joined(separator: "/"))
    }
}
