import Connector

/// Has every extension tell of its calls: when the connection comes live, and from time to time for extensions that are new.
struct TelphinKeeper: ConnectionKeeper {
    let client: TelphinClient

    static let interval = Duration.seconds(3600)
    /// Where something failed. Each time twice as long, up to the above.
    static let shortestPause = Duration.seconds(60)
    private static let shownItems = 200

    /// - Throws: where nothing can be set up at all; begun anew by who called.
    func run(_ context: KeepingContext) async throws(ProviderFailure) {
        guard let address = context.address else {
            return context.report(
                Upkeep(
                    .impaired,
                    "Telphin's extensions are not told where to send events: the gateway does not know its own address",
                    remedy: "set `public_url` in kommutator.yaml, or set the events up by hand"))
        }
        var failures = 0
        while !Task.isCancelled {
            let result = try await client.setUp(address: address)
            // What is broken off has not failed.
            guard !Task.isCancelled else { return }
            context.report(Self.upkeep(result))
            failures = result.failures.isEmpty ? 0 : failures + 1
            let rest = failures == 0 ? Self.interval : min(Self.shortestPause * (1 << min(failures - 1, 6)), Self.interval)
            guard await wait(rest, context) else { return }
        }
    }

    /// - Returns: whether there is more to do. Telphin's signals are not for the keeper.
    private func wait(_ rest: Duration, _ context: KeepingContext) async -> Bool {
        let end = context.now.advanced(by: rest)
        while true {
            switch await context.wait(until: end) {
            case .due: return true
            case .cancelled: return false
            case .signal: continue
            }
        }
    }

    private static func upkeep(_ result: TelphinSetUp) -> Upkeep {
        let kept = result.extensions - result.failures.count
        let items = result.failures.sorted { $0.key < $1.key }.prefix(shownItems).map { short, failure in
            Upkeep.Item(name: short, isKept: false, problem: failure.description)
        }
        let words = "\(kept) of \(result.extensions) extensions tell of their calls"
        guard result.extensions > 0 else {
            return Upkeep(.impaired, "Telphin names no extension that has calls", remedy: "add a phone in Telphin's cabinet")
        }
        guard let failure = result.failures.min(by: { $0.key < $1.key })?.value else {
            return Upkeep(.good, words, wanted: result.extensions, kept: kept)
        }
        return Upkeep(
            kept > 0 ? .impaired : .failing, "\(words); \(failure)",
            remedy: "it is tried again by itself; calls of these extensions are missed meanwhile", wanted: result.extensions,
            kept: kept, items: items)
    }
}
