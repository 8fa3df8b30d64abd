import AdapterKit
import Connector

/// What a webhook of Mango is about, by the path that Mango appends to the base address it was given.
enum MangoWebhook: Equatable {
    case call, summary, recording, recordAdded, recordTagged, dtmf, sms
    /// The answer to a command of ours; the command's path.
    case commandResult(String)
    case statisticsReady
    case presence
    case ping
    case unknown

    /// Takes the path with or without slashes around it: result paths are printed both ways.
    init(path: String) {
        // As Mango writes it nearly always; what else there is takes the longer way.
        switch path {
        case "/events/call": self = .call
        case "/events/summary": self = .summary
        case "/events/recording": self = .recording
        case "/events/record/added": self = .recordAdded
        default: self.init(loose: path)
        }
    }

    private init(loose path: String) {
        let words = path.split(separator: "/", omittingEmptySubsequences: true)
        self = Self.fixed[words.joined(separator: "/")] ?? Self.family(words)
    }

    private static let fixed: [String: MangoWebhook] = [
        "events/call": .call,
        "events/summary": .summary,
        "events/recording": .recording,
        "events/record/added": .recordAdded,
        "events/record/tagged": .recordTagged,
        "events/dtmf": .dtmf,
        "events/sms": .sms,
        "events/user/status_changed": .presence,
        "events/user/session_end": .presence,
        // The 2026 edition says `stat`, that of 2017 `stats`.
        "result/stat": .statisticsReady,
        "result/stats": .statisticsReady,
        "ping": .ping,
    ]

    private static func family(_ words: [Substring]) -> MangoWebhook {
        if words.first == "result", words.count > 1 { return .commandResult(words.dropFirst().joined(separator: "/")) }
        if words.starts(with: ["events", "user"]) { return .presence }
        return .unknown
    }
}

/// Reads one connection's webhooks, and the statistics that were fetched for it. Keeps no state but memory to use again.
final class MangoDecoder: EventDecoder {
    private var form = FormBody()
    private var json = JSONText()

    func decode(_ raw: RawRecord) -> [Decoded] {
        if raw.source == .history { return MangoStatistics().decode(raw) }
        do {
            try raw.body.withUnsafeBytes { try form.parse($0) }
            guard try form.fields.withBytes(of: "json", { try json.parse($0) }) != nil else {
                return [.undecoded(reason: "the body has no field `json`")]
            }
        } catch let error as FieldError {
            return [.undecoded(reason: error.description)]
        } catch let error as JSONError {
            return [.undecoded(reason: error.description)]
        } catch {
            return [.undecoded(reason: "the body cannot be read")]
        }
        guard json.root.isObject else { return [.undecoded(reason: "`json` is no object")] }
        return [decode(MangoWebhook(path: raw.path), MangoMessage(json.root, raw.stamp))]
    }

    private func decode(_ webhook: MangoWebhook, _ message: MangoMessage) -> Decoded {
        switch webhook {
        case .call: message.callEvent()
        case .summary: message.summary()
        case .recording: message.recording()
        case .recordAdded: message.recordAdded()
        case .recordTagged: message.recordTagged()
        case .dtmf: message.digits()
        case .sms: message.commandReport(code: message["reason"])
        case .commandResult: message.commandReport(code: message.text("result") == nil ? message["code"] : message["result"])
        case .statisticsReady: message.statisticsReady()
        case .presence: .ignored(reason: "presence of an operator")
        case .ping: .ignored(reason: "connection check")
        case .unknown: .ignored(reason: "a kind of event this adapter does not know")
        }
    }
}
