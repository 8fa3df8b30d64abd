import NetworkTypes

/// Over what, and to or from whom, a message goes.
package struct SIPFlow: Hashable, Sendable {
    package enum Transport: UInt8, Sendable {
        case udp, tcp, tls, ws, wss

        /// Whether nothing is lost on the way, so that nothing is sent twice.
        package var isReliable: Bool { self != .udp }

        /// As Via has it.
        package var name: StaticString {
            switch self {
            case .udp: "UDP"
            case .tcp: "TCP"
            case .tls: "TLS"
            case .ws: "WS"
            case .wss: "WSS"
            }
        }
    }

    package var transport: Transport
    package var remote: SocketAddress
    /// Of UDP: which of our sockets. Of a stream: the connection's name; 0 asks for any connection to `remote`, opened if need be.
    package var local: UInt32

    package init(transport: Transport, remote: SocketAddress, local: UInt32 = 0) {
        self.transport = transport
        self.remote = remote
        self.local = local
    }
}
