import CSystem
import Glibc
import Network

/// Calls without telephones: two ends each, that send 172 bytes of RTP every 20 ms, and count what comes back through a relay.
///
/// `benchmarks rtp-load CALLS SECONDS`, made so that any relay can stand on the other side. It talks by lines:
/// 1. it writes a line `A B` for each call: the ports at 127.0.0.1 of its two ends;
/// 2. it reads a line `A B` for each call: the relay's ports that these ends are to send to;
/// 3. after a second of warming up it writes `begin`, and after so many seconds `end SENT RECEIVED P50 P99 CPU`: packets, delays from
///    sending to coming back in µs, and its own CPU time in µs.
final class RTPLoad: EventSource {
    private static let packetBytes = 172
    private static let interval: Int64 = 20_000_000
    private static let warmUp = Duration.seconds(1)

    private let loop: EventLoop
    private let seconds: Int
    private var place = EventSourceID.unset
    private var ends: [UDPSocket] = []
    private var targets: [SocketAddress] = []
    private var rounds: [UInt32] = []
    private var packet = [UInt8](repeating: 0xD5, count: packetBytes)
    private var buffer = [UInt8](repeating: 0, count: 2048)

    private var next = 0
    private var begin: Int64 = 0
    private var sentInAll = 0
    private var isMeasuring = false
    private var (sent, received) = (0, 0)
    private var cpu = 0.0
    /// Delays in steps of 10 µs, the last one for all above.
    private var delays = [Int](repeating: 0, count: 10_001)

    static func run(_ arguments: [String]) throws {
        guard arguments.count == 2, let calls = Int(arguments[0]), let seconds = Int(arguments[1]), calls > 0, seconds > 0 else {
            throw NetworkError(.loop, "rtp-load", hint: "benchmarks rtp-load CALLS SECONDS")
        }
        _ = csys_raise_descriptor_limit()
        let load = try RTPLoad(calls: calls, seconds: seconds)
        load.exchangePorts()
        try load.start()
    }

    private init(calls: Int, seconds: Int) throws {
        self.seconds = seconds
        loop = try EventLoop(name: "rtp-load")
        for _ in 0..<calls * 2 { ends.append(try UDPSocket(on: SocketAddress(.loopbackV4, port: 0))) }
        rounds = [UInt32](repeating: 0, count: ends.count)
    }

    private func exchangePorts() {
        for index in stride(from: 0, to: ends.count, by: 2) { print(ends[index].address.port, ends[index + 1].address.port) }
        fflush(nil)
        while targets.count < ends.count, let line = readLine() {
            targets += line.split(separator: " ").compactMap { UInt16($0) }.map { SocketAddress(.loopbackV4, port: $0) }
        }
    }

    private func start() throws {
        guard targets.count == ends.count else {
            throw NetworkError(.loop, "rtp-load", hint: "a line with two ports for each call")
        }
        place = loop.addSource(self)
        for (index, end) in ends.enumerated() {
            _ = loop.register(end.descriptor, .readable, source: place, slot: UInt32(index), generation: 0)
        }
        begin = csys_monotonic()
        loop.schedule(after: Self.warmUp) { self.measure() }
        loop.schedule(after: .milliseconds(1)) { self.tick() }
        try loop.start()
        // The loop ends the process.
        while true { pause() }
    }

    private func measure() {
        isMeasuring = true
        cpu = CPUTime.ofProcess
        say("begin")
        loop.schedule(after: .seconds(seconds)) {
            self.isMeasuring = false
            // What is on the way may still come.
            self.loop.schedule(after: .milliseconds(200)) { self.end() }
        }
    }

    private func end() {
        let spent = CPUTime.ofProcess - cpu
        say("end \(sent) \(received) \(delay(share: 0.5)) \(delay(share: 0.99)) \(Int(spent))")
        exit(0)
    }

    private func say(_ line: String) {
        print(line)
        fflush(nil)
    }

    private func delay(share: Double) -> Int {
        var left = Int(Double(received) * share)
        for (step, count) in delays.enumerated() {
            left -= count
            if left <= 0 { return step * 10 }
        }
        return delays.count * 10
    }

    /// Sends what is due by now: the ends are spread evenly over 20 ms.
    private func tick() {
        let due = Int((csys_monotonic() - begin) * Int64(ends.count) / Self.interval)
        while sentInAll < due {
            send(next)
            next = (next + 1) % ends.count
            sentInAll += 1
        }
        loop.schedule(after: .milliseconds(1)) { self.tick() }
    }

    private func send(_ index: Int) {
        let round = rounds[index]
        rounds[index] &+= 1
        packet[0] = 0x80
        packet[1] = 8
        put(UInt64(round & 0xFFFF), 2, at: 2)
        put(UInt64(round &* 160), 4, at: 4)
        put(UInt64(index + 1), 4, at: 8)
        put(UInt64(csys_monotonic()), 8, at: 12)
        packet[20] = isMeasuring ? 1 : 0
        let result = packet.withUnsafeBytes { ends[index].send($0, to: targets[index]) }
        if isMeasuring, result == .done || result == .wouldBlock { sent += 1 }
    }

    private func put(_ number: UInt64, _ count: Int, at place: Int) {
        for index in 0..<count { packet[place + index] = UInt8(truncatingIfNeeded: number >> UInt64((count - 1 - index) * 8)) }
    }

    func ready(slot: UInt32, generation: UInt32, events: ReadyEvents) {
        guard case .datagram(Self.packetBytes, _) = buffer.withUnsafeMutableBytes({ ends[Int(slot)].receive(into: $0) }),
            buffer[20] == 1
        else { return }
        received += 1
        let sentAt = buffer[12..<20].reduce(Int64(0)) { $0 << 8 | Int64($1) }
        delays[max(0, min(delays.count - 1, Int((csys_monotonic() - sentAt) / 10_000)))] += 1
    }
}
