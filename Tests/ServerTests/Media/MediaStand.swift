import CSystem
import Glibc
import Network
import TestSupport
import Testing

@testable import Media

/// A media plane on loops of its own, and what it told.
///
/// `@unchecked Sendable`: `plane` is touched on the signalling loop only.
final class MediaStand: @unchecked Sendable {
    let signalling: EventLoop
    let loops: [EventLoop]
    private let plane: MediaPlane
    private let heard = Guarded<[MediaEvent]>([])
    private let bell = Bell()

    init(loops count: Int = 1, _ change: (inout MediaSettings) -> Void = { _ in }) throws {
        var settings = MediaSettings()
        change(&settings)
        signalling = try EventLoop(name: "signalling")
        loops = try (0..<count).map { try EventLoop(name: "media \($0)") }
        plane = try MediaPlane(loops: loops, signalling: signalling, settings: settings)
        let (heard, bell) = (heard, bell)
        plane.onEvent = { event in
            heard.withLock { $0.append(event) }
            bell.ring()
        }
        for loop in loops + [signalling] { try loop.start() }
    }

    /// Shuts the plane down and ends the loops.
    func end() {
        let isOver = Guarded(false)
        signalling.execute {
            self.plane.shutdown {
                isOver.withLock { $0 = true }
                self.bell.ring()
            }
        }
        #expect(bell.wait { isOver.withLock { $0 } })
        for loop in loops + [signalling] { loop.stop() }
    }

    /// Does something on the signalling loop and waits for it.
    @discardableResult
    func run<Value: Sendable>(_ body: @escaping @Sendable (MediaPlane) throws -> Value) throws -> Value {
        let result = Guarded<Result<Value, any Error>?>(nil)
        signalling.execute {
            let value = Result { try body(self.plane) }
            result.withLock { $0 = value }
            self.bell.ring()
        }
        #expect(bell.wait { result.withLock { $0 != nil } })
        return try #require(result.withLock { $0 }).get()
    }

    /// Waits until what was commanded before has been done.
    func settle() throws {
        // Twice: a stream that moves goes by two loops.
        for _ in 0..<3 {
            try run { _ in }
            for loop in loops {
                let isDone = Guarded(false)
                loop.execute {
                    isDone.withLock { $0 = true }
                    self.bell.ring()
                }
                #expect(bell.wait { isDone.withLock { $0 } })
            }
        }
        try run { _ in }
    }

    var events: [MediaEvent] { heard.withLock { $0 } }

    /// Waits for an event.
    func wait(for isIt: (MediaEvent) -> Bool) -> MediaEvent? {
        bell.wait { heard.withLock { $0.contains(where: isIt) } }
        return events.first(where: isIt)
    }

    /// Opens a stream for a phone, and tells it of the phone unless it is to be told otherwise.
    func open(_ phone: Phone, near: MediaStreamID? = nil, _ change: (inout MediaTerms) -> Void = { _ in }) throws -> MediaPort {
        var terms = phone.terms
        change(&terms)
        let agreed = terms
        let port = try run { plane in
            let port = try plane.open(address: .loopbackV4, near: near)
            plane.configure(port.id, agreed)
            return port
        }
        try settle()
        return port
    }

    /// Two streams that are bridged, for two phones.
    func bridge(_ first: Phone, _ second: Phone, _ change: (inout MediaTerms) -> Void = { _ in }) throws -> (MediaPort, MediaPort)
    {
        let one = try open(first, change)
        let other = try open(second, near: one.id, change)
        try run { $0.bridge(one.id, other.id) }
        try settle()
        return (one, other)
    }

    /// Runs a test with a stand, and ends it whatever happens.
    static func with(loops: Int = 1, _ change: (inout MediaSettings) -> Void = { _ in }, _ body: (MediaStand) throws -> Void)
        throws
    {
        let stand = try MediaStand(loops: loops, change)
        defer { stand.end() }
        try body(stand)
    }
}

/// A telephone: one socket for sound and one for reports.
final class Phone {
    struct Packet: Equatable {
        var header: RTPHeader
        var payload: [UInt8]
    }

    let sound: UDPSocket
    let reports: UDPSocket
    var ssrc: UInt32
    var sequence: UInt16 = 1000
    var timestamp: UInt32 = 50_000

    init(ssrc: UInt32 = 0xABCD, on host: String = "127.0.0.1") throws {
        self.ssrc = ssrc
        sound = try UDPSocket(on: SocketAddress("\(host):0"))
        reports = try UDPSocket(on: SocketAddress("\(host):0"))
    }

    deinit {
        sound.close()
        reports.close()
    }

    var terms: MediaTerms { MediaTerms(remote: sound.address, eventTypeIn: 101, remoteRTCP: reports.address) }

    /// 20 ms of sound, the next of this phone.
    func speak(to port: MediaPort, type: UInt8 = 8, _ payload: [UInt8] = [UInt8](repeating: 0x55, count: 160)) {
        sequence &+= 1
        timestamp &+= 160
        send(type: type, payload, to: port)
    }

    /// A packet of a key, at the present moment of this phone.
    func press(_ code: UInt8, end: Bool = false, type: UInt8 = 101, to port: MediaPort) {
        sequence &+= 1
        send(type: type, [code, end ? 0x8A : 0x0A, 0, 160], to: port)
    }

    func send(type: UInt8, marker: Bool = false, _ payload: [UInt8], to port: MediaPort) {
        let bytes = RTPPacketTests.packet(
            type: type, marker: marker, sequence: sequence, timestamp: timestamp, ssrc: ssrc, payload: payload)
        bytes.withUnsafeBytes { _ = sound.send($0, to: port.local) }
    }

    func send(report: [UInt8], to port: MediaPort) {
        report.withUnsafeBytes { _ = reports.send($0, to: SocketAddress(port.local.ip, port: port.local.port + 1)) }
    }

    /// The next packet of sound or keys that comes.
    func hear(within milliseconds: Int32 = 10_000) throws -> Packet {
        let bytes = try #require(Self.take(sound, milliseconds))
        let header = try #require(RTPHeader(of: bytes))
        return Packet(header: header, payload: Array(bytes[header.payload]))
    }

    /// The next report that comes.
    func hearReport(within milliseconds: Int32 = 10_000) -> [UInt8]? { Self.take(reports, milliseconds) }

    /// Whether nothing waits. What was sent before and commanded through is there by then.
    var hearsNothing: Bool { Self.take(sound, 0) == nil }

    private static func take(_ socket: UDPSocket, _ milliseconds: Int32) -> [UInt8]? {
        guard csys_wait_ready(socket.descriptor, 0, milliseconds) == 1 else { return nil }
        var bytes = [UInt8](repeating: 0, count: 2048)
        guard case .datagram(let count, _) = bytes.withUnsafeMutableBytes({ socket.receive(into: $0) }) else { return nil }
        return Array(bytes[..<count])
    }
}
