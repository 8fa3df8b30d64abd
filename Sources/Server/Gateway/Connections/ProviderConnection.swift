import Connector

/// One file of `adapters.d` brought to life: settings, adapter, what is wrong, counters. Immutable but for the counters.
package final class ProviderConnection: Sendable {
    package let settings: ConnectionSettings
    /// The file it was read from.
    package let file: String
    package let descriptor: AdapterDescriptor?
    /// `nil` where the connection is disabled or has problems: it then takes no webhooks.
    package let adapter: (any TelephonyAdapter)?
    package let problems: [ConfigurationProblem]
    /// Shared with what stood under this name before a reload.
    package let counters: ConnectionCounters
    /// The generation of connections with which it came.
    let since: Int
    let urlToken: [UInt8]?

    package var id: ConnectionID { settings.id }
    package var profile: ConnectionProfile { settings.profile }
    package var tenant: TenantID { settings.profile.tenant }

    init(_ entry: ConnectionDirectory.Entry, counters: ConnectionCounters, since: Int) {
        self.since = since
        settings = entry.settings
        file = entry.file
        descriptor = entry.adapter?.descriptor ?? entry.kind.map { $0.descriptor }
        adapter = entry.adapter
        problems = entry.problems
        self.counters = counters
        urlToken = entry.settings.urlToken.map { Array($0.utf8) }
    }

    /// Where the provider reaches it, with the extra segment that is a secret.
    /// - Parameter publicURL: where providers reach the gateway, without a slash at the end.
    package func address(at publicURL: String) -> String {
        "\(publicURL)/hooks/\(id.name)" + (settings.urlToken.map { "/\($0)" } ?? "")
    }

    /// Whether `entry` says the same as this connection's file did.
    func isMade(of entry: ConnectionDirectory.Entry) -> Bool {
        settings == entry.settings && problems == entry.problems && (adapter == nil) == (entry.adapter == nil)
            && descriptor?.name == entry.kind?.descriptor.name
    }
}

/// All connections at one moment: an immutable snapshot.
package struct ConnectionSet: Sendable {
    /// In the order of their names.
    package let all: [ProviderConnection]
    /// Problems that belong to no connection: a file with a bad name, a folder that cannot be read.
    package let problems: [ConfigurationProblem]
    /// Grows with each reload that changed something.
    package let generation: Int
    private let byName: [String: ProviderConnection]

    init(_ all: [ProviderConnection] = [], problems: [ConfigurationProblem] = [], generation: Int = 0) {
        self.all = all
        self.problems = problems
        self.generation = generation
        byName = Dictionary(all.map { ($0.id.name, $0) }) { first, _ in first }
    }

    package subscript(name: String) -> ProviderConnection? { byName[name] }

    /// Those with an adapter.
    package var live: [ProviderConnection] { all.filter { $0.adapter != nil } }

    package func of(_ tenant: TenantID) -> [ProviderConnection] { all.filter { $0.tenant == tenant } }
}
