/// Reads the raw records of all connections: each by its adapter's decoder, the gateway's own by `SystemRecord`.
///
/// Follows the directory's reloads. Confined to one thread, like the decoders it keeps.
package final class RawDecoder {
    private let roster: any ConnectionRoster
    private var generation = -1
    private var readers: [ConnectionID: Reader] = [:]

    /// A class, because every record looks at one: nothing is copied.
    private final class Reader {
        let profile: ConnectionProfile
        let decoder: any EventDecoder

        init(_ connection: LiveConnection) {
            profile = connection.profile
            decoder = connection.adapter.makeDecoder()
        }
    }

    package init(roster: any ConnectionRoster) { self.roster = roster }

    /// What is known of a connection; `nil` where none of that name is loaded.
    package func profile(_ id: ConnectionID) -> ConnectionProfile? {
        follow()
        return readers[id]?.profile
    }

    /// The roster's generation that is followed now.
    var currentGeneration: Int {
        follow()
        return generation
    }

    package func decode(_ raw: RawRecord) -> [Decoded] {
        follow()
        guard let reader = readers[raw.connection] else {
            return [.undecoded(reason: "connection \(raw.connection) is not loaded")]
        }
        return raw.source == .system ? SystemRecord.decode(raw) : reader.decoder.decode(raw)
    }

    private func follow() {
        let present = roster.generation
        guard present != generation else { return }
        generation = present
        readers = Dictionary(
            roster.connections().map { ($0.profile.id, Reader($0)) },
            uniquingKeysWith: { first, _ in first })
    }
}
