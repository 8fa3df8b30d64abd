import AdapterKit
import Connector

/// Looks at each number's routing mode every few minutes, and warns where its calls will not come by SIP.
///
/// One number after the other, so that a hundred of them are no burst. Where MegaFon does not answer several times in a row, the rest of the
/// round is left out: the registrations go on without it.
struct MultifonWatch: Sendable {
    let desk: MultifonDesk
    let trunks: [TrunkAccount]
    /// What the file wants; `nil` only watches.
    let wanted: MultifonMode?
    let pace: Duration

    /// So many failures in a row end a round.
    private static let failureLimit = 3
    /// Status and balance are asked for in the first round of so many.
    private static let rareRounds = 12

    func run(_ board: TrunkBoard, _ context: KeepingContext) async {
        var round = 0
        var blocked: Set<TrunkID> = []
        while !Task.isCancelled {
            await look(board, context, &blocked, isThorough: round % Self.rareRounds == 0)
            round += 1
            guard await context.pause(pace) else { return }
        }
    }

    private func look(
        _ board: TrunkBoard, _ context: KeepingContext, _ blocked: inout Set<TrunkID>, isThorough: Bool
    ) async {
        var failures = 0
        for trunk in trunks {
            var warning: TrunkBoard.Warning?
            switch await finding(of: trunk) {
            case .known(let found):
                failures = 0
                warning = found
                if isThorough, found == nil { await lookAround(trunk, board, &blocked) }
            case .unknown(let reason):
                failures += 1
                warning = Self.unseen(reason)
            }
            if Task.isCancelled { return }
            board.note(warning ?? (blocked.contains(trunk.id) ? Self.blocked : nil), of: trunk.id)
            context.report(board.upkeep())
            if failures >= Self.failureLimit { return }
        }
    }

    // MARK: One number

    private enum Finding {
        case known(TrunkBoard.Warning?)
        /// MegaFon does not say now.
        case unknown(String)
    }

    private func finding(of trunk: TrunkAccount) async -> Finding {
        do throws(ProviderFailure) {
            let known = try await desk.mode(of: trunk).flatMap(MultifonMode.init)
            guard let wanted, known != wanted else { return .known(Self.warning(on: known)) }
            return .known(await set(wanted, of: trunk, instead: known))
        } catch {
            return Self.isLasting(error) ? .known(Self.refused(error)) : .unknown(error.text)
        }
    }

    /// Gives the number the mode that the file wants.
    private func set(_ wanted: MultifonMode, of trunk: TrunkAccount, instead known: MultifonMode?) async -> TrunkBoard.Warning? {
        do throws(ProviderFailure) {
            try await desk.set(wanted, of: trunk)
            return Self.warning(on: wanted)
        } catch {
            return TrunkBoard.Warning(
                "its routing mode is \(known?.word ?? "not known") and cannot be set to \(wanted.word): \(error.text)",
                remedy: "set the mode in MegaFon's cabinet, or leave `mode` out of the file")
        }
    }

    private static func warning(on mode: MultifonMode?) -> TrunkBoard.Warning? {
        guard let mode else {
            return TrunkBoard.Warning(
                "its routing mode is one that we do not know", remedy: "look in MegaFon's cabinet whether calls go to SIP")
        }
        return mode.reachesUs ? nil : phoneOnly
    }

    private static let phoneOnly = TrunkBoard.Warning(
        "its calls go to the mobile phone only and do not come here: the routing mode is phone",
        remedy: "write `mode: sip` or `mode: both` under `settings:`, or change it in MegaFon's cabinet")

    /// Status and balance. What is not told is no trouble: not every number's plan tells it.
    private func lookAround(_ trunk: TrunkAccount, _ board: TrunkBoard, _ blocked: inout Set<TrunkID>) async {
        if case .some(let isBlocked?) = try? await desk.isBlocked(trunk) {
            if isBlocked { blocked.insert(trunk.id) } else { blocked.remove(trunk.id) }
        }
        if case .some(let balance?) = try? await desk.balance(of: trunk) {
            board.remark("the balance is \(balance)", of: trunk.id)
        }
    }

    private static let blocked = TrunkBoard.Warning("MegaFon has blocked it", remedy: "pay, or ask MegaFon why")

    // MARK: Failures

    private static func isLasting(_ failure: ProviderFailure) -> Bool {
        failure.kind == .unauthorized || failure.kind == .rejected
    }

    private static func refused(_ failure: ProviderFailure) -> TrunkBoard.Warning {
        let remedy =
            switch failure.code {
            case "101": "check the password in the file"
            case "404": "switch MultiFon on for the number: *137#"
            default: "ask MegaFon whether the number may use the routing mode"
            }
        return TrunkBoard.Warning("its routing mode cannot be read: \(failure.text)", remedy: remedy)
    }

    private static func unseen(_ reason: String) -> TrunkBoard.Warning {
        TrunkBoard.Warning(
            "its routing mode is not known now: \(reason)", remedy: "nothing to do while it is registered; it is looked at again")
    }
}
