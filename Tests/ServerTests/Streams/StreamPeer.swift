import CSystem
import Glibc
import Network

/// The other side of a stream: a listener on the loopback that blocks, and does exactly what it is told. Every wait ends after ten
/// seconds, as a failure.
final class StreamPeer {
    struct Failure: Error { var what: String }

    private let listener: TCPListener
    private var descriptor: Int32 = -1
    private var tls: TLSStream?

    init() throws { listener = try TCPListener(on: SocketAddress(.loopbackV4, port: 0)) }

    deinit {
        hangUp()
        listener.close()
    }

    var port: UInt16 { listener.address.port }

    func accept(_ context: TLSContext? = nil, receiveBuffer: Int32? = nil) throws {
        try wait(listener.descriptor, forWriting: false)
        guard case .connection(let descriptor, _) = listener.accept() else { throw Failure(what: "nobody came") }
        self.descriptor = descriptor
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        guard let context else { return }
        tls = context.makeStream(descriptor: descriptor)
        while true {
            switch tls?.handshake() {
            case .done: return
            case .pending: try wait(descriptor, forWriting: tls?.wantsToWrite == true)
            case .failed, nil: throw Failure(what: "handshake")
            }
        }
    }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        csys_block_pipe_signal()
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ tls?.send($0) ?? TCPSocket.send(descriptor, $0) }) {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .wouldBlock: try wait(descriptor, forWriting: true)
            case .ended, .failed: throw Failure(what: "the connection was cut")
            }
        }
    }

    /// What comes next, 64 KiB at most; empty at the end.
    func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            switch buffer.withUnsafeMutableBytes({ tls?.receive(into: $0) ?? TCPSocket.receive(descriptor, into: $0) }) {
            case .bytes(let count): return Array(buffer[..<count])
            case .wouldBlock: try wait(descriptor, forWriting: false)
            case .ended: return []
            case .failed: throw Failure(what: "the connection was cut")
            }
        }
    }

    func receive(exactly count: Int) throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try receive()
            guard !more.isEmpty else { throw Failure(what: "it ended after \(bytes.count) of \(count) bytes") }
            bytes += more
        }
        return bytes
    }

    /// Sends until the other side takes no more for so long; how much that was.
    func flood(_ chunk: [UInt8], until patience: Int32, atMost limit: Int) -> Int {
        var sent = 0
        while sent < limit {
            switch chunk.withUnsafeBytes({ TCPSocket.send(descriptor, $0) }) {
            case .bytes(let count): sent += count
            case .wouldBlock: if csys_wait_ready(descriptor, 1, patience) <= 0 { return sent }
            case .ended, .failed: return sent
            }
        }
        return sent
    }

    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    func hangUp() {
        guard descriptor >= 0 else { return }
        tls?.end()
        tls = nil
        Glibc.close(descriptor)
        descriptor = -1
    }

    /// Ends as a machine does that falls over and comes back.
    func reset() {
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        hangUp()
    }

    private func wait(_ descriptor: Int32, forWriting: Bool) throws {
        guard csys_wait_ready(descriptor, forWriting ? 1 : 0, 10_000) > 0 else {
            throw Failure(what: "ten seconds without a sign")
        }
    }
}
