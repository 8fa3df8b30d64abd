import Connector
import Gateway
import Recordings

extension RecordingSources {
    /// The connections of the registry, asked by the clients that all share.
    init(_ registry: ConnectionRegistry, _ providers: ProviderClients) {
        self.init(
            tenants: { Set(registry.current.live.map(\.tenant)) },
            source: { id in
                guard let line = providers[id], let connection = registry.current[id.name] else { return nil }
                let home = connection.settings.values["base_url"].flatMap(WebOrigin.init)
                return RecordingSource(client: line.client, home: home)
            })
    }
}
