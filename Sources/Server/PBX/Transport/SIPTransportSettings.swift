import Network
import SIP

/// Where SIP is spoken.
package struct SIPTransportSettings: Sendable {
    package struct Listener: Hashable, Sendable {
        package var transport: SIPFlow.Transport
        package var address: SocketAddress

        package init(_ transport: SIPFlow.Transport, _ address: SocketAddress) {
            self.transport = transport
            self.address = address
        }
    }

    /// UDP and TCP; the first UDP one is where our own requests leave.
    package var listeners: [Listener]
    package var limits = SIPLimits.standard
    /// Connections of one source, an IPv4 address or an IPv6 /64.
    package var connectionsPerSource = 32
    package var connections = 4096
    /// How long a connection may stay that nobody has proved himself on.
    package var strangerPatience = Duration.seconds(10)
    /// From the first byte of a message to its last.
    package var messagePatience = Duration.seconds(5)
    /// How long a connection of ours may take to be there.
    package var connectPatience = Duration.seconds(4)
    /// Bytes that wait for a peer's window; one more closes the connection.
    package var sendQueueByteCount = 256 << 10

    package init(listeners: [Listener]) { self.listeners = listeners }
}

/// What the transport counts, for `/metrics`.
package struct SIPTransportCounts: Sendable, Equatable {
    package var received = 0
    package var sent = 0
    /// Not parsed, because its source is banned or sends too much.
    package var shut = 0
    package var malformed = 0
    /// Datagrams that the system would not take.
    package var dropped = 0
    package var connections = 0
    package var refusedConnections = 0
}
