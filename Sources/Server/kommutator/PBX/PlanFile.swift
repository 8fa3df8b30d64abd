import Connector
import Gateway
import Glibc
import MultifonAdapter
import PBXPlan
import SIPTrunkAdapter

/// The plan in a connection's file, as anybody may read it: secrets or not, enabled or not.
enum PlanFile {
    /// The section that holds it.
    static let section = "pbx"
    /// Adapters whose connections are trunks.
    private static let trunkAdapters: Set<String> = [MultifonAdapter.descriptor.name, SIPTrunkAdapter.descriptor.name]

    /// What the connection's adapter reads is a plan.
    static func isOne(_ descriptor: AdapterDescriptor?) -> Bool { descriptor?.section?.name == section }

    /// - Throws: `SettingsError` or `SettingTreeError`.
    static func plan(of settings: ConnectionSettings) throws -> DialPlan {
        try PlanDesk().read(CallPlan(connection: settings.id, settings: settings.values, section: settings.section))
    }

    /// Reads plans for `kommutator check`: prompts must lie in their folder.
    /// - Parameter folder: of the connections' files.
    static func desk(_ folder: String) -> PlanDesk { PlanDesk(hasPrompt: { hasPrompt($1, in: path($0, from: folder)) }) }

    /// What the connections' files have against plans and their adapters do not see: trunks that do not exist.
    static func problems(_ entry: ConnectionDirectory.Entry, among all: [ConnectionDirectory.Entry]) -> [ConfigurationProblem] {
        guard isOne(entry.kind?.descriptor), entry.settings.isEnabled, let section = entry.settings.section else { return [] }
        do {
            _ = try PlanReader(knownTrunks: trunks(in: all)).read(section)
            return []
        } catch {
            let known = Set(entry.problems.map(\.description))
            return error.problems.map { found in
                ConfigurationProblem(
                    file: entry.file, line: found.place.line, column: found.place.column, problem: found.problem, hint: found.hint
                )
            }.filter { !known.contains($0.description) }
        }
    }

    /// Names by which a plan may know trunks: of connections, and of the accounts within one.
    private static func trunks(in entries: [ConnectionDirectory.Entry]) -> Set<String> {
        var names: Set<String> = []
        for entry in entries where trunkAdapters.contains(entry.kind?.descriptor.name ?? "") {
            names.insert(entry.id.name)
            // Accounts of a connection that cannot be read, or is disabled, may be any.
            names.formUnion(accounts(of: entry.adapter)?.map(\.id.description) ?? ["\(entry.id)/*"])
        }
        return names
    }

    private static func accounts(of adapter: (any TelephonyAdapter)?) -> [TrunkAccount]? {
        switch adapter {
        case let adapter as SIPTrunkAdapter: adapter.trunks
        case let adapter as MultifonAdapter: adapter.trunks
        default: nil
        }
    }

    private static func path(_ folder: String, from base: String) -> String {
        folder.hasPrefix("/") ? folder : "\(base)/\(folder)"
    }

    private static func hasPrompt(_ name: String, in folder: String) -> Bool {
        ["wav", "alaw", "ulaw"].contains { access("\(folder)/\(name).\($0)", R_OK) == 0 }
    }
}
