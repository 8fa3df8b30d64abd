/// One request as it came in, committed before it was answered: what everything else is derived from.
package struct RawRecord: Sendable, Equatable {
    package var id: RawID
    /// The order in which the journal committed it, from 1, strictly growing; 0 before the commit.
    package var position: Int64
    package var connection: ConnectionID
    package var receivedAt: Instant
    package var source: CallSource
    /// The sender's address without port, as a trusted proxy tells it where there is one; `""` for what the gateway itself writes.
    package var peer: String
    package var method: String
    /// The path behind `/hooks/{connection}[/{url_token}]`, with its leading slash; `""` where there is none.
    package var path: String
    /// The query string as sent, without `?`.
    package var query: String
    /// The headers that the adapter asked for (`AdapterDescriptor.headers`), names in lower case.
    package var headers: [HeaderField]
    package var body: [UInt8]

    package init(
        id: RawID, position: Int64 = 0, connection: ConnectionID, receivedAt: Instant, source: CallSource = .webhook,
        peer: String = "", method: String = "POST", path: String = "", query: String = "", headers: [HeaderField] = [],
        body: [UInt8]
    ) {
        self.id = id
        self.position = position
        self.connection = connection
        self.receivedAt = receivedAt
        self.source = source
        self.peer = peer
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }
}

/// What the events of a raw record take over from it. Small: a reader hands it on without the request itself.
package struct RawStamp: Sendable {
    package let id: RawID
    package let connection: ConnectionID
    package let receivedAt: Instant
    package let source: CallSource
}

extension RawRecord {
    package var stamp: RawStamp { RawStamp(id: id, connection: connection, receivedAt: receivedAt, source: source) }
}

/// One header of a request: the name in lower case, the value as received.
package struct HeaderField: Hashable, Sendable {
    package var name: String
    package var value: String

    package init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// What became of a raw record.
package enum DecodingState: String, Sendable, CaseIterable {
    /// Committed, not looked at yet.
    case received
    /// Read; it made events.
    case decoded
    /// Read and understood, and it concerns no call.
    case ignored
    /// Could not be read; kept for a replay after a fix.
    case undecoded
}
