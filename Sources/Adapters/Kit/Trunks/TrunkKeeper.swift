import Connector

/// Keeps the trunks of a connection: each by itself, so that one that fails leaves the others alone.
package struct TrunkKeeper: ConnectionKeeper {
    /// Looks after the trunks beside their registration, until it is cancelled; notes on the board what it finds.
    package typealias Watch = @Sendable (TrunkBoard, KeepingContext) async -> Void

    private let control: any CallControl
    private let trunks: [TrunkAccount]
    private let watch: Watch?

    package init(control: any CallControl, trunks: [TrunkAccount], watch: Watch? = nil) {
        self.control = control
        self.trunks = trunks
        self.watch = watch
    }

    package func run(_ context: KeepingContext) async throws(ProviderFailure) {
        let board = TrunkBoard(trunks)
        context.report(board.upkeep())
        await withTaskGroup(of: Void.self) { group in
            for trunk in trunks { group.addTask { await keep(trunk, board, context) } }
            if let watch { group.addTask { await watch(board, context) } }
        }
    }

    private static let shortestPause = Duration.seconds(5)
    private static let longestPause = Duration.seconds(300)

    /// What cannot be kept is tried again, after a growing pause; how the registrar answers is the PBX's business.
    private func keep(_ trunk: TrunkAccount, _ board: TrunkBoard, _ context: KeepingContext) async {
        var pause = Self.shortestPause
        while !Task.isCancelled {
            let reason: String
            do throws(ProviderFailure) {
                try await control.keep(trunk) { state in
                    board.note(state, of: trunk.id)
                    context.report(board.upkeep())
                }
                reason = "the PBX has let it go"
            } catch {
                reason = error.text
                pause = max(pause, min(error.retryAfter ?? .zero, Self.longestPause))
            }
            if Task.isCancelled { return }
            board.note(TrunkState(.unreachable(reason: reason, retryAt: context.now.advanced(by: pause))), of: trunk.id)
            context.report(board.upkeep())
            guard await context.pause(pause) else { return }
            pause = min(pause * 2, Self.longestPause)
        }
    }
}

/// What is asked of a trunk by itself: nothing. Calls over it are the PBX's.
package struct TrunkClient: ProviderClient {
    package let keeper: (any ConnectionKeeper)?

    package init(_ keeper: TrunkKeeper) { self.keeper = keeper }

    package func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        throw .unsupported(order.action.type, "a trunk makes no calls by itself: ask its PBX")
    }
}
