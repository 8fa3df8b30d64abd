import Connector
import Gateway
import Recordings
import Synchronization

/// The clients by which recordings are fetched: one a connection, kept until the connection's file says something else.
final class RecordingClients: Sendable {
    private let registry: ConnectionRegistry
    private let outgoing: any Outgoing
    private let kept = Mutex<[ConnectionID: (connection: ProviderConnection, client: (any ProviderClient)?)]>([:])

    init(registry: ConnectionRegistry, outgoing: any Outgoing) {
        self.registry = registry
        self.outgoing = outgoing
    }

    var sources: RecordingSources {
        RecordingSources(
            tenants: { Set(self.registry.current.live.map(\.tenant)) },
            source: { self.source($0) })
    }

    /// `nil` where no such connection is live.
    private func source(_ id: ConnectionID) -> RecordingSource? {
        guard let connection = registry.current[id.name], let adapter = connection.adapter else { return nil }
        let client = kept.withLock { kept in
            if let known = kept[id], known.connection === connection { return known.client }
            let client = adapter.makeClient(outgoing)
            kept[id] = (connection, client)
            return client
        }
        return RecordingSource(client: client, home: connection.settings.values["base_url"].flatMap(WebOrigin.init))
    }
}
