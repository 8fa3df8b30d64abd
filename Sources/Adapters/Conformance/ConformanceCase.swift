import Connector

/// A recorded exchange: what a provider sent to one connection, in order.
package struct ConformanceCase: Sendable {
    package var name: String
    package var settings: [String: String]
    package var requests: [RecordedRequest]
    /// One status for each request, where all are to be refused.
    package var refusals: [Int]?
    /// The section of the connection's file that only the adapter understands, where it takes one.
    package var section: SettingTree?
    /// A page of the vendor's own log of calls, fetched after the requests; nil where the case has none.
    package var log: [UInt8]?

    package init(
        name: String, settings: [String: String], requests: [RecordedRequest], refusals: [Int]? = nil, log: [UInt8]? = nil,
        section: SettingTree? = nil
    ) {
        self.section = section
        self.log = log
        self.name = name
        self.settings = settings
        self.requests = requests
        self.refusals = refusals
    }
}

extension ConformanceCase {
    /// The raw record that whoever fetched the page of the log would write of it, a day after everything else.
    package static func rawLog(_ page: [UInt8], _ connection: ConnectionID, number: Int = 0) -> RawRecord {
        let fetchedAt = Instant(unixSeconds: 1_793_750_400)
        return RawRecord(
            id: RawID(time: fetchedAt, rest: UInt128(number)), connection: connection, receivedAt: fetchedAt, source: .history,
            method: "", body: page)
    }
}

/// One request as it came to the gateway.
package struct RecordedRequest: Sendable, Equatable {
    package var method: String
    /// The path behind `/hooks/{connection}[/{url_token}]`, without its query.
    package var path: String
    package var query: String
    package var headers: [HeaderField]
    package var body: [UInt8]
    package var receivedAt: Instant

    package init(method: String, path: String, query: String, headers: [HeaderField], body: [UInt8], receivedAt: Instant) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
        self.receivedAt = receivedAt
    }

    /// The raw record that the gateway would write of it.
    /// - Parameters:
    ///   - number: tells the requests of one case apart.
    ///   - headers: the names that the adapter asked for.
    ///   - source: another where a keeper heard it.
    package func raw(
        _ connection: ConnectionID, number: Int, headers names: [String], source: CallSource = .webhook
    ) -> RawRecord {
        var hash = StableHash()
        hash.combine(connection.name)
        hash.combine(UInt64(truncatingIfNeeded: number))
        return RawRecord(
            id: RawID(time: receivedAt, rest: hash.value), position: Int64(number) + 1, connection: connection,
            receivedAt: receivedAt, source: source, method: method, path: path, query: query,
            headers: headers.filter { names.contains($0.name) }, body: body)
    }
}
