import ArgumentParser
import CSystem
import Glibc
import Connector
import Gateway
import Network
import SQLiteJournal

/// `kommutator doctor`: why does it not work?
struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Find out why it does not work.",
        discussion: """
            Looks at settings, secrets, data folder, clock, ports, and what each provider last sent. Changes nothing.
            Exit code 1 where something is wrong.

            Example:
              kommutator doctor --config /etc/kommutator/kommutator.yaml
            """)

    @OptionGroup var server: ServerOptions
    @Option(help: "text or json.") var output = OutputStyle.text

    func run() throws {
        let settings = try server.load()
        let findings = Examination(settings: settings).findings()
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

/// Looks at everything in turn.
private struct Examination {
    let settings: ServerSettings

    func findings() -> [Finding] {
        let isRunning: Bool
        do {
            isRunning = try AdminSocket.ask(["do": "key.list"], data: settings.data) != nil
        } catch {
            isRunning = false
        }
        return [gateway(isRunning), clock, dataFolder] + ports(isRunning) + certificate + connections
    }

    private func gateway(_ isRunning: Bool) -> Finding {
        isRunning
            ? Finding(mark: .good, subject: "gateway", words: "runs on \(settings.data)")
            : Finding(mark: .odd, subject: "gateway", words: "does not run on \(settings.data)", remedy: "kommutator serve")
    }

    private var clock: Finding {
        let now = SystemClock().now()
        let isPlausible = now > Instant(milliseconds: 1_767_225_600_000)
        return isPlausible
            ? Finding(mark: .good, subject: "clock", words: "\(now)")
            : Finding(mark: .bad, subject: "clock", words: "says \(now)", remedy: "set the time; let NTP keep it")
    }

    private var dataFolder: Finding {
        var room = statvfs()
        guard access(settings.data, R_OK | W_OK | X_OK) == 0, statvfs(settings.data, &room) == 0 else {
            let reason = String(cString: strerror(errno))
            return Finding(
                mark: errno == ENOENT ? .odd : .bad, subject: "data folder", words: "\(settings.data): \(reason)",
                remedy: "it is made by `serve`; the user who runs it must own it")
        }
        // Mebibytes, in two steps: `>>` binds tighter than `*`, and no disk is so large that these overflow.
        let free = UInt64(room.f_bavail) / 1024 * UInt64(room.f_frsize) / 1024
        let isTight = free < 512
        return Finding(
            mark: isTight ? .bad : .good, subject: "data folder", words: "\(settings.data), \(free) MiB free",
            remedy: isTight ? "make room: without it, webhooks are answered with errors and providers may give up" : nil)
    }

    private func ports(_ isRunning: Bool) -> [Finding] {
        settings.listen.map { address in
            if isRunning { return Finding(mark: .good, subject: "port", words: "\(address) is the gateway's") }
            do {
                try TCPListener(on: address).close()
                return Finding(mark: .good, subject: "port", words: "\(address) is free")
            } catch {
                return Finding(mark: .bad, subject: "port", words: "\(error)", remedy: "choose another with --listen")
            }
        }
    }

    private var certificate: [Finding] {
        guard let tls = settings.tls else { return [] }
        do {
            _ = try TLSContext(TLSIdentity(certificatePath: tls.certificate, keyPath: tls.key))
            return [Finding(mark: .good, subject: "certificate", words: tls.certificate)]
        } catch {
            return [Finding(mark: .bad, subject: "certificate", words: "\(error)", remedy: "name the right files under `tls:`")]
        }
    }

    // MARK: Connections

    private var connections: [Finding] {
        let (entries, loose) = House.directory(settings).read()
        let problems = (loose + entries.flatMap(\.problems)).map {
            Finding(mark: .bad, subject: "settings", words: $0.description, remedy: "mend the file; it is read again by itself")
        }
        let live = entries.filter { $0.adapter != nil }
        if live.isEmpty {
            return problems + [
                Finding(
                    mark: .odd, subject: "connections", words: "none is enabled in \(settings.adapters)",
                    remedy: "copy a sample there and set `enabled: true`")
            ]
        }
        return problems + live.map { lastWord(of: $0) }
    }

    private func lastWord(of entry: ConnectionDirectory.Entry) -> Finding {
        let subject = "connection \(entry.id)"
        do {
            let reader = try SQLiteJournal.reader(directory: settings.data)
            guard let last = try reader.inbox(state: nil, connections: [entry.id], before: nil, limit: 1).first else {
                return Finding(
                    mark: .odd, subject: subject,
                    words: "the provider has sent nothing yet, or nothing for as long as requests are kept",
                    remedy: "give it the address https://YOUR-HOST/hooks/\(entry.id)")
            }
            let words = "last heard at \(last.raw.receivedAt), \(last.state.rawValue)" + (last.reason.map { ": \($0)" } ?? "")
            let isOdd = last.state == .undecoded
            return Finding(
                mark: isOdd ? .odd : .good, subject: subject, words: words,
                remedy: isOdd ? "see `kommutator replay --state undecoded --dry-run`" : nil)
        } catch {
            return Finding(
                mark: .odd, subject: subject, words: "the journal cannot be read: \(error)", remedy: "start the gateway once")
        }
    }
}
