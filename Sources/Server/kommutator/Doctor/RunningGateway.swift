import Connector
import Gateway
import Glibc
import Network

/// What the gateway that runs on a data folder says of itself, if one does.
enum RunningGateway {
    case running(Present)
    case absent
    /// There may be one: this user may not ask.
    case forbidden
    /// There is one, and it does not answer as it should.
    case silent(reason: String)

    /// A gateway's answer to `ping`.
    struct Present {
        /// A connection as the gateway holds it.
        struct Connection {
            var isLive: Bool
            var hasURLToken: Bool
            var lastRefusedAt: Instant?
            var refusal: String?
            /// What it keeps alive at the provider; `nil` where it keeps nothing.
            var upkeep: Upkeep?
        }

        var version: String
        var pid: Int
        var listen: [SocketAddress]
        var isSecure: Bool
        /// The folder of its connections: another one than the settings say, where it runs with `--demo`.
        var adapters: String
        var connections: [ConnectionID: Connection]
        var problems: [String]
    }

    static func look(in data: String) -> RunningGateway {
        do {
            guard let answer = try AdminSocket.ask(["do": "ping"], data: data, patience: .seconds(5)) else { return .absent }
            guard let present = Present(answer) else {
                return .silent(reason: "gave an answer that this version does not know: \(answer["error"]?.string ?? "?")")
            }
            return .running(present)
        } catch let error as NetworkError where error.errno == EACCES || error.errno == EPERM {
            return .forbidden
        } catch {
            return .silent(reason: "\(error)")
        }
    }

    var present: Present? { if case .running(let present) = self { present } else { nil } }
}

extension RunningGateway.Present {
    fileprivate init?(_ answer: JSONValue) {
        guard answer["ok"]?.bool == true, let version = answer["version"]?.string, let pid = answer["pid"]?.int,
            let adapters = answer["adapters"]?.string
        else { return nil }
        self.version = version
        self.pid = pid
        self.adapters = adapters
        isSecure = answer["tls"]?.bool ?? false
        listen = (answer["listen"]?.elements ?? []).compactMap { $0.string }.compactMap { try? SocketAddress($0) }
        problems = (answer["problems"]?.elements ?? []).compactMap(\.string)
        connections = [:]
        for connection in answer["connections"]?.elements ?? [] {
            guard let id = connection["id"]?.string else { continue }
            connections[ConnectionID(id)] = Connection(connection)
        }
    }
}

extension RunningGateway.Present.Connection {
    fileprivate init(_ json: JSONValue) {
        isLive = json["is_live"]?.bool ?? false
        hasURLToken = json["has_url_token"]?.bool ?? false
        lastRefusedAt = json["last_refused_at"]?.string.flatMap { Instant(rfc3339: $0) }
        refusal = json["refusal"]?.string
        guard let word = json["upkeep"]?["condition"]?.string, let summary = json["upkeep"]?["summary"]?.string else { return }
        upkeep = Upkeep(
            Upkeep.Condition(rawValue: word) ?? .impaired, summary, remedy: json["upkeep"]?["remedy"]?.string)
    }
}
