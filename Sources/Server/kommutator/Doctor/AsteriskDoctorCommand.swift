import ArgumentParser
import AsteriskAdapter
import Connector
import Gateway
import Streams

/// `kommutator doctor asterisk`: what does the manager interface let us do?
struct AsteriskDoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "asterisk", abstract: "Look at the manager interface of your Asterisk.",
        discussion: """
            Logs in as each enabled connection of the adapter `asterisk` does, and looks whether it is reached and taken in, which words
            `read` and `write` lack in manager.conf, which endpoints are taken for trunks and which for telephones, and whether the
            contexts for commands are there. Changes nothing; a gateway that runs is not disturbed. Exit code 1 where something is wrong.

            Examples:
              kommutator doctor asterisk
              kommutator doctor asterisk pbx --output json
            """)

    @OptionGroup var server: ServerOptions
    @Option(help: "text or json.") var output = OutputStyle.text
    @Argument(help: "Names of connections; all where absent.") var connections: [String] = []

    func run() async throws {
        let settings = try server.load()
        let streams = SystemStreams()
        let findings = await findings(House.directory(settings).read().entries, streams)
        await streams.shutdown()
        try DoctorCommand.tell(findings, as: output)
    }

    private func findings(_ entries: [ConnectionDirectory.Entry], _ streams: SystemStreams) async -> [Finding] {
        let wanted = entries.filter { entry in
            entry.kind?.descriptor.name == AsteriskAdapter.descriptor.name
                && (connections.isEmpty ? entry.settings.isEnabled : connections.contains(entry.id.name))
        }
        var findings = connections.filter { name in !wanted.contains { $0.id.name == name } }.map { name in
            Finding.bad("connection \(name)", "there is no such Asterisk", remedy: "kommutator check lists all connections")
        }
        if wanted.isEmpty, connections.isEmpty {
            findings.append(
                .odd(
                    "connections", "no Asterisk is enabled",
                    remedy: "copy adapters.d/sample-asterisk.yaml and set `enabled: true`"))
        }
        for entry in wanted { findings += await examine(entry, streams) }
        return findings
    }

    private func examine(_ entry: ConnectionDirectory.Entry, _ streams: SystemStreams) async -> [Finding] {
        let subject = "connection \(entry.id)"
        guard entry.problems.isEmpty else {
            return entry.problems.map { .bad(subject, $0.description, remedy: "mend it; `kommutator check` looks again") }
        }
        guard entry.settings.isEnabled else {
            return [.odd(subject, "it is disabled, and its secrets are not looked up", remedy: "set `enabled: true`")]
        }
        let settings = AdapterSettings(
            connection: entry.id, values: entry.settings.values, hasURLToken: entry.settings.urlToken != nil)
        do {
            return try await AsteriskExamination(settings).findings(over: streams).map { Finding($0, of: subject) }
        } catch {
            return [.bad(subject, "\(error)", remedy: "mend it; `kommutator check` looks again")]
        }
    }
}

extension Finding {
    fileprivate init(_ finding: AsteriskExamination.Finding, of subject: String) {
        let mark: Mark =
            switch finding.mark {
            case .good: .good
            case .odd: .odd
            case .bad: .bad
            }
        self.init(mark: mark, subject: subject, words: finding.words, remedy: finding.remedy)
    }
}
