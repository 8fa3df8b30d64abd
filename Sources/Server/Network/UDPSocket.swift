import CSystem
import Glibc

/// A UDP socket, non-blocking, bound to one address of one family; whoever made it closes it.
///
/// Calls of the kernel only, no state: it may be used from several threads, though each datagram goes to one of them.
package struct UDPSocket: Sendable {
    /// What one attempt to receive found.
    package enum Received: Equatable, Sendable {
        /// A datagram of so many bytes, which may be none, from there.
        case datagram(byteCount: Int, from: SocketAddress)
        /// A datagram longer than the buffer, which holds its beginning.
        case cut(from: SocketAddress)
        /// Try again when the descriptor is ready.
        case wouldBlock
        /// The system's number. With `reportsRefusals` it may be that of a datagram sent before: see `takeRefusal()`.
        case failed(errno: Int32)
    }

    /// What became of an attempt to send.
    package enum Sent: Equatable, Sendable {
        case done
        /// The system's buffer is full: the datagram did not leave.
        case wouldBlock
        /// The system's number: EMSGSIZE, ENETUNREACH, EPERM of a firewall, or that of a datagram sent before.
        case failed(errno: Int32)
    }

    package let descriptor: Int32
    /// Where it is bound, port 0 resolved.
    package let address: SocketAddress

    /// Binds; no other socket may have the port.
    /// - Parameters:
    ///   - address: port 0 asks for a free one.
    ///   - reportsRefusals: whether `takeRefusal()` tells what the network says about datagrams that were sent (IP_RECVERR).
    ///   - bufferByteCount: what the kernel may keep each way until it is read or sent; `nil` for the system's standard. The system
    ///     has an upper limit of its own.
    /// - Throws: `NetworkError.bind` with the address and the system's number.
    package init(on address: SocketAddress, reportsRefusals: Bool = false, bufferByteCount: Int? = nil) throws(NetworkError) {
        let isV6: Int32 = address.ip.isV4 ? 0 : 1
        let descriptor = csys_udp_socket(isV6)
        guard descriptor >= 0 else { throw NetworkError(.bind, "binding UDP \(address)", errno: -descriptor) }
        if reportsRefusals { _ = csys_udp_report_refusals(descriptor, isV6) }
        if let bufferByteCount {
            _ = csys_receive_buffer(descriptor, Int32(clamping: bufferByteCount))
            _ = csys_send_buffer(descriptor, Int32(clamping: bufferByteCount))
        }
        var system = address.system
        let bound = csys_bind(descriptor, &system)
        let failure = bound == 0 ? csys_local_address(descriptor, &system) : bound
        guard failure == 0 else {
            Glibc.close(descriptor)
            let hint = failure == -EADDRINUSE ? "another socket has this port" : nil
            throw NetworkError(.bind, "binding UDP \(address)", errno: -failure, hint: hint)
        }
        self.descriptor = descriptor
        self.address = SocketAddress(system)
    }

    /// Takes one datagram.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> Received {
        var from = csys_address()
        let count = csys_udp_receive(descriptor, buffer.baseAddress, buffer.count, &from)
        if count > buffer.count { return .cut(from: SocketAddress(from)) }
        if count >= 0 { return .datagram(byteCount: count, from: SocketAddress(from)) }
        let code = Int32(truncatingIfNeeded: -count)
        return code == EAGAIN || code == EINTR ? .wouldBlock : .failed(errno: code)
    }

    /// Sends one datagram.
    @discardableResult
    package func send(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress) -> Sent {
        var system = address.system
        let count = csys_udp_send(descriptor, bytes.baseAddress, bytes.count, &system)
        return count >= 0 ? .done : Self.sent(failedWith: Int32(truncatingIfNeeded: -count))
    }

    /// Takes the error that waits at the socket, if any; for a socket that epoll calls failed.
    package func takeError() -> Int32? {
        let code = csys_connect_result(descriptor)
        return code == 0 ? nil : code
    }

    /// Takes one report of a datagram that did not arrive: whom it was for, and the system's number (ECONNREFUSED, EHOSTUNREACH …).
    ///
    /// Call until nil. Anybody who can guess a datagram's ports can make such a report: it is a hint, never a proof.
    package func takeRefusal() -> (address: SocketAddress, errno: Int32)? {
        var address = csys_address()
        let code = csys_udp_take_refusal(descriptor, &address)
        return code > 0 ? (SocketAddress(address), code) : nil
    }

    /// Asks the network to prefer what is sent: a DSCP, 46 for voice.
    package func setTrafficClass(dscp: UInt8) {
        _ = csys_udp_traffic_class(descriptor, address.ip.isV4 ? 0 : 1, Int32(dscp & 63) << 2)
    }

    package func close() { Glibc.close(descriptor) }

    static func sent(failedWith code: Int32) -> Sent {
        code == EAGAIN || code == EINTR || code == ENOBUFS ? .wouldBlock : .failed(errno: code)
    }
}
