import Connector
import Synchronization

/// Holds the present set of connections and makes a new one when the settings change.
///
/// A reload swaps one reference: requests under way go on with the connection they found. Event loops look at `generation`
/// (one atomic read) and take the new set when it has moved on.
package final class ConnectionRegistry: Sendable {
    private let directory: ConnectionDirectory
    private let log: any GatewayLog
    private let currentSet = Mutex(ConnectionSet())
    private let currentGeneration = Atomic<Int>(0)
    private let stamp = Mutex<[String: FileStamp]>([:])
    /// One reload at a time.
    private let reloading = Mutex(())

    /// Nothing is read before the first `reload()`.
    package init(directory: ConnectionDirectory, log: any GatewayLog = SilentLog()) {
        self.directory = directory
        self.log = log
    }

    package var current: ConnectionSet { currentSet.withLock { $0 } }
    package var generation: Int { currentGeneration.load(ordering: .acquiring) }

    /// Reads the folder. Connections whose file says the same as before stay the same objects.
    /// - Returns: whether anything changed.
    @discardableResult
    package func reload() -> Bool {
        reloading.withLock { _ in
            // Taken before reading: a file that changes meanwhile is read again.
            let before = directory.stamp(secretFiles: secretFiles)
            let (entries, problems) = directory.read()
            let old = current
            let connections = entries.map { connection(for: $0, in: old) }
            let fresh = directory.stamp(secretFiles: Self.secretFiles(of: connections))
            stamp.withLock { $0 = fresh.filter { before[$0.key] == nil || before[$0.key] == $0.value } }
            let isSame =
                old.generation > 0 && problems == old.problems && connections.count == old.all.count
                && zip(connections, old.all).allSatisfy { $0 === $1 }
            guard !isSame else { return false }
            install(ConnectionSet(connections, problems: problems, generation: old.generation + 1))
            return true
        }
    }

    /// Reloads if a file of the folder, or of a secret, has changed.
    /// - Returns: whether anything changed.
    @discardableResult
    package func reloadIfChanged() -> Bool {
        let now = directory.stamp(secretFiles: secretFiles)
        guard stamp.withLock({ $0 != now }) else { return false }
        return reload()
    }

    /// Looks for changes until cancelled.
    package func watch(every interval: Duration = .seconds(1)) async throws {
        while true {
            try await Task.sleep(for: interval)
            reloadIfChanged()
        }
    }

    private func connection(for entry: ConnectionDirectory.Entry, in old: ConnectionSet) -> ProviderConnection {
        let known = old[entry.id.name]
        if let known, known.isMade(of: entry) { return known }
        return ProviderConnection(entry, counters: known?.counters ?? ConnectionCounters(), since: old.generation + 1)
    }

    private func install(_ set: ConnectionSet) {
        currentSet.withLock { $0 = set }
        currentGeneration.store(set.generation, ordering: .releasing)
        log.info("connections.loaded", LogField("live", String(set.live.count)), LogField("all", String(set.all.count)))
        for problem in set.problems + set.all.flatMap(\.problems) {
            log.warning("connections.problem", LogField("problem", problem.description))
        }
    }

    private var secretFiles: [String] { Self.secretFiles(of: current.all) }

    private static func secretFiles(of connections: [ProviderConnection]) -> [String] {
        connections.flatMap(\.settings.secretFiles)
    }
}

extension ConnectionRegistry: ConnectionRoster {
    /// What the ledger works with: every connection that has an adapter.
    package func connections() -> [LiveConnection] {
        current.live.compactMap { connection in
            connection.adapter.map { LiveConnection(profile: connection.profile, adapter: $0, since: connection.since) }
        }
    }
}
