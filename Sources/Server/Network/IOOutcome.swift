import CSystem
import Glibc

/// What one attempt to read or write came to.
package enum IOOutcome: Equatable, Sendable {
    /// So many bytes, at least one.
    case bytes(Int)
    /// Try again when the descriptor is ready.
    case wouldBlock
    /// The peer has ended its side in order.
    case ended
    case failed
}

/// Plain reads and writes on a connected, non-blocking socket.
package enum TCPSocket {
    package static func receive(_ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> IOOutcome {
        let count = csys_recv(descriptor, buffer.baseAddress, buffer.count)
        return count > 0 ? .bytes(count) : count == 0 ? .ended : outcome(ofError: count)
    }

    package static func send(_ descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> IOOutcome {
        let count = csys_send(descriptor, bytes.baseAddress, bytes.count)
        return count > 0 ? .bytes(count) : outcome(ofError: count)
    }

    private static func outcome(ofError negative: Int) -> IOOutcome {
        switch Int32(truncatingIfNeeded: -negative) {
        case EAGAIN, EINTR: .wouldBlock
        default: .failed
        }
    }
}
