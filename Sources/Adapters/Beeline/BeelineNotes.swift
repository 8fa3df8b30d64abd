import Connector
import Digests

/// What outlives the gateway: the subscriptions that are held, so that a restart begins none anew.
struct BeelineNotes: Sendable, Equatable {
    struct Subscription: Sendable, Equatable {
        var subject: BeelineSubject
        var id: String
        var since: Instant
        var end: Instant
    }

    /// Tells whether they lead to the same address, without telling the address.
    var address: String
    var subscriptions: [Subscription]

    init(address: String, subscriptions: [Subscription]) {
        self.address = address
        self.subscriptions = subscriptions
    }

    /// nil for what are no such notes; what is odd in them is left out.
    init?(_ bytes: [UInt8]) {
        guard let text = try? JSONText(bytes), let address = text.root["address"].string else { return nil }
        self.address = address
        subscriptions = text.root["subscriptions"].elements.compactMap { row in
            guard let id = row["id"].string, (1...256).contains(id.utf8.count), let since = row["since"].anyInt,
                let end = row["end"].anyInt, (0..<Self.lastMoment).contains(since), (since..<Self.lastMoment).contains(end),
                let path = row["entrance"].string
            else { return nil }
            let subject = BeelineSubject(pattern: row["pattern"].string, entrance: BeelineEntrance(path: path))
            return Subscription(
                subject: subject, id: id, since: Instant(milliseconds: Int64(since)), end: Instant(milliseconds: Int64(end)))
        }
    }

    private static let lastMoment = 4_102_444_800_000

    var encoded: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("address", address)
        json.beginArray("subscriptions")
        for one in subscriptions {
            json.beginObject()
            json.field("id", one.id)
            if let pattern = one.subject.pattern { json.field("pattern", pattern) }
            json.field("entrance", one.subject.entrance.path)
            json.field("since", one.since.milliseconds)
            json.field("end", one.end.milliseconds)
            json.endObject()
        }
        json.endArray()
        json.endObject()
        return json.finish()
    }

    static func mark(of address: String) -> String { Digest.hash(address, .sha256).hex }
}
