import Connector
import Synchronization

/// How the trunks of a connection stand: by what the PBX tells of each, and by what is found out beside that.
package final class TrunkBoard: Sendable {
    /// Something that the operator should know of one trunk, although it is registered.
    package struct Warning: Sendable, Equatable {
        package var text: String
        package var remedy: String

        package init(_ text: String, remedy: String) {
            self.text = text
            self.remedy = remedy
        }
    }

    private struct Line {
        var state = TrunkState(.registering)
        var warning: Warning?
        var remark: String?
    }

    private let trunks: [TrunkAccount]
    private let lines: Mutex<[TrunkID: Line]>

    /// So many are shown; those that do not stand come first.
    private static let itemLimit = 200

    package init(_ trunks: [TrunkAccount]) {
        self.trunks = trunks
        lines = Mutex(Dictionary(uniqueKeysWithValues: trunks.map { ($0.id, Line()) }))
    }

    package func note(_ state: TrunkState, of trunk: TrunkID) { lines.withLock { $0[trunk]?.state = state } }

    /// - Parameter warning: `nil` where all is well.
    package func note(_ warning: Warning?, of trunk: TrunkID) { lines.withLock { $0[trunk]?.warning = warning } }

    /// Something worth knowing that is no trouble.
    package func remark(_ text: String?, of trunk: TrunkID) { lines.withLock { $0[trunk]?.remark = text } }

    // MARK: For the operator

    package func upkeep() -> Upkeep {
        let lines = lines.withLock { $0 }
        let rows = trunks.map { (trunk: $0, line: lines[$0.id] ?? Line()) }
        let down = rows.filter { !$0.line.state.isUp }
        let warned = rows.compactMap { $0.line.state.isUp ? $0.line.warning : nil }
        let up = rows.count - down.count
        var upkeep = Upkeep(Self.condition(rows.map(\.line)), Self.summary(up: up, of: rows.count), wanted: rows.count, kept: up)
        if let warning = warned.first {
            upkeep.summary += warned.count == 1 ? "; \(warning.text)" : "; \(warned.count) have a warning: \(warning.text)"
        }
        if rows.count == 1, let remark = rows[0].line.remark { upkeep.summary += "; \(remark)" }
        upkeep.remedy = down.lazy.compactMap { Self.remedy($0.line.state) }.first ?? warned.first?.remedy
        let ordered = rows.filter { Self.isTroubled($0.line) } + rows.filter { !Self.isTroubled($0.line) }
        upkeep.items = ordered.prefix(Self.itemLimit).map { Self.item($0.trunk, $0.line) }
        return upkeep
    }

    private static func isTroubled(_ line: Line) -> Bool { !line.state.isUp || line.warning != nil }

    private static func condition(_ lines: [Line]) -> Upkeep.Condition {
        let down = lines.filter { !$0.state.isUp }
        if down.isEmpty { return lines.contains { $0.warning != nil } ? .impaired : .good }
        if down.allSatisfy({ $0.state.condition == .registering }) { return .starting }
        return down.count == lines.count ? .failing : .impaired
    }

    private static func summary(up: Int, of count: Int) -> String {
        if count == 1 { return up == 1 ? "the trunk stands" : "the trunk does not stand" }
        return up == count ? "all \(count) trunks stand" : "\(up) of \(count) trunks stand"
    }

    private static func remedy(_ state: TrunkState) -> String? {
        switch state.condition {
        case .refused(401, _, _), .refused(403, _, _), .refused(407, _, _):
            "check login and password; a provider that is asked too often with a wrong one bans the address for a while"
        case .refused(404, _, _): "check login and domain: the registrar does not know them"
        case .refused: "the registrar does not take the registration: ask the provider what the status means"
        case .unreachable: "check the registrar's name and port, and that the firewall lets SIP out"
        case .registering, .registered, .open, .ended: nil
        }
    }

    private static func item(_ trunk: TrunkAccount, _ line: Line) -> Upkeep.Item {
        var item = Upkeep.Item(name: trunk.numbers.first ?? trunk.id.description, isKept: line.state.isUp)
        switch line.state.condition {
        case .registered(let end): item.until = end
        case .refused(let status, let reason, _): item.problem = "\(status) \(ProviderFailure.tellable(reason))"
        case .unreachable(let reason, _): item.problem = ProviderFailure.tellable(reason)
        case .registering, .open, .ended: break
        }
        item.problem = item.problem ?? line.warning?.text
        return item
    }
}
