import AdapterKit
import Connector
import Synchronization

/// An extension of the client: a phone, a menu, a queue.
struct TelphinExtension: Hashable, Sendable {
    /// Digits.
    let id: String
    /// `101` of `0000*101`.
    let short: String
    /// `phone`, `queue`, `ivr`, `fax`.
    let type: String

    /// nil for a row that names none.
    init?(_ row: JSONNode) {
        guard let id = row["id"].anyText, Self.isID(id), let name = row["name"].anyText else { return nil }
        self.id = id
        short = TelphinNumber.short(name)
        type = row["type"].string?.lowercased() ?? "phone"
    }

    static func isID(_ text: some StringProtocol) -> Bool {
        (1...20).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
    }

    /// Kinds of events to ask for, by Telphin's advice: menus and queues tell their end only.
    var events: [String] {
        switch type {
        case "phone": ["dial-in", "dial-out", "answer", "hangup"]
        case "ivr", "queue": ["hangup"]
        default: []
        }
    }
}

/// The identifiers behind short numbers: commands are addressed to them. Kept, since they hardly change.
final class TelphinExtensions: Sendable {
    private let line: TelphinLine
    private let known = Mutex<[String: String]>([:])

    init(_ line: TelphinLine) { self.line = line }

    /// The identifier of the phone with that short number; asked for where it is not known.
    /// - Throws: `.invalid` where there is no such phone.
    func id(of short: String, within time: TimeLeft) async throws(ProviderFailure) -> String {
        if let id = known.withLock({ $0[short] }) { return id }
        let phones = try await all(within: time).filter { $0.type == "phone" }
        let ids = Dictionary(phones.map { ($0.short, $0.id) }) { first, _ in first }
        known.withLock { $0 = ids }
        guard let id = ids[short] else { throw .invalid("from", "the provider knows no phone of that short number") }
        return id
    }

    /// Forgets an identifier that Telphin knows no longer.
    func forget(_ short: String) { known.withLock { $0[short] = nil } }

    /// Every extension of the client.
    func all(within time: TimeLeft) async throws(ProviderFailure) -> [TelphinExtension] {
        var extensions: [TelphinExtension] = []
        for page in 1...Self.pageLimit {
            let rows = try await line.list("client/@me/extension/?page=\(page)&per_page=\(Self.rowLimit)", within: time)
            let fresh = rows.compactMap(TelphinExtension.init)
            // A server that counts no pages would give the first one for ever.
            guard fresh.first != nil, fresh.first != extensions.first else { break }
            extensions += fresh
            if rows.count < Self.smallestPage { break }
        }
        return extensions
    }

    private static let rowLimit = 100
    /// A server may give fewer rows than were asked for; so few are the end.
    private static let smallestPage = 20
    private static let pageLimit = 100
}
