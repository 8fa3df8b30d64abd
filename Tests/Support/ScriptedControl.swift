import Connector

/// A `CallControl` in a test: it does what it is told to say, and remembers what it was asked.
package final class ScriptedControl: CallControl {
    /// A PBX that runs: what it may tell, and until when.
    package struct Run: Sendable {
        package let plan: CallPlan
        package let hear: @Sendable (PBXRecord) -> Void
        package let report: @Sendable (Upkeep) -> Void
    }

    package let runs = Guarded<[Run]>([])
    package let kept = Guarded<[TrunkAccount]>([])
    package let orders = Guarded<[ProviderOrder]>([])
    /// What each trunk is told to say of itself, by its name.
    package let reporters = Guarded<[TrunkID: @Sendable (TrunkState) -> Void]>([:])
    package let live = Guarded<Set<String>>([])
    /// What `run`, `keep` and `check` throw.
    package let failure = Guarded<ProviderFailure?>(nil)
    package let refusal = Guarded<SettingsError?>(nil)
    /// What it tells when it is cancelled.
    package let lastWords = Guarded<[PBXRecord]>([])
    private let folder: String

    package init(folder: String = "/nowhere") { self.folder = folder }

    package func check(_ plan: CallPlan) throws {
        if let refusal = refusal.withLock({ $0 }) { throw refusal }
    }

    package func check(_ trunk: TrunkAccount) throws(SettingsError) {
        if let refusal = refusal.withLock({ $0 }) { throw refusal }
    }

    package func run(
        _ plan: CallPlan, profile: ConnectionProfile, hear: @escaping @Sendable (PBXRecord) -> Void,
        report: @escaping @Sendable (Upkeep) -> Void
    ) async throws(ProviderFailure) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        runs.withLock { $0.append(Run(plan: plan, hear: hear, report: report)) }
        await Self.untilCancelled()
        for record in lastWords.withLock({ $0 }) { hear(record) }
    }

    package func keep(
        _ trunk: TrunkAccount, report: @escaping @Sendable (TrunkState) -> Void
    ) async throws(ProviderFailure) {
        if let failure = failure.withLock({ $0 }) { throw failure }
        reporters.withLock { $0[trunk.id] = report }
        kept.withLock { $0.append(trunk) }
        await Self.untilCancelled()
        report(TrunkState(.ended))
    }

    package func perform(_ order: ProviderOrder, on connection: ConnectionID) async throws(ProviderFailure) -> ProviderAnswer {
        orders.withLock { $0.append(order) }
        return ProviderAnswer(call: ExternalKey(.call, "c-1"), code: "200")
    }

    package func presence(of connection: ConnectionID) -> [String: EmployeePresence] { ["101": .online] }

    package func liveCalls(of connection: ConnectionID) -> Set<String> { live.withLock { $0 } }

    package func recording(_ name: String, of connection: ConnectionID) throws(ProviderFailure) -> LocalRecording {
        LocalRecording(path: "\(folder)/\(name)")
    }

    private static func untilCancelled() async {
        let (stream, continuation) = AsyncStream<Never>.makeStream()
        for await _ in stream {}
        withExtendedLifetime(continuation) {}
    }
}
