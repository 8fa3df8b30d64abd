import CSystem
import Glibc

/// A listening TCP socket, non-blocking, with SO_REUSEPORT so that each loop has its own on the same port.
package struct TCPListener: Sendable {
    package let descriptor: Int32
    /// Where it listens, port 0 resolved.
    package let address: SocketAddress

    /// Binds and listens.
    /// - Parameter sharing: true for a further listener on a port of ours. Without it the port must be free: two gateways do not
    ///   share a port by mistake.
    /// - Throws: `NetworkError.listen` with the address.
    package init(on address: SocketAddress, sharing: Bool = false, backlog: Int32 = 4096) throws {
        if !sharing && address.port != 0 { Glibc.close(try Self.bound(to: address, reusingPort: false)) }
        let descriptor = try Self.bound(to: address, reusingPort: true)
        var system = csys_address()
        let failure = min(csys_listen(descriptor, backlog), csys_local_address(descriptor, &system))
        guard failure == 0 else {
            Glibc.close(descriptor)
            throw NetworkError(.listen, "listening on \(address)", errno: -failure)
        }
        self.descriptor = descriptor
        self.address = SocketAddress(system)
    }

    /// What `accept` found.
    package enum Accepted {
        case connection(descriptor: Int32, peer: SocketAddress)
        case none
        /// The process or the system is out of descriptors or memory: leave the listener alone for a while.
        case exhausted
    }

    /// Takes one waiting connection, non-blocking and with TCP_NODELAY.
    package func accept() -> Accepted {
        var peer = csys_address()
        while true {
            let descriptor = csys_accept(self.descriptor, &peer)
            switch -descriptor {
            case ..<1: return .connection(descriptor: descriptor, peer: SocketAddress(peer))
            case ECONNABORTED, EINTR, EPROTO: continue
            case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted
            default: return .none
            }
        }
    }

    package func close() { Glibc.close(descriptor) }

    private static func bound(to address: SocketAddress, reusingPort: Bool) throws -> Int32 {
        let descriptor = csys_tcp_socket(address.ip.isV4 ? 0 : 1)
        guard descriptor >= 0 else { throw NetworkError(.listen, "listening on \(address)", errno: -descriptor) }
        var system = address.system
        _ = csys_reuse_address(descriptor)
        if reusingPort { _ = csys_reuse_port(descriptor) }
        let failure = csys_bind(descriptor, &system)
        guard failure == 0 else {
            Glibc.close(descriptor)
            let hint = failure == -EADDRINUSE ? "another process has this port" : nil
            throw NetworkError(.listen, "listening on \(address)", errno: -failure, hint: hint)
        }
        return descriptor
    }
}
