import ArgumentParser
import Connector
import Gateway

/// `kommutator doctor`: why does it not work?
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Find out why it does not work.",
        discussion: """
            Looks at settings, secrets, rights, data folder, clock, ports, certificate, and at what each provider last sent; asks
            the gateway at its own addresses and, where `public_url` is set, as providers do, and the CRM at `lookup_url` with a
            number that nobody has. Changes nothing, and sends nothing anywhere else. Exit code 1 where something is wrong.

            Examples:
              kommutator doctor --config /etc/kommutator/kommutator.yaml
              sudo -u kommutator kommutator doctor --output json | jq '.[] | select(.result != "ok")'
            """,
        subcommands: [Everything.self, AsteriskDoctorCommand.self], defaultSubcommand: Everything.self)

    /// What `doctor` alone does.
    struct Everything: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "all", abstract: "Look at everything: what `doctor` alone does.")

        @OptionGroup var server: ServerOptions
        @Option(help: "text or json.") var output = OutputStyle.text

        func run() async throws {
            let settings = try server.load()
            let findings = Examination(settings: settings).findings() + (await LookupExamination(settings).findings())
            try DoctorCommand.tell(findings, as: output)
        }
    }

    /// Writes what was found.
    /// - Throws: exit code 1 where something is wrong.
    static func tell(_ findings: [Finding], as output: OutputStyle) throws {
        switch output {
        case .text: for finding in findings { Console.say(finding.line) }
        case .json: Console.say(String(decoding: JSONValue.array(findings.map(\.json)).encoded, as: UTF8.self))
        }
        if findings.contains(where: { $0.mark == .bad }) { throw ExitCode(1) }
    }
}

/// One thing looked at.
struct Finding {
    enum Mark: String { case good = "ok", odd = "warn", bad = "FAIL" }

    var mark: Mark
    var subject: String
    var words: String
    /// What to do; with anything but good.
    var remedy: String?

    static func good(_ subject: String, _ words: String) -> Finding { Finding(mark: .good, subject: subject, words: words) }

    static func odd(_ subject: String, _ words: String, remedy: String) -> Finding {
        Finding(mark: .odd, subject: subject, words: words, remedy: remedy)
    }

    static func bad(_ subject: String, _ words: String, remedy: String) -> Finding {
        Finding(mark: .bad, subject: subject, words: words, remedy: remedy)
    }

    var line: String {
        "[\(mark.rawValue)] \(subject): \(words)" + (remedy.map { "\n       → \($0)" } ?? "")
    }

    var json: JSONValue {
        [
            "result": .string(mark.rawValue.lowercased()), "subject": .string(subject), "detail": .string(words),
            "remedy": remedy.map { .string($0) } ?? .null,
        ]
    }
}
