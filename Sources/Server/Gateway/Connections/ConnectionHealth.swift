import Connector

/// How a connection is, in a colour and a sentence.
package struct ConnectionHealth: Sendable, Equatable {
    package enum Status: String, Sendable, CaseIterable {
        case green, yellow, red
        /// Switched off by its file.
        case disabled
    }

    package var status: Status
    package var reason: String

    /// What the journal knows of a connection.
    struct Traces: Sendable {
        var lastReceivedAt: Instant?
        /// The newest request that could not be read.
        var lastUndecodedAt: Instant?
    }

    /// Judges: a bad file, an adapter in trouble, nothing kept alive or a failing disk is red; silence, refusals, unreadable requests and
    /// what is kept in part are yellow.
    /// - Parameter isSilent: nothing is heard of it though calls are usual at this time.
    init(of connection: ProviderConnection, _ traces: Traces, _ upkeep: UpkeepStatus? = nil, isSilent: Bool = false) {
        if let problem = connection.problems.first {
            self.init(.red, "\(problem)")
        } else if !connection.settings.isEnabled {
            self.init(.disabled, "switched off in \(connection.file)")
        } else if let trouble = connection.adapter?.trouble {
            self.init(.red, trouble)
        } else if let upkeep, upkeep.condition == .failing {
            self.init(.red, upkeep.sentence)
        } else {
            self.init(connection.counters, traces)
            guard status == .green else { return }
            if let upkeep, upkeep.condition == .impaired {
                self.init(.yellow, upkeep.sentence)
            } else if isSilent {
                self.init(.yellow, "silent against its usual rate: nothing is heard of the provider")
            }
        }
    }

    private init(_ counters: ConnectionCounters, _ traces: Traces) {
        let lastGood = [counters.lastAcceptedAt, traces.lastReceivedAt].compactMap { $0 }.max()
        if let failed = counters.lastFailedAt, failed >= lastGood ?? .earliest {
            self.init(.red, "the latest request could not be stored")
        } else if let refused = counters.lastRefusedAt, refused > lastGood ?? .earliest {
            self.init(.yellow, "the latest request was refused: \(counters.refusalReason ?? "not genuine")")
        } else if let lastGood {
            let isUnread = traces.lastUndecodedAt.map { $0 >= lastGood } ?? false
            self.init(
                isUnread ? .yellow : .green,
                isUnread ? "the latest request could not be read: see the inbox" : "hears the provider")
        } else {
            self.init(.yellow, "nothing has been received yet")
        }
    }

    private init(_ status: Status, _ reason: String) {
        self.status = status
        self.reason = reason
    }
}

extension UpkeepStatus {
    /// What is the matter, and what to do about it.
    package var sentence: String { summary + (remedy.map { ": \($0)" } ?? "") }
}
