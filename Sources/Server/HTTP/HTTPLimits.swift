import Network

/// What one client, and all of them together, may take. Durations count from the event named; see design of the engine, items 3, 5, 11.
package struct HTTPLimits: Sendable {
    /// Request line and headers, in bytes; held within 256…65,535.
    package var headBytes = 16 * 1024
    package var headers = 64
    /// The body of a request whose route does not say otherwise.
    package var bodyBytes = 1024 * 1024
    /// From a head's first byte to its last; progress does not extend it. Also bounds a TLS handshake, from the accept.
    package var headDeadline: Duration = .seconds(10)
    /// How long a body may arrive at any rate.
    package var bodyGrace: Duration = .seconds(10)
    /// After the grace, bytes per second on average since the body began.
    package var minimumBodyRate = 256
    /// How long a connection may stay without a request.
    package var keepAliveIdle: Duration = .seconds(60)
    /// How long a client may take none of what is sent to it.
    package var writeStall: Duration = .seconds(30)
    /// How long a deferred reply may be owed; then the client gets 503 and the connection ends.
    package var replyDeadline: Duration = .seconds(60)
    /// How long a refused client's remaining bytes are read and thrown away, so that it sees the answer.
    package var linger: Duration = .seconds(2)
    /// Open connections of the whole server. Above nine tenths the oldest idle ones are closed, at the bound new ones.
    package var connections = 20_000
    /// Open connections of one IPv4 address, or one IPv6 /64.
    package var connectionsPerAddress = 512
    /// Networks to which the cap per address does not apply: the proxy in front of us.
    package var addressCapExemptions = IPNetwork.loopback
    /// TLS handshake steps in one turn of a loop; each costs 0.15 to 0.35 ms, and others wait meanwhile.
    package var handshakesPerTurn = 4
    /// Unsent bytes of a streamed body at which its writer waits.
    package var writeHighWater = 256 * 1024

    package init() {}

    var boundedHeadBytes: Int { min(max(headBytes, 256), 65_535) }
}
