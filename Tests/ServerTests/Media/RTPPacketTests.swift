import TestSupport
import Testing

@testable import Media

/// Packets as bytes.
struct RTPPacketTests {
    static func packet(
        type: UInt8 = 8, marker: Bool = false, sequence: UInt16 = 1, timestamp: UInt32 = 160, ssrc: UInt32 = 7, payload: [UInt8]
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 12) + payload
        let header = RTPHeader(
            payloadType: type, marker: marker, sequence: sequence, timestamp: timestamp, ssrc: ssrc,
            payloadByteCount: payload.count)
        var span = bytes.mutableSpan
        _ = header.write(into: &span)
        return bytes
    }

    @Test func `a head reads back as it was written`() throws {
        let bytes = Self.packet(
            type: 101, marker: true, sequence: 0xFEDC, timestamp: 0x89AB_CDEF, ssrc: 0x0102_0304, payload: [1, 2, 3])
        #expect(Array(bytes[..<12]) == [0x80, 0xE5, 0xFE, 0xDC, 0x89, 0xAB, 0xCD, 0xEF, 1, 2, 3, 4])
        let header = try #require(RTPHeader(of: bytes))
        #expect(header.payloadType == 101)
        #expect(header.marker)
        #expect(header.sequence == 0xFEDC)
        #expect(header.timestamp == 0x89AB_CDEF)
        #expect(header.ssrc == 0x0102_0304)
        #expect(header.payload == 12..<15)
    }

    @Test func `contributors, extension and padding are no payload, and are left out when it is written again`() throws {
        let head: [UInt8] = [0xB2, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]
        var bytes = head + [UInt8](repeating: 9, count: 8) + [0xBE, 0xDE, 0, 1, 5, 5, 5, 5] + [10, 11] + [0, 0, 3]
        var header = try #require(RTPHeader(of: bytes))
        #expect(header.payload == 28..<30)
        header.ssrc = 0xFFFF_FFFF
        var span = bytes.mutableSpan
        let range = header.write(into: &span)
        #expect(Array(bytes[range]) == [0x80, 8, 0, 1, 0, 0, 0, 2, 0xFF, 0xFF, 0xFF, 0xFF, 10, 11])
    }

    @Test(
        arguments: [
            [], [0x80], [UInt8](repeating: 0x80, count: 11), [0x40, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3],
            // A list of contributors, an extension and paddings that do not fit.
            [0x81, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3], [0x90, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0],
            [0x90, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0xFF, 0xFF], [0xA0, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 7, 7, 3 + 100],
            [0xA0, 8, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0],
        ] as [[UInt8]])
    func `what does not fit is no packet`(bytes: [UInt8]) {
        #expect(RTPHeader(of: bytes) == nil)
    }

    @Test func `random bytes never trap`() {
        var random = SeededRandom(seed: 41)
        for _ in 0..<20_000 {
            var bytes = (0..<Int.random(in: 0...80, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            if !bytes.isEmpty { bytes[0] = bytes[0] & 0x3F | 0x80 }
            guard let header = RTPHeader(of: bytes) else { continue }
            #expect(header.payload.upperBound <= bytes.count)
            _ = TelephoneEvent(of: bytes, header.payload)
            var span = bytes.mutableSpan
            _ = header.write(into: &span)
            _ = RTCPNews(of: bytes, about: 1)
        }
    }

    @Test func `distances wrap`() {
        #expect(RTPSequence.distance(from: UInt16(65_535), to: 1) == 2)
        #expect(RTPSequence.distance(from: UInt16(1), to: 65_535) == -2)
        #expect(RTPSequence.distance(from: UInt32.max, to: 159) == 160)
        #expect(RTPSequence.ticks(.milliseconds(20), clockRate: 8000) == 160)
        #expect(RTPSequence.ticks(.seconds(1 << 30), clockRate: 48_000) == UInt32(truncatingIfNeeded: (1 << 30) * 48_000))
    }
}

/// Loss and jitter.
struct RTPReceiverTests {
    private func header(_ sequence: UInt16, timestamp: UInt32? = nil, ssrc: UInt32 = 7) -> RTPHeader {
        RTPHeader(
            payloadType: 8, sequence: sequence, timestamp: timestamp ?? UInt32(sequence) * 160, ssrc: ssrc, payloadByteCount: 160)
    }

    @Test func `what is missing is lost, across the wrap`() {
        var receiver = RTPReceiver()
        for number in [65_533, 65_534, 65_535, 1, 2, 5] as [UInt16] { receiver.note(header(number), arrival: 0) }
        #expect(receiver.received == 6)
        #expect(receiver.lost == 3)
        let report = receiver.report()
        #expect(report.highest == 65_536 + 5)
        #expect(report.lost == 3)
        #expect(report.fractionLost == UInt8(3 * 256 / 9))
        #expect(receiver.report().fractionLost == 0)
    }

    @Test func `the wrong order is no loss`() {
        var receiver = RTPReceiver()
        for number in [1, 3, 2, 5, 4] as [UInt16] { receiver.note(header(number), arrival: 0) }
        #expect(receiver.lost == 0)
    }

    @Test func `packets that come twice do not make a negative loss`() {
        var receiver = RTPReceiver()
        for number in [1, 1, 1, 2] as [UInt16] { receiver.note(header(number), arrival: 0) }
        #expect(receiver.lost == 0)
        #expect(receiver.report().lost == -2)
        #expect(receiver.report().fractionLost == 0)
    }

    @Test func `another source, and a far jump, begin anew and keep what was lost before`() {
        var receiver = RTPReceiver()
        for number in [1, 3] as [UInt16] { receiver.note(header(number), arrival: 0) }
        for number in [40_000, 40_002] as [UInt16] { receiver.note(header(number), arrival: 0) }
        for number in [9, 11] as [UInt16] { receiver.note(header(number, ssrc: 8), arrival: 0) }
        #expect(receiver.lost == 3)
        #expect(receiver.ssrc == 8)
        #expect(receiver.report().lost == 1)
    }

    @Test func `jitter is that of the RFC`() {
        var receiver = RTPReceiver()
        // Each second packet comes 80 steps late: differences of 80 throughout.
        for number in 0..<200 { receiver.note(header(UInt16(number)), arrival: UInt32(number * 160 + (number % 2) * 80)) }
        #expect((78...80).contains(receiver.jitter))
    }

    @Test func `a hostile timestamp does not overflow`() {
        var receiver = RTPReceiver()
        for number in 0..<2000 { receiver.note(header(UInt16(number), timestamp: number % 2 == 0 ? 0 : 0x8000_0000), arrival: 0) }
        #expect(receiver.jitter > 0)
    }

    @Test func `only the same source a little ahead is its continuation`() {
        var receiver = RTPReceiver()
        #expect(!receiver.isContinued(by: header(1)))
        receiver.note(header(1000), arrival: 0)
        #expect(receiver.isContinued(by: header(1001)))
        #expect(receiver.isContinued(by: header(1500)))
        for other in [header(1000), header(999), header(1501), header(1001, ssrc: 8)] {
            #expect(!receiver.isContinued(by: other))
        }
    }
}
