import Connector
import Gateway
import Glibc
import SQLiteJournal

/// How the connections are: their settings, their secrets, and what their providers said last.
extension Examination {
    /// Requests of a connection that are looked at for its clock.
    private static let recent = 100
    /// Calls whose events are read for that.
    private static let recentCalls = 20

    /// The connections of the gateway that runs, in its own words where it can be asked: it has the environment that counts.
    var connections: [Finding] {
        let path = gateway.present?.adapters ?? settings.adapters
        var present = settings
        present.adapters = path
        let (entries, loose) = House.directory(present).read()
        let problems = gateway.present?.problems ?? (loose + entries.flatMap(\.problems)).map(\.description)
        let live = entries.filter { isLive($0) }
        return problems.map { .bad("settings", $0, remedy: "mend it; a running gateway reads changed files by itself") }
            + foreignFolder(path) + openSecrets(entries) + (live.isEmpty ? [noneEnabled(path)] : live.flatMap(examine))
    }

    private func isLive(_ entry: ConnectionDirectory.Entry) -> Bool {
        guard let present = gateway.present else { return entry.adapter != nil }
        return present.connections[entry.id]?.isLive ?? false
    }

    private func noneEnabled(_ path: String) -> Finding {
        .odd("connections", "none is enabled in \(path)", remedy: "copy a sample there and set `enabled: true`")
    }

    /// The gateway was started with other settings than these.
    private func foreignFolder(_ path: String) -> [Finding] {
        guard gateway.present != nil, Self.resolved(path) != Self.resolved(settings.adapters) else { return [] }
        return [.good("connections", "the gateway was started with those of \(path)")]
    }

    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    private func openSecrets(_ entries: [ConnectionDirectory.Entry]) -> [Finding] {
        let files = Set(entries.filter(\.settings.isEnabled).flatMap(\.settings.secretFiles)).sorted()
        return files.filter { FileRights($0).isOpenToEverybody }.map {
            .odd("secrets", "every user of this machine may read \($0)", remedy: "chmod 600 \($0)")
        }
    }

    // MARK: One connection

    private func examine(_ entry: ConnectionDirectory.Entry) -> [Finding] {
        let subject = "connection \(entry.id)"
        // Otherwise the data folder's own finding tells it already.
        guard FileRights("\(settings.data)/journal.sqlite").refusal(of: R_OK, called: "read") == nil else {
            return [.odd(subject, "the journal cannot be read", remedy: "see above: data folder")]
        }
        do {
            let reader = try SQLiteJournal.reader(directory: settings.data)
            let inbox = try reader.inbox(state: nil, connections: [entry.id], before: nil, limit: Self.recent)
            let heard = inbox.filter { $0.raw.source == .webhook || $0.raw.source == .ami }
            return [lastWord(heard.first, try reader.lastWebhook(of: entry.id), entry, subject)]
                + upkeep(of: entry, subject) + refusal(after: heard.first, entry, subject) + (try clock(heard, reader, subject))
                + history(of: entry, try reader.pullState(of: entry.id), subject)
        } catch {
            return [.odd(subject, "the journal cannot be read: \(error)", remedy: "start the gateway once")]
        }
    }

    /// - Parameter heardAt: when a webhook came last, before the requests that are looked at.
    private func lastWord(
        _ last: InboxEntry?, _ heardAt: Instant?, _ entry: ConnectionDirectory.Entry, _ subject: String
    ) -> Finding {
        guard let last else {
            if let heardAt { return .good(subject, "last heard at \(heardAt)") }
            if isListenedTo(entry) { return .good(subject, "nothing was heard yet, on a connection that is kept") }
            return .odd(
                subject, "the provider has sent nothing yet, or nothing for as long as requests are kept",
                remedy: "give it the address \(address(of: entry))")
        }
        let words = "last heard at \(last.raw.receivedAt), \(last.state.rawValue)" + (last.reason.map { ": \($0)" } ?? "")
        guard last.state == .undecoded else { return .good(subject, words) }
        return .odd(subject, words, remedy: "see `kommutator replay --state undecoded --dry-run`")
    }

    /// The gateway itself keeps the way by which news come: nobody need be given an address.
    private func isListenedTo(_ entry: ConnectionDirectory.Entry) -> Bool {
        guard let connection = gateway.present?.connections[entry.id] else { return false }
        return connection.upkeep != nil && !connection.hasURLToken
    }

    /// Where the provider is to send. The extra segment is a secret: only its place is shown.
    private func address(of entry: ConnectionDirectory.Entry) -> String {
        let token = entry.settings.urlToken != nil || gateway.present?.connections[entry.id]?.hasURLToken == true
        return "\(settings.publicURL ?? "https://YOUR-HOST")/hooks/\(entry.id)" + (token ? "/TOKEN" : "")
    }

    /// What the gateway keeps alive at the provider, in its own words.
    private func upkeep(of entry: ConnectionDirectory.Entry, _ subject: String) -> [Finding] {
        guard let upkeep = gateway.present?.connections[entry.id]?.upkeep else { return [] }
        let remedy = upkeep.remedy ?? "see the gateway's log: upkeep"
        switch upkeep.condition {
        case .good: return [.good(subject, upkeep.summary)]
        case .starting: return [.odd(subject, upkeep.summary, remedy: "look again in a moment")]
        case .impaired: return [.odd(subject, upkeep.summary, remedy: remedy)]
        case .failing: return [.bad(subject, upkeep.summary, remedy: remedy)]
        }
    }

    /// A refusal that is newer than the last request that was accepted.
    private func refusal(after last: InboxEntry?, _ entry: ConnectionDirectory.Entry, _ subject: String) -> [Finding] {
        guard let connection = gateway.present?.connections[entry.id], let at = connection.lastRefusedAt,
            at > last?.raw.receivedAt ?? .earliest
        else { return [] }
        let reason = connection.refusal ?? "not genuine"
        let remedy =
            reason == "address not allowed"
            ? "`allow_from` must hold the provider's addresses; behind a proxy, set `trusted_proxies`"
            : "compare the secrets with the provider's cabinet: GET /api/v1/connections/\(entry.id) tells who was refused"
        return [.odd(subject, "refused a request at \(at): \(reason)", remedy: remedy)]
    }

    // MARK: Its clock

    private func clock(_ inbox: [InboxEntry], _ reader: SQLiteReader, _ subject: String) throws -> [Finding] {
        let requests = Set(inbox.map(\.raw.id))
        let calls = Set(inbox.flatMap(\.calls).prefix(Self.recentCalls))
        let events = try calls.flatMap { try reader.events(of: $0) }.compactMap { CallEvent(encoded: $0.body) }
        guard let skew = ClockSkew(events.filter { requests.contains($0.rawID) }) else { return [] }
        let seconds = (Double(abs(skew.least)) / 1000).rounded()
        let words = "its events are \(Int(seconds)) s \(skew.least < 0 ? "ahead of" : "behind") this machine's clock"
        switch skew.verdict {
        case .good: return [.good(subject, "its clock and this machine's agree, by \(skew.count) events")]
        case .oursIsBehind:
            return [.odd(subject, words, remedy: "let NTP keep this machine's clock; if it does, the provider's is wrong")]
        case .oursIsAhead:
            return [.odd(subject, words, remedy: "let NTP keep this machine's clock; if it does, the provider delivers late")]
        case .wrongZone:
            return [.odd(subject, words, remedy: "set `time_zone` in \(subject)'s file to the account's")]
        }
    }
}
