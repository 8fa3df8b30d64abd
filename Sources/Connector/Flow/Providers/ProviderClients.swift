import Synchronization

/// The ways to all providers: one a connection, kept until the connection's file says something else.
///
/// Everybody who asks a provider asks through here, so that a token is fetched once, and all together keep the provider's pace.
package final class ProviderClients: Sendable {
    private struct State {
        var generation = -1
        var lines: [ConnectionID: ProviderLine] = [:]
    }

    private let roster: any ConnectionRoster
    private let outgoing: any Outgoing
    private let clock: any Timekeeper
    private let pause: Pause
    private let state = Mutex(State())

    /// - Parameter pause: how a question waits for its turn.
    package init(
        roster: any ConnectionRoster, outgoing: any Outgoing, clock: any Timekeeper,
        pause: @escaping Pause = { try await Task.sleep(for: $0) }
    ) {
        self.roster = roster
        self.outgoing = outgoing
        self.clock = clock
        self.pause = pause
    }

    /// The way to a connection's provider; `nil` where no such connection is live.
    package subscript(id: ConnectionID) -> ProviderLine? { lines[id] }

    /// The ways to all live connections.
    package var all: [ProviderLine] { lines.values.sorted { $0.profile.id.name < $1.profile.id.name } }

    private var lines: [ConnectionID: ProviderLine] {
        state.withLock { state in
            let generation = roster.generation
            if generation != state.generation {
                let old = state.lines
                state.lines = [:]
                for connection in roster.connections() { state.lines[connection.profile.id] = line(of: connection, in: old) }
                state.generation = generation
            }
            return state.lines
        }
    }

    /// The provider goes on counting, whatever our file says: a new line goes at the pace of the old one.
    private func line(of connection: LiveConnection, in old: [ConnectionID: ProviderLine]) -> ProviderLine {
        let known = old[connection.profile.id]
        if let known, known.since == connection.since { return known }
        return ProviderLine(connection, over: outgoing, after: known?.pace, clock: clock, pause: pause)
    }
}

/// The way to one connection's provider.
package final class ProviderLine: Sendable {
    package let profile: ConnectionProfile
    package let capabilities: [Capability]
    /// Keeps the pace by itself: a question waits for its turn. `nil` where the provider can only be listened to.
    package let client: (any ProviderClient)?
    /// The client's keeper; what it asks goes at the same pace.
    let keeper: (any ConnectionKeeper)?
    let pace: ProviderPace
    /// The generation of connections with which it came.
    let since: Int

    init(
        _ connection: LiveConnection, over outgoing: any Outgoing, after former: ProviderPace?, clock: any Timekeeper,
        pause: @escaping Pause
    ) {
        profile = connection.profile
        since = connection.since
        let descriptor = connection.adapter.descriptor
        capabilities = descriptor.capabilities
        let known = former.flatMap { $0.keeps(descriptor) ? $0 : nil }
        let pace = known ?? ProviderPace(descriptor, clock: clock, pause: pause)
        self.pace = pace
        let client = connection.adapter.makeClient(PacedOutgoing(outgoing, pace))
        keeper = client?.keeper
        self.client = client.map { PacedClient($0, pace) }
    }
}
