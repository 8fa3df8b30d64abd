import Connector
import Synchronization

/// A keeper's surroundings in a test: a clock that is moved by hand, notes in memory, reports that are kept.
package final class KeeperBench: Sendable {
    package static let address = "https://gate.example.test/hooks/test/s3cr3t-made-up"

    package let pause = ManualPause()
    package let signals = SignalBox()
    package let notes: MemoryNotes
    package let heard = Guarded<[HeardRecord]>([])
    /// The connection's calls that the journal takes for open.
    package let openCalls = Guarded<[CommandTarget]>([])
    private let reports = Guarded<[Upkeep]>([])
    private let address: String?

    /// - Parameter address: `nil` for a gateway that does not know its own.
    package init(address: String? = KeeperBench.address, notes: MemoryNotes = MemoryNotes()) {
        self.address = address
        self.notes = notes
    }

    package var now: Instant { pause.clock.now() }

    /// The keeper's latest word.
    package var upkeep: Upkeep? { reports.withLock { $0.last } }

    package var context: KeepingContext {
        KeepingContext(
            profile: .test, address: address, notes: notes, clock: pause.clock, pause: pause.pause, signals: signals,
            report: { upkeep in self.reports.withLock { $0.append(upkeep) } },
            openCalls: { self.openCalls.withLock { $0 } },
            hear: { records in
                self.heard.withLock { $0 += records }
                return true
            })
    }

    /// Lets the keeper work while `body` looks at it, then cancels it and waits for its end.
    package func running(_ keeper: any ConnectionKeeper, _ body: () async throws -> Void) async throws {
        let context = context
        let work = Task { try await keeper.run(context) }
        do {
            try await body()
        } catch {
            work.cancel()
            throw error
        }
        work.cancel()
        // What a cancelled keeper throws is nobody's concern.
        _ = await work.result
    }

    package func tell(_ name: String, _ fields: [String: String] = [:], path: String = "") {
        signals.put(
            AdapterSignal(
                connection: ConnectionProfile.test.id, name: name,
                fields: fields.sorted { $0.key < $1.key }.map { CustomField($0.key, $0.value) }, path: path))
    }

    /// Waits until the keeper has reported so often.
    package func reported(_ count: Int) async -> Bool { await eventually { self.reports.withLock { $0.count >= count } } }

    /// Waits until the keeper's word is like that.
    package func stands(_ isSo: @Sendable (Upkeep) -> Bool) async -> Bool { await eventually { self.upkeep.map(isSo) ?? false } }
}

/// Notes that outlive nothing.
package final class MemoryNotes: ConnectionNotes {
    private struct Refusal: Error, CustomStringConvertible {
        let description: String
    }

    private let kept: Guarded<[UInt8]?>
    private let refusal: String?

    /// - Parameter refusal: why nothing is kept.
    package init(_ text: String? = nil, refusing refusal: String? = nil) {
        kept = Guarded(text.map { Array($0.utf8) })
        self.refusal = refusal
    }

    /// How often something was kept.
    package let saves = Guarded(0)

    package var text: String? { kept.withLock { $0.map { String(decoding: $0, as: UTF8.self) } } }

    package func load() async -> [UInt8]? { kept.withLock { $0 } }

    package func save(_ bytes: [UInt8]) async throws {
        if let refusal { throw Refusal(description: refusal) }
        saves.withLock { $0 += 1 }
        kept.withLock { $0 = bytes }
    }
}
