import Connector
import Synchronization

/// An adapter whose webhooks are events as the journal keeps them, one JSON object a line, or signals: `signal NAME`.
package struct EventAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "events", title: "Events", version: "1", settings: [], headers: [])

    package init(settings: AdapterSettings) {}

    package func makeAuthenticator() -> any WebhookAuthenticator { Everybody() }

    package func makeDecoder() -> any EventDecoder { Decoder() }

    private final class Everybody: WebhookAuthenticator {
        func authenticate(_ request: WebhookRequest) -> Authentication { .accept(.ok) }
    }

    private final class Decoder: EventDecoder {
        func decode(_ raw: RawRecord) -> [Decoded] {
            raw.body.split(separator: UInt8(ascii: "\n")).map { line in
                if line.starts(with: "signal ".utf8) {
                    return .signal(name: String(decoding: line.dropFirst("signal ".utf8.count), as: UTF8.self), fields: [])
                }
                guard var event = CallEvent(encoded: Array(line)) else { return .undecoded(reason: "no event") }
                event.rawID = raw.id
                event.receivedAt = raw.receivedAt
                return .call(event)
            }
        }
    }
}

extension RawRecord {
    /// A webhook of `EventAdapter`.
    package static func telling(_ events: CallEvent..., to profile: ConnectionProfile = .test) -> RawRecord {
        RawRecord(
            id: events[0].rawID, connection: profile.id, receivedAt: events[0].receivedAt,
            body: Array(events.map(\.line).joined(separator: [UInt8(ascii: "\n")])))
    }
}

extension CallEvent {
    /// As JSON text; what was packed a moment ago can be expanded.
    fileprivate var line: [UInt8] { (try? PackedJSON.expand(encoded())) ?? [] }
}

/// Connections that a test loads as it likes, each with an `EventAdapter`.
package final class TestRoster: ConnectionRoster {
    private let state: Mutex<(profiles: [ConnectionProfile], generation: Int, readings: Int)>
    private let bell = Bell()

    package init(_ profiles: [ConnectionProfile] = []) { state = Mutex((profiles, 1, 0)) }

    package func load(_ profiles: [ConnectionProfile]) {
        state.withLock { $0 = (profiles, $0.generation + 1, $0.readings) }
    }

    /// Waits until somebody has read the connections.
    package func waitForReader() { bell.wait { state.withLock { $0.readings > 0 } } }

    package var generation: Int { state.withLock { $0.generation } }

    package func connections() -> [LiveConnection] {
        defer { bell.ring() }
        return state.withLock { state in
            state.readings += 1
            return state.profiles.map { profile in
                LiveConnection(
                    profile: profile, adapter: EventAdapter(settings: AdapterSettings(connection: profile.id, values: [:])))
            }
        }
    }
}
