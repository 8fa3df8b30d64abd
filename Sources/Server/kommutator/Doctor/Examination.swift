import Connector
import Gateway
import Glibc
import Network

/// Looks at everything in turn. Each look is a few findings; none stops the others.
struct Examination {
    let settings: ServerSettings
    let gateway: RunningGateway

    init(settings: ServerSettings) {
        self.settings = settings
        gateway = RunningGateway.look(in: settings.data)
    }

    func findings() -> [Finding] {
        gatewayFindings + [clock] + dataFolder + ports + publicAddress + certificate + connections
    }

    static let asItsUser = "look again as the user who runs the gateway: sudo -u USER kommutator doctor"

    private var gatewayFindings: [Finding] {
        let subject = "gateway"
        switch gateway {
        case .running(let present):
            let words = "runs on \(settings.data), version \(present.version), process \(present.pid)"
            guard present.version != Kommutator.version else { return [.good(subject, words)] }
            return [.odd(subject, words, remedy: "this is \(Kommutator.version): restart it after an update")]
        case .absent: return [.odd(subject, "does not run on \(settings.data)", remedy: "kommutator serve")]
        case .forbidden:
            return [.bad(subject, "\(settings.data)/admin.sock may not be used by this user", remedy: Self.asItsUser)]
        case .silent(let reason): return [.bad(subject, reason, remedy: "see its log; restart it if it hangs")]
        }
    }

    private var clock: Finding {
        let now = SystemClock().now()
        let isPlausible = now > Instant(milliseconds: 1_767_225_600_000)
        return isPlausible ? .good("clock", "\(now)") : .bad("clock", "says \(now)", remedy: "set the time; let NTP keep it")
    }

    // MARK: Data folder

    private var dataFolder: [Finding] {
        let subject = "data folder"
        let rights = FileRights(settings.data)
        if rights.isMissing {
            return [.odd(subject, "\(settings.data) is not there yet", remedy: "it is made by `serve`")]
        }
        if let refusal = rights.refusal(of: R_OK | W_OK | X_OK, called: "read and written") {
            return [.bad(subject, refusal, remedy: Self.asItsUser)]
        }
        var findings = [space(subject)]
        if rights.isOpenToOthers {
            findings.append(
                .odd(subject, "\(settings.data) is open to other users; calls are in it", remedy: "chmod 700 \(settings.data)"))
        }
        for name in ["journal.sqlite", "journal.sqlite-wal", "journal.sqlite-shm", "lock"] {
            let file = FileRights("\(settings.data)/\(name)")
            guard !file.isMissing, let refusal = file.refusal(of: R_OK | W_OK, called: "read and written") else { continue }
            findings.append(.bad(subject, refusal, remedy: Self.asItsUser))
        }
        return findings
    }

    private func space(_ subject: String) -> Finding {
        var room = statvfs()
        guard statvfs(settings.data, &room) == 0 else {
            return .bad(subject, "\(settings.data): \(String(cString: strerror(errno)))", remedy: "check the disk")
        }
        // Mebibytes, in two steps: no disk is so large that these overflow.
        let free = UInt64(room.f_bavail) / 1024 * UInt64(room.f_frsize) / 1024
        let words = "\(settings.data), \(free) MiB free"
        guard free < 512 else { return .good(subject, words) }
        return .bad(
            subject, words, remedy: "make room: without it, webhooks are answered with errors and providers may give up")
    }
}
