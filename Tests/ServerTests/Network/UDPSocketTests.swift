import CSystem
import Glibc
import Testing

@testable import Network

/// Datagrams over the loopback: the kernel has delivered one when `send` returns.
struct UDPSocketTests {
    private func withPair(
        on host: String = "127.0.0.1", _ body: (UDPSocket, UDPSocket) throws -> Void
    ) throws {
        let ip = try #require(IPAddress(host))
        let first = try UDPSocket(on: SocketAddress(ip, port: 0))
        defer { first.close() }
        let second = try UDPSocket(on: SocketAddress(ip, port: 0))
        defer { second.close() }
        try body(first, second)
    }

    private func take(_ socket: UDPSocket, capacity: Int = 2048) -> (UDPSocket.Received, [UInt8]) {
        var bytes = [UInt8](repeating: 0, count: capacity)
        let received = bytes.withUnsafeMutableBytes { socket.receive(into: $0) }
        if case .datagram(let count, _) = received { bytes.removeLast(capacity - count) }
        return (received, bytes)
    }

    @Test(arguments: ["127.0.0.1", "::1"])
    func `a datagram arrives with its source`(host: String) throws {
        try withPair(on: host) { first, second in
            #expect(take(second).0 == .wouldBlock)
            #expect(Array("hello".utf8).withUnsafeBytes { first.send($0, to: second.address) } == .done)
            let (received, bytes) = take(second)
            #expect(received == .datagram(byteCount: 5, from: first.address))
            #expect(bytes == Array("hello".utf8))
        }
    }

    @Test func `an empty datagram is one, and a long one is told to be cut`() throws {
        try withPair { first, second in
            first.send(UnsafeRawBufferPointer(start: nil, count: 0), to: second.address)
            #expect(take(second).0 == .datagram(byteCount: 0, from: first.address))
            _ = [UInt8](repeating: 7, count: 100).withUnsafeBytes { first.send($0, to: second.address) }
            #expect(take(second, capacity: 60).0 == .cut(from: first.address))
            #expect(take(second).0 == .wouldBlock)
        }
    }

    @Test func `a port that is taken is refused with its address`() throws {
        let socket = try UDPSocket(on: SocketAddress("127.0.0.1:0"))
        defer { socket.close() }
        let error = #expect(throws: NetworkError.self) { try UDPSocket(on: socket.address) }
        #expect(error?.code == .bind)
        #expect(error?.errno == EADDRINUSE)
        #expect(error?.description.contains("\(socket.address)") == true)
    }

    /// Sends a datagram to where nobody is.
    private func withRefused(_ body: (UDPSocket, SocketAddress) throws -> Void) throws {
        let socket = try UDPSocket(on: SocketAddress("127.0.0.1:0"), reportsRefusals: true)
        defer { socket.close() }
        let gone = try UDPSocket(on: SocketAddress("127.0.0.1:0"))
        gone.close()
        #expect(socket.takeRefusal() == nil)
        _ = [UInt8(1)].withUnsafeBytes { socket.send($0, to: gone.address) }
        try body(socket, gone.address)
    }

    @Test func `a datagram that nobody takes is reported with its address`() throws {
        try withRefused { socket, gone in
            let refusal = try #require(socket.takeRefusal())
            #expect(refusal.address == gone)
            #expect(refusal.errno == ECONNREFUSED)
            #expect(socket.takeRefusal() == nil)
        }
    }

    @Test func `a socket that failed says why, once`() throws {
        try withRefused { socket, _ in
            #expect(socket.takeError() == ECONNREFUSED)
            #expect(socket.takeError() == nil)
        }
    }

    @Test func `what is too long for a datagram is refused`() throws {
        try withPair { first, second in
            let sent = [UInt8](repeating: 0, count: 70_000).withUnsafeBytes { first.send($0, to: second.address) }
            #expect(sent == .failed(errno: EMSGSIZE))
        }
    }

    @Test func `a batch leaves and arrives as it was put in`() throws {
        try withPair { first, second in
            let out = try UDPBatch(capacity: 8, datagramByteCount: 16)
            for number in 0..<8 {
                #expect([UInt8](repeating: UInt8(number), count: number).withUnsafeBytes { out.append($0, to: second.address) })
            }
            #expect(![UInt8(1)].withUnsafeBytes { out.append($0, to: second.address) })
            #expect(out.send(over: first) == 8)
            #expect(out.count == 0)
            let into = try UDPBatch(capacity: 5, datagramByteCount: 6)
            #expect(into.receive(from: second) == 5)
            for index in 0..<5 {
                let datagram = into.datagram(index)
                #expect(Array(datagram.bytes) == [UInt8](repeating: UInt8(index), count: index))
                #expect(datagram.from == first.address)
                #expect(!datagram.isCut)
            }
            #expect(into.receive(from: second) == 3)
            #expect(into.datagram(2).isCut)
            #expect(into.datagram(2).bytes.count == 6)
            #expect(into.receive(from: second) == 0)
        }
    }

    @Test func `a datagram that is refused does not hold up the batch`() throws {
        try withPair { first, second in
            let batch = try UDPBatch(capacity: 4, datagramByteCount: 16)
            #expect([UInt8(1)].withUnsafeBytes { batch.append($0, to: second.address) })
            // Port 0 cannot be sent to.
            #expect([UInt8(2)].withUnsafeBytes { batch.append($0, to: SocketAddress(second.address.ip, port: 0)) })
            #expect([UInt8(3)].withUnsafeBytes { batch.append($0, to: second.address) })
            #expect(batch.send(over: first) == 2)
            #expect(take(second).1 == [1])
            #expect(take(second).1 == [3])
        }
    }

    @Test func `more descriptors are asked for, up to what the system allows`() {
        #expect(csys_raise_descriptor_limit() >= 256)
        #expect(csys_raise_descriptor_limit() == csys_raise_descriptor_limit())
    }
}
