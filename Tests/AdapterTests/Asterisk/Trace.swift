import Connector
import Foundation
import Testing

@testable import AsteriskAdapter

@testable import AsteriskAdapter

/// A captured stream of a real Asterisk, with what really happened (Tests/Fixtures/asterisk-traces).
struct Trace: Sendable, CustomTestStringConvertible {
    let name: String
    /// When the first connection opened: by the server's own time stamps, where it sent any.
    let opening: Instant
    let connections: [Connection]
    let story: Story

    struct Connection: Sendable {
        /// Seconds after the first one opened.
        let openedAt: Double
        /// What arrived, and when, in seconds after this connection opened.
        let pieces: [(at: Double, bytes: [UInt8])]

        var bytes: [UInt8] { pieces.flatMap(\.bytes) }
    }

    /// What happened, told by the SIP endpoints.
    struct Story: Decodable, Sendable {
        struct Action: Decodable, Sendable {
            let at: Double
            let text: String
        }
        struct Connection: Decodable, Sendable {
            let file: String
            let opened_at: Double
        }
        let expected_calls: [TrueCall]
        let actions_sent: [Action]
        let connections: [Connection]
    }

    /// One call as the endpoints saw it; times are seconds after the first connection opened.
    struct TrueCall: Decodable, Sendable {
        struct Handover: Decodable, Sendable {
            let kind: String
            let from: String
            let to: String
            let target_answered: Bool
        }
        struct Span: Decodable, Sendable {
            let start_at: Double?
            let end_at: Double?
        }
        struct Keys: Decodable, Sendable {
            let caller: String?
            let employee: String?
        }
        struct Part: Decodable, Sendable {
            let party: String
            let talk_seconds: Double
        }
        let direction: String
        let caller: String
        let callee: String
        let answered: Bool
        let answered_by: String?
        let outcome: String
        let start_at: Double
        let answer_at: Double?
        let end_at: Double
        let ended_by: String
        let end_is_approximate: Bool?
        let pbx_answered_at: Double?
        let caller_name: String?
        let employee: String?
        let queue: String?
        let rang: [String]?
        let transfers: [Handover]
        let holds: [Span]?
        let dtmf: Keys?
        let recorded: Bool
        let recording: Span?
        let legs: [Part]?
        let hangup_cause: Int?
        let ami_linkedid: String
    }

    var testDescription: String { name }

    static let folder = URL(filePath: #filePath).deletingLastPathComponent()
        .appending(path: "../../Fixtures/asterisk-traces").standardizedFileURL

    /// In the order of their names.
    static let all: [Trace] = {
        let files = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
        return files.filter { $0.hasSuffix(".json") }.sorted().compactMap { try? Trace(String($0.dropLast(5))) }
    }()

    init(_ name: String) throws {
        self.name = name
        story = try JSONDecoder().decode(Story.self, from: Data(contentsOf: Self.folder.appending(path: "\(name).json")))
        connections = try story.connections.map { try Connection($0.file, at: $0.opened_at) }
        opening = connections.lazy.compactMap(\.opening).first ?? Instant(unixSeconds: 1_795_374_000)
    }

    func moment(_ seconds: Double) -> Instant { Instant(milliseconds: opening.milliseconds + Int64(seconds * 1000)) }
}

extension Trace.Connection {
    init(_ file: String, at openedAt: Double) throws {
        self.openedAt = openedAt
        let bytes = [UInt8](try Data(contentsOf: Trace.folder.appending(path: file)))
        let table = try String(contentsOf: Trace.folder.appending(path: file.dropLast(4) + ".arrival.tsv"), encoding: .utf8)
        let rows = table.split(separator: "\n").compactMap { line -> (Int, Double)? in
            let fields = line.split(separator: "\t")
            guard fields.count >= 2, let offset = Int(fields[0]), let at = Double(fields[1]) else { return nil }
            return (offset, at)
        }
        var pieces: [(at: Double, bytes: [UInt8])] = []
        for (index, row) in rows.enumerated() {
            let end = index + 1 < rows.count ? rows[index + 1].0 : bytes.count
            if row.0 < end { pieces.append((row.1, Array(bytes[row.0..<end]))) }
        }
        self.pieces = pieces
    }
}

extension Trace.Connection {
    /// When it opened, by the first event that says when it happened.
    fileprivate var opening: Instant? {
        for piece in pieces {
            var framing = ManagerFraming(expectsGreeting: false)
            framing.take(piece.bytes)
            while let bytes = try? framing.next() {
                let message = ManagerMessage(bytes)
                guard message.head.key == "Event", message.head.value != "FullyBooted", let moment = message.timestamp else {
                    continue
                }
                return Instant(milliseconds: moment.milliseconds - Int64((openedAt + piece.at) * 1000))
            }
        }
        return nil
    }
}
