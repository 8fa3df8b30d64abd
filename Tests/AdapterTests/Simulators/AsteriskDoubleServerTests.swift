import Connector
import DoubleServer
import Network
import Streams
import TestSupport
import Testing

@testable import VendorSimulators

/// The double behind a socket of the loopback, and a client through the gateway's own streams.
struct AsteriskDoubleServerTests {
    private struct SystemTime: Timekeeper {
        func now() -> Instant { Instant(milliseconds: MonotonicInstant.now.nanoseconds / 1_000_000) }
    }

    private static let patience = Duration.seconds(10)

    private func withServer(
        _ change: (inout AsteriskOptions) -> Void = { _ in }, playing plan: DoublePlan? = nil,
        tell: @escaping @Sendable (AsteriskNews) -> Void = { _ in },
        _ body: (AsteriskDoubleServer, SystemStreams, StreamAddress) async throws -> Void
    ) async throws {
        var options = AsteriskOptions(users: [AsteriskTalk.user])
        change(&options)
        let double = AsteriskDouble(options, seed: 1, at: SystemTime().now())
        let server = try AsteriskDoubleServer(
            double, on: SocketAddress(.loopbackV4, port: 0), faults: options.faults, playing: plan, timekeeper: SystemTime(),
            tell: tell)
        try server.start()
        let streams = SystemStreams()
        do {
            try await body(server, streams, StreamAddress(host: "127.0.0.1", port: server.address.port))
        } catch {
            await streams.shutdown()
            await server.shutdown()
            throw error
        }
        await streams.shutdown()
        await server.shutdown()
    }

    /// Reads until that text has come, or the end; all that has come.
    @discardableResult
    private func read(_ stream: any ByteStream, until text: String) async throws -> String {
        var heard = ""
        while !heard.contains(text) {
            let more = try await stream.read(within: Self.patience)
            guard !more.isEmpty else { break }
            heard += String(decoding: more, as: UTF8.self)
        }
        return heard
    }

    private func logIn(_ streams: SystemStreams, _ address: StreamAddress) async throws -> any ByteStream {
        let stream = try await streams.open(address, within: Self.patience)
        try await read(stream, until: "11.0.0\r\n")
        try await stream.write(
            Array("Action: Login\r\nUsername: gateway\r\nSecret: hush\r\n\r\n".utf8), within: Self.patience)
        try await read(stream, until: "Status: Fully Booted\r\n\r\n")
        return stream
    }

    @Test func `a client logs in, orders a call and sees it end`() async throws {
        let truths = Arrivals<CallTruth>()
        try await withServer {
            $0.speed = 200
        } tell: {
            if case .ended(let truth) = $0 { truths.yield(truth) }
        } _: { _, streams, address in
            let stream = try await logIn(streams, address)
            let order =
                "Action: Originate\r\nActionID: o\r\nChannel: PJSIP/101\r\nContext: internal\r\nExten: +79000000065\r\nPriority: 1\r\n"
                + "Async: true\r\nChannelId: crm-9\r\n\r\n"
            try await stream.write(Array(order.utf8), within: Self.patience)
            let heard = try await read(stream, until: "Event: Hangup\r\n")
            #expect(heard.contains("Originate successfully queued"))
            #expect(heard.contains("Event: OriginateResponse\r\n"))
            #expect(await truths.first(1).first?.call == "crm-9")
        }
    }

    @Test func `calls that nobody ordered are played, and every one has its truth`() async throws {
        let truths = Arrivals<CallTruth>()
        let plan = DoublePlan(AsteriskDouble.scenarios, calls: 40, rate: 400, seed: 5)
        try await withServer({ $0.speed = 500 }, playing: plan) {
            if case .ended(let truth) = $0 { truths.yield(truth) }
        } _: { _, _, _ in
            #expect(Set(await truths.first(40).map(\.call)).count == 40)
        }
    }

    @Test func `a wrong secret is told, and the connection ends`() async throws {
        try await withServer { _, streams, address in
            let stream = try await streams.open(address, within: Self.patience)
            try await stream.write(Array("Action: Login\r\nUsername: gateway\r\nSecret: x\r\n\r\n".utf8), within: Self.patience)
            let heard = try await read(stream, until: "never said")
            #expect(heard.hasSuffix("Message: Authentication failed\r\n\r\n"))
        }
    }

    @Test func `after a restart it refuses for a while, and then lets one in again`() async throws {
        let news = Arrivals<AsteriskNews>()
        try await withServer({ $0.faults.away = .milliseconds(50) }, tell: { news.yield($0) }) { server, streams, address in
            let stream = try await logIn(streams, address)
            server.change { double, _ in double.restart() }
            let heard = try await read(stream, until: "never said")
            #expect(heard.contains("Event: Shutdown\r\n"))
            var uptime = ""
            for _ in 0..<1000 where uptime.isEmpty {
                do {
                    let again = try await streams.open(address, within: Self.patience)
                    let greeting = try await read(again, until: "11.0.0\r\n")
                    if !greeting.isEmpty { uptime = greeting }
                } catch {
                    // Refused.
                }
            }
            #expect(uptime == "Asterisk Call Manager/11.0.0\r\n")
        }
    }

    @Test func `a client that takes nothing is dropped`() async throws {
        let news = Arrivals<AsteriskNews>()
        try await withServer {
            $0.users[0].write = ["all"]
            $0.faults.writeTimeout = .milliseconds(30)
        } tell: {
            if case .closed = $0 { news.yield($0) }
        } _: { _, streams, address in
            let stream = try await logIn(streams, address)
            // Each is answered by some kilobytes, which nobody reads beyond the stream's bound.
            let asked = [UInt8](Array(repeating: Array("Action: ListCommands\r\n\r\n".utf8), count: 1000).joined())
            for _ in 0..<20 {
                do {
                    try await stream.write(asked, within: Self.patience)
                } catch {
                    break
                }
            }
            #expect(await news.first(1) == [.closed(1, "it took nothing in time")])
        }
    }
}
