import CSystem
import Glibc

/// Room for many datagrams that cross into the kernel and back with one call: received from a socket, or gathered to be sent.
///
/// Its memory is taken once. Used by one thread at a time, either to receive or to send.
package final class UDPBatch {
    private let batch: UnsafeMutablePointer<csys_batch>
    package let capacity: Int
    /// The longest datagram that fits.
    package let datagramByteCount: Int
    /// How many datagrams it holds: received, or waiting to be sent.
    package private(set) var count = 0

    /// - Throws: `NetworkError.bind` where memory is out.
    package init(capacity: Int = 64, datagramByteCount: Int = 2048) throws(NetworkError) {
        let (capacity, size) = (max(1, min(capacity, 1024)), max(1, min(datagramByteCount, 65_536)))
        guard let batch = csys_batch_new(Int32(capacity), Int32(size)) else {
            throw NetworkError(.bind, "a batch of \(capacity) datagrams", errno: ENOMEM)
        }
        self.batch = batch
        self.capacity = capacity
        self.datagramByteCount = size
    }

    deinit { csys_batch_free(batch) }

    /// Takes what waits at the socket, up to the capacity, in place of what the batch held.
    /// - Returns: how many datagrams there are now; 0 where none waits or the socket has failed (`UDPSocket.takeError`).
    package func receive(from socket: UDPSocket) -> Int {
        count = max(0, Int(csys_batch_receive(socket.descriptor, batch)))
        return count
    }

    /// A received datagram, valid until the next `receive`; `isCut` where it was longer than there was room.
    package func datagram(_ index: Int) -> (bytes: UnsafeRawBufferPointer, from: SocketAddress, isCut: Bool) {
        precondition(index >= 0 && index < count, "there is no such datagram")
        var from = csys_address()
        let length = csys_batch_source(batch, Int32(index), &from)
        let bytes = UnsafeRawBufferPointer(start: place(index), count: min(length, datagramByteCount))
        return (bytes, SocketAddress(from), length > datagramByteCount)
    }

    /// Adds a copy of a datagram to be sent; false where it does not fit, or the batch is full.
    package func append(_ bytes: UnsafeRawBufferPointer, to address: SocketAddress) -> Bool {
        guard count < capacity, bytes.count <= datagramByteCount else { return false }
        if let start = bytes.baseAddress { memcpy(place(count), start, bytes.count) }
        var system = address.system
        csys_batch_address(batch, Int32(count), bytes.count, &system)
        count += 1
        return true
    }

    /// Sends all and forgets them. One that the system refuses is left out; once its buffer is full, the rest is.
    /// - Returns: how many left.
    @discardableResult
    package func send(over socket: UDPSocket) -> Int {
        var (next, sent) = (0, 0)
        while next < count {
            let result = Int(csys_batch_send(socket.descriptor, batch, Int32(next), Int32(count - next)))
            if result < 0, UDPSocket.sent(failedWith: Int32(-result)) == .wouldBlock { break }
            sent += max(0, result)
            next += max(1, result)
        }
        count = 0
        return sent
    }

    private func place(_ index: Int) -> UnsafeMutablePointer<UInt8> { batch.pointee.bytes + index * datagramByteCount }
}
