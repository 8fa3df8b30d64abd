import Connector

/// Reads plans where no PBX runs: for `kommutator check`, and for whoever asks what a plan would do.
package struct PlanDesk: CallPlanReader {
    /// Whether a folder has a file for a prompt; `nil` leaves that open.
    private let hasPrompt: (@Sendable (_ folder: String, _ name: String) -> Bool)?
    private let checkTrunk: @Sendable (TrunkAccount) throws(SettingsError) -> Void

    /// - Parameters:
    ///   - hasPrompt: is asked with the folder as the plan writes it.
    ///   - checkTrunk: judges the account of a trunk.
    package init(
        hasPrompt: (@Sendable (_ folder: String, _ name: String) -> Bool)? = nil,
        checkTrunk: @escaping @Sendable (TrunkAccount) throws(SettingsError) -> Void = { _ throws(SettingsError) in }
    ) {
        self.hasPrompt = hasPrompt
        self.checkTrunk = checkTrunk
    }

    package func check(_ plan: CallPlan) throws { _ = try read(plan) }

    package func check(_ trunk: TrunkAccount) throws(SettingsError) { try checkTrunk(trunk) }

    /// - Throws: `SettingsError` where there is no plan, `SettingTreeError` for all that is wrong with it.
    package func read(_ plan: CallPlan) throws -> DialPlan {
        guard let section = plan.section else {
            throw SettingsError(
                setting: "pbx", problem: "is missing",
                hint: "add a section `pbx:` with the telephones: see adapters.d/sample-pbx.yaml")
        }
        return try PlanReader(hasPrompt: hasPrompt).read(section)
    }
}
