/// Reads what a PBX and its trunks are told to do, and runs none of it.
///
/// Pure and quick: the settings are checked with it, also where no gateway runs.
package protocol CallPlanReader: Sendable {
    /// - Throws: `SettingsError` for a setting, `SettingTreeError` for the section `pbx`, with all that is wrong there.
    func check(_ plan: CallPlan) throws

    /// - Throws: `SettingsError`: an address that is none, a network that holds everybody.
    func check(_ trunk: TrunkAccount) throws(SettingsError)
}

/// The embedded PBX as the hall and the adapters know it: it rings, bridges, transfers, records, and keeps trunks registered.
///
/// One value serves all connections and threads. Nothing here waits for a disk or a peer without a deadline, and what it tells is told on
/// a thread of its own: whoever hears it must not block.
package protocol CallControl: CallPlanReader {
    /// Runs the PBX of a connection by this plan until it is cancelled, or until its own work cannot go on.
    ///
    /// Live calls outlive it for a while: the same connection's next `run`, after its file has changed, takes them over and tells of them.
    /// Where none comes, as at the gateway's end, they are ended, and told of before this returns.
    /// - Parameters:
    ///   - hear: is told each moment of each call, in its order. Never waits; any thread.
    ///   - report: hears how the PBX stands: what it listens on, what it cannot. Any thread.
    /// - Throws: `ProviderFailure`: a port that is taken, an address that is not this machine's. It is tried again.
    func run(
        _ plan: CallPlan, profile: ConnectionProfile, hear: @escaping @Sendable (PBXRecord) -> Void,
        report: @escaping @Sendable (Upkeep) -> Void
    ) async throws(ProviderFailure)

    /// Keeps a trunk: registers it where it registers, takes its calls, and lets the PBX dial over it, until it is cancelled; then it is
    /// taken back from the registrar. Live calls over it go on.
    /// - Parameter report: hears each change of state. Any thread.
    /// - Throws: `ProviderFailure` where it cannot be kept at all: another trunk has its name.
    func keep(_ trunk: TrunkAccount, report: @escaping @Sendable (TrunkState) -> Void) async throws(ProviderFailure)

    /// Carries out a command of the CRM on a connection's PBX, once. A call that it makes is named at once; the outcome follows in the
    /// records.
    func perform(_ order: ProviderOrder, on connection: ConnectionID) async throws(ProviderFailure) -> ProviderAnswer

    /// Who can be reached now, by short numbers; empty where the connection's PBX does not run.
    func presence(of connection: ConnectionID) -> [String: EmployeePresence]

    /// The names (`PBXRecord.call`) of a connection's calls that go on.
    func liveCalls(of connection: ConnectionID) -> Set<String>

    /// Where the file of a recording lies, by the name that its records give it.
    /// - Throws: `ProviderFailure` `.invalid` where it is no such name, or it is still being written.
    func recording(_ name: String, of connection: ConnectionID) throws(ProviderFailure) -> LocalRecording
}

/// What a connection's file says of its PBX.
package struct CallPlan: Sendable, Equatable {
    package var connection: ConnectionID
    /// `settings:`, by their names: `listen`, `public_address`, …
    package var settings: [String: String]
    /// The section `pbx`, in which secrets are resolved; `nil` where there is none.
    package var section: SettingTree?

    package init(connection: ConnectionID, settings: [String: String], section: SettingTree?) {
        self.connection = connection
        self.settings = settings
        self.section = section
    }
}

/// A recording that lies on this machine already.
package struct LocalRecording: Hashable, Sendable {
    package var path: String
    /// The original is of no use once the gateway keeps a copy.
    package var isSpent: Bool

    package init(path: String, isSpent: Bool = true) {
        self.path = path
        self.isSpent = isSpent
    }
}
