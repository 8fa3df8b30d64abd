import Connector
import Glibc
import Network
import TestSupport
import Testing

@testable import Streams

/// Streams over real sockets of the loopback.
@Suite(.onItsOwnThread) struct SystemStreamsTests {
    private static let patience = Duration.seconds(10)

    /// Streams for the length of `body`.
    private func withStreams(
        _ configuration: SystemStreamsConfiguration = SystemStreamsConfiguration(), _ body: (SystemStreams) async throws -> Void
    ) async throws {
        let streams = SystemStreams(configuration)
        do {
            try await body(streams)
        } catch {
            await streams.shutdown()
            throw error
        }
        await streams.shutdown()
    }

    /// A stream and its other side.
    private func withStream(
        _ configuration: SystemStreamsConfiguration = SystemStreamsConfiguration(), receiveBuffer: Int32? = nil,
        _ body: (any ByteStream, StreamPeer) async throws -> Void
    ) async throws {
        try await withStreams(configuration) { streams in
            let peer = try StreamPeer()
            let stream = try await streams.open(StreamAddress(host: "127.0.0.1", port: peer.port), within: Self.patience)
            try peer.accept(receiveBuffer: receiveBuffer)
            try await body(stream, peer)
        }
    }

    /// Runs what blocks beside the test, on a thread of its own.
    private func aside<Value: Sendable>(_ body: @Sendable () throws -> Value) async throws -> Value { try body() }

    private func readAll(_ stream: any ByteStream, _ count: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let more = try await stream.read(within: Self.patience)
            guard !more.isEmpty else { break }
            bytes += more
        }
        return bytes
    }

    private func failure(_ body: () async throws(StreamFailure) -> Void) async -> StreamFailure? {
        do {
            try await body()
            return nil
        } catch {
            return error
        }
    }

    // MARK: Talking

    @Test func `what is written arrives, and what comes back is read`() async throws {
        try await withStream { stream, peer in
            try await stream.write(Array("Action: Ping\r\n\r\n".utf8), within: Self.patience)
            let asked = try peer.receive(exactly: 16)
            #expect(String(decoding: asked, as: UTF8.self) == "Action: Ping\r\n\r\n")
            try peer.send(asked)
            #expect(try await readAll(stream, 16) == asked)
        }
    }

    @Test func `a task that waits to read is told as soon as something comes`() async throws {
        try await withStream { stream, peer in
            for round in 0..<50 {
                async let read = stream.read(within: Self.patience)
                try peer.send([UInt8(round)])
                #expect(try await read == [UInt8(round)])
            }
        }
    }

    @Test func `bytes that come one by one lose neither place nor number`() async throws {
        try await withStream { stream, peer in
            let bytes = (0..<2000).map { UInt8(truncatingIfNeeded: $0) }
            async let read = readAll(stream, bytes.count)
            for byte in bytes { try peer.send([byte]) }
            #expect(try await read == bytes)
        }
    }

    @Test(arguments: [false, true])
    func `20 MB pass in both directions at once`(isSecured: Bool) async throws {
        let identity = try TestIdentity("localhost")
        var configuration = SystemStreamsConfiguration()
        configuration.certificateAuthorities = identity.identity.certificatePath
        let bytes = (0..<20 << 20).map { UInt8(truncatingIfNeeded: $0 &* 2_654_435_761 >> 13) }
        try await withStreams(configuration) { streams in
            let peer = Guarded(try StreamPeer())
            let port = peer.withLock { $0.port }
            let context = isSecured ? try TLSContext(identity.identity) : nil
            async let echo = aside {
                try peer.withLock { peer in
                    try peer.accept(context)
                    let came = try peer.receive(exactly: bytes.count)
                    try peer.send(came)
                    return came
                }
            }
            let stream = try await streams.open(
                StreamAddress(host: "localhost", port: port, isSecured: isSecured), within: Self.patience)
            async let read = readAll(stream, bytes.count)
            try await stream.write(bytes, within: .seconds(60))
            #expect(try await echo == bytes)
            #expect(try await read == bytes)
        }
    }

    // MARK: Ends

    @Test func `a side that has ended still hears, and its end stays the end`() async throws {
        try await withStream { stream, peer in
            try peer.send([1, 2])
            peer.endSending()
            #expect(try await readAll(stream, 3) == [1, 2])
            #expect(try await stream.read(within: Self.patience).isEmpty)
            try await stream.write([3], within: Self.patience)
            #expect(try peer.receive(exactly: 1) == [3])
        }
    }

    @Test func `a connection that is reset has broken, and what came before it is not lost to a waiting task`() async throws {
        try await withStream { stream, peer in
            async let read = failure { () throws(StreamFailure) in _ = try await stream.read(within: Self.patience) }
            peer.reset()
            #expect(await read?.code == .ended)
            let late = await failure { () throws(StreamFailure) in try await stream.write([1], within: Self.patience) }
            #expect(late?.code == .ended)
        }
    }

    @Test func `closing ends the wait of the reader, the other side's too, and is no trouble twice`() async throws {
        try await withStream { stream, peer in
            async let read = failure { () throws(StreamFailure) in _ = try await stream.read(within: Self.patience) }
            stream.close()
            stream.close()
            #expect(await read?.code == .ended)
            let end = try peer.receive()
            #expect(end.isEmpty)
            #expect(
                await failure { () throws(StreamFailure) in try await stream.write([1], within: Self.patience) }?.code == .ended)
        }
    }

    @Test func `a stream that is let go of closes`() async throws {
        try await withStreams { streams in
            let peer = try StreamPeer()
            var stream: (any ByteStream)? = try await streams.open(
                StreamAddress(host: "127.0.0.1", port: peer.port), within: Self.patience)
            try peer.accept()
            #expect(stream != nil)
            stream = nil
            #expect(try peer.receive().isEmpty)
        }
    }

    @Test func `the end of the gateway ends whoever waits, and opens nothing more`() async throws {
        let streams = SystemStreams()
        let peer = try StreamPeer()
        let address = StreamAddress(host: "127.0.0.1", port: peer.port)
        let stream = try await streams.open(address, within: Self.patience)
        async let read = failure { () throws(StreamFailure) in _ = try await stream.read(within: Self.patience) }
        await streams.shutdown()
        #expect(await read?.code == .ended)
        #expect(
            await failure { () throws(StreamFailure) in _ = try await streams.open(address, within: Self.patience) }?.code
                == .ended)
    }

    // MARK: Patience

    @Test func `a silent peer makes the reader late, and the stream lives on`() async throws {
        try await withStream { stream, peer in
            for _ in 0..<3 {
                let late = await failure { () throws(StreamFailure) in _ = try await stream.read(within: .milliseconds(5)) }
                #expect(late?.code == .late)
                #expect(late?.place == "127.0.0.1:\(peer.port)")
            }
            try peer.send([7])
            #expect(try await stream.read(within: Self.patience) == [7])
        }
    }

    @Test func `a peer that does not read makes the writer late`() async throws {
        try await withStream(receiveBuffer: 4096) { stream, _ in
            let bytes = [UInt8](repeating: 1, count: 32 << 20)
            let late = await failure { () throws(StreamFailure) in try await stream.write(bytes, within: .milliseconds(20)) }
            #expect(late?.code == .late)
            let torn = await failure { () throws(StreamFailure) in try await stream.write([1], within: .milliseconds(20)) }
            #expect(torn?.reason == "an earlier write was given up half-way")
        }
    }

    @Test func `a writer who waits goes on as soon as the peer reads`() async throws {
        try await withStream { stream, peer in
            let bytes = [UInt8](repeating: 1, count: 16 << 20)
            async let written: Void = stream.write(bytes, within: .seconds(60))
            #expect(try peer.receive(exactly: bytes.count) == bytes)
            try await written
        }
    }

    @Test func `cancelling a task ends its wait, and another may read on`() async throws {
        try await withStream { stream, peer in
            for _ in 0..<20 {
                let reading = Task {
                    await failure { () throws(StreamFailure) in _ = try await stream.read(within: Self.patience) }
                }
                reading.cancel()
                #expect(await reading.value?.code == .cancelled)
            }
            try peer.send([9])
            #expect(try await stream.read(within: Self.patience) == [9])
        }
    }

    @Test func `cancelling a writer ends its wait`() async throws {
        try await withStream(receiveBuffer: 4096) { stream, peer in
            let writing = Task {
                await failure { () throws(StreamFailure) in
                    try await stream.write([UInt8](repeating: 1, count: 32 << 20), within: Self.patience)
                }
            }
            _ = try peer.receive(exactly: 1)
            writing.cancel()
            #expect(await writing.value?.code == .cancelled)
        }
    }

    // MARK: Bounds

    @Test func `what nobody reads is held to a bound, and comes whole once somebody does`() async throws {
        var configuration = SystemStreamsConfiguration()
        configuration.unreadLimit = 64 << 10
        try await withStream(configuration) { stream, peer in
            let chunk = [UInt8](repeating: 5, count: 64 << 10)
            let sent = peer.flood(chunk, until: 100, atMost: 64 << 20)
            #expect(sent < 64 << 20)
            peer.endSending()
            var read = 0
            while true {
                let more = try await stream.read(within: Self.patience)
                #expect(more.count <= 64 << 10)
                if more.isEmpty { break }
                read += more.count
            }
            #expect(read == sent)
        }
    }

    @Test func `what comes is taken from the peer before anybody asks`() async throws {
        var configuration = SystemStreamsConfiguration()
        configuration.unreadLimit = 32 << 20
        try await withStream(configuration) { stream, peer in
            // More than both sockets hold by themselves.
            let sent = peer.flood([UInt8](repeating: 5, count: 64 << 10), until: 5000, atMost: 24 << 20)
            #expect(sent >= 24 << 20)
            let read = try await readAll(stream, sent)
            #expect(read.count == sent)
        }
    }

    // MARK: Opening

    @Test func `nobody there is said with the place`() async throws {
        try await withStreams { streams in
            let listener = try TCPListener(on: SocketAddress(.loopbackV4, port: 0))
            listener.close()
            let address = StreamAddress(host: "127.0.0.1", port: listener.address.port)
            let refused = await failure { () throws(StreamFailure) in _ = try await streams.open(address, within: Self.patience) }
            #expect(refused?.code == .connect)
            #expect(refused?.description == "127.0.0.1:\(address.port): Connection refused")
        }
    }

    @Test func `a name that nobody knows is said`() async throws {
        var configuration = SystemStreamsConfiguration()
        configuration.lookUp = { host, _ throws(NetworkError) in throw NetworkError(.invalidAddress, "\(host): unknown") }
        try await withStreams(configuration) { streams in
            let unknown = await failure { () throws(StreamFailure) in
                _ = try await streams.open(StreamAddress(host: "pbx.invalid", port: 5038), within: Self.patience)
            }
            #expect(unknown == StreamFailure(.resolve, at: "pbx.invalid:5038", "pbx.invalid: unknown"))
        }
    }

    @Test func `a name that cannot be is refused by the system's resolver`() async throws {
        try await withStreams { streams in
            let unknown = await failure { () throws(StreamFailure) in
                _ = try await streams.open(
                    StreamAddress(host: String(repeating: "a", count: 300), port: 5038), within: Self.patience)
            }
            #expect(unknown?.code == .resolve)
        }
    }

    @Test func `a resolver that hangs takes no longer than one's patience, and not all threads`() async throws {
        let gate = Bell()
        let isOpen = Guarded(false)
        var configuration = SystemStreamsConfiguration()
        configuration.lookUps = 2
        configuration.lookUp = { _, _ throws(NetworkError) in
            gate.wait { isOpen.withLock { $0 } }
            return []
        }
        try await withStreams(configuration) { streams in
            let address = StreamAddress(host: "pbx.invalid", port: 5038)
            for _ in 0..<2 {
                let late = await failure { () throws(StreamFailure) in
                    _ = try await streams.open(address, within: .milliseconds(5))
                }
                #expect(late?.code == .late)
            }
            let full = await failure { () throws(StreamFailure) in _ = try await streams.open(address, within: Self.patience) }
            #expect(full?.code == .resolve)
            isOpen.withLock { $0 = true }
            gate.ring()
        }
    }

    @Test func `the second address of a host is tried where the first does not answer`() async throws {
        let peer = try StreamPeer()
        let gone = try TCPListener(on: SocketAddress(.loopbackV4, port: 0))
        gone.close()
        var configuration = SystemStreamsConfiguration()
        configuration.lookUp = { _, port throws(NetworkError) in
            [SocketAddress(.loopbackV4, port: gone.address.port), SocketAddress(.loopbackV4, port: port)]
        }
        try await withStreams(configuration) { streams in
            let stream = try await streams.open(StreamAddress(host: "pbx.invalid", port: peer.port), within: Self.patience)
            try peer.accept()
            try peer.send([1])
            #expect(try await stream.read(within: Self.patience) == [1])
        }
    }

    @Test func `giving up while it is being opened is told at once`() async throws {
        try await withStreams { streams in
            let peer = try StreamPeer()
            let address = StreamAddress(host: "127.0.0.1", port: peer.port, isSecured: true)
            let opening = Task {
                await failure { () throws(StreamFailure) in _ = try await streams.open(address, within: Self.patience) }
            }
            try peer.accept()
            opening.cancel()
            #expect(await opening.value?.code == .cancelled)
        }
    }

    // MARK: TLS

    /// What becomes of a stream to a server with a certificate for `name`.
    private func secured(
        _ name: String, host: String, trustsAny: Bool = false, knowsIt: Bool = true
    ) async throws -> Result<[UInt8], StreamFailure> {
        let identity = try TestIdentity(name)
        var configuration = SystemStreamsConfiguration()
        if knowsIt { configuration.certificateAuthorities = identity.identity.certificatePath }
        configuration.lookUp = { _, port throws(NetworkError) in [SocketAddress(.loopbackV4, port: port)] }
        let context = try TLSContext(identity.identity)
        let peer = Guarded(try StreamPeer())
        let address = StreamAddress(host: host, port: peer.withLock { $0.port }, isSecured: true, trustsAnyCertificate: trustsAny)
        let streams = SystemStreams(configuration)
        async let served: Void = aside {
            do {
                try peer.withLock { peer in
                    try peer.accept(context)
                    try peer.send(try peer.receive())
                    peer.hangUp()
                }
            } catch {
                peer.withLock { $0.hangUp() }
            }
        }
        let result: Result<[UInt8], StreamFailure>
        do throws(StreamFailure) {
            let stream = try await streams.open(address, within: Self.patience)
            try await stream.write([1, 2, 3], within: Self.patience)
            let came = try await stream.read(within: Self.patience)
            result = .success(came + (try await stream.read(within: Self.patience)))
        } catch {
            result = .failure(error)
        }
        await streams.shutdown()
        _ = try await served
        return result
    }

    @Test func `a certificate that is vouched for and names the host is good`() async throws {
        #expect(try await secured("pbx.test", host: "pbx.test") == .success([1, 2, 3]))
    }

    @Test func `a certificate of another host is not`() async throws {
        guard case .failure(let failure) = try await secured("pbx.test", host: "other.test") else {
            Issue.record("it was trusted")
            return
        }
        #expect(failure.code == .tls)
        #expect(failure.reason == "hostname mismatch")
    }

    @Test func `nor is one that nobody vouches for`() async throws {
        guard case .failure(let failure) = try await secured("pbx.test", host: "pbx.test", knowsIt: false) else {
            Issue.record("it was trusted")
            return
        }
        #expect(failure.code == .tls)
        #expect(failure.reason == "self-signed certificate")
    }

    @Test func `the operator's word makes any certificate do`() async throws {
        #expect(
            try await secured("pbx.test", host: "other.test", trustsAny: true, knowsIt: false) == .success([1, 2, 3]))
    }

    @Test func `who does not speak TLS is told as such, and who says nothing is late`() async throws {
        try await withStreams { streams in
            let peer = try StreamPeer()
            let address = StreamAddress(host: "127.0.0.1", port: peer.port, isSecured: true)
            async let plain = failure { () throws(StreamFailure) in _ = try await streams.open(address, within: Self.patience) }
            try peer.accept()
            try peer.send(Array("Asterisk Call Manager/11.0.0\r\n".utf8))
            #expect(await plain?.code == .tls)
            let late = await failure { () throws(StreamFailure) in _ = try await streams.open(address, within: .milliseconds(20))
            }
            #expect(late?.code == .late)
        }
    }
}
