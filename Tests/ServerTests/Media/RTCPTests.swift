import TestSupport
import Testing

@testable import Media

/// Reports, ours and theirs.
struct RTCPTests {
    private let writer = RTCPWriter(ssrc: 0x0102_0304, name: Array("abc".utf8))

    @Test func `a sender's report is that of the RFC`() {
        let sending = RTCPWriter.Sending(time: 0x1111_2222_3333_4444, timestamp: 5, packets: 6, bytes: 7)
        let receiving = RTCPWriter.Receiving(
            ssrc: 9, fractionLost: 10, lost: 11, highest: 12, jitter: 13, lastReport: 14, delay: 15)
        let bytes = writer.packet(sending: sending, receiving: receiving, isGoodbye: true)
        let expected: [UInt8] =
            [0x81, 200, 0, 12, 1, 2, 3, 4, 0x11, 0x11, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 7]
            + [0, 0, 0, 9, 10, 0, 0, 11, 0, 0, 0, 12, 0, 0, 0, 13, 0, 0, 0, 14, 0, 0, 0, 15]
            + [0x81, 202, 0, 3, 1, 2, 3, 4, 1, 3, 97, 98, 99, 0, 0, 0] + [0x81, 203, 0, 1, 1, 2, 3, 4]
        #expect(bytes == expected)
    }

    @Test(arguments: 0...9) func `a name ends with zeros up to a whole word`(count: Int) throws {
        let writer = RTCPWriter(ssrc: 1, name: [UInt8](repeating: 65, count: count))
        let bytes = writer.packet(sending: nil, receiving: nil)
        #expect(bytes.count % 4 == 0)
        #expect(bytes.last == 0)
        #expect(RTCPNews(of: bytes, about: 2) == RTCPNews(nothing: ()))
    }

    @Test func `what we write can be read`() throws {
        let receiving = RTCPWriter.Receiving(
            ssrc: 9, fractionLost: 255, lost: -3, highest: 1, jitter: 44, lastReport: 0x5555_0000, delay: 0x0000_8000)
        let sending = RTCPWriter.Sending(time: 0x1111_2222_3333_4444, timestamp: 0, packets: 1, bytes: 160)
        let news = try #require(
            RTCPNews(of: writer.packet(sending: sending, receiving: receiving, isGoodbye: true), about: 9))
        #expect(news.senderReport == 0x2222_3333)
        #expect(news.isGoodbye)
        #expect(news.aboutUs?.lost == -3)
        #expect(news.aboutUs?.fractionLost == 255)
        #expect(news.aboutUs?.jitter == 44)
        #expect(news.roundTrip(at: 0x5555_8000 + 0x100) == 0x100)
        #expect(news.roundTrip(at: 0x5555_0000) == nil)
        #expect(RTCPNews(of: writer.packet(sending: nil, receiving: receiving), about: 10)?.aboutUs == nil)
    }

    @Test(arguments: [
        [], [0x80], [0x80, 201, 0], [0x40, 201, 0, 1, 0, 0, 0, 0], [0x80, 201, 0, 2, 0, 0, 0, 0],
        [0x80, 201, 0, 1, 0, 0, 0, 0, 0x80, 203, 0, 1],
    ])
    func `lengths that do not fit are no report`(bytes: [UInt8]) {
        #expect(RTCPNews(of: bytes, about: 1) == nil)
    }

    @Test func `blocks that are not there are not read`() {
        #expect(RTCPNews(of: [0x9F, 201, 0, 1, 0, 0, 0, 1], about: 1)?.aboutUs == nil)
        #expect(RTCPNews(of: [0x9F, 200, 0, 1, 0, 0, 0, 1], about: 1)?.senderReport == nil)
    }

    @Test func `a packet of too many parts is none`() {
        let part: [UInt8] = [0x80, 201, 0, 1, 0, 0, 0, 0]
        #expect(RTCPNews(of: Array(repeating: part, count: 16).flatMap { $0 }, about: 1) != nil)
        #expect(RTCPNews(of: Array(repeating: part, count: 17).flatMap { $0 }, about: 1) == nil)
    }

    @Test func `the time is counted from 1900`() {
        #expect(RTCPWriter.networkTime(ofNanoseconds: 0) == UInt64(2_208_988_800) << 32)
        #expect(RTCPWriter.networkTime(ofNanoseconds: 1_500_000_000) == UInt64(2_208_988_801) << 32 | 0x8000_0000)
        #expect(RTCPWriter.middle(of: 0x1111_2222_3333_4444) == 0x2222_3333)
    }
}

extension RTCPNews {
    /// A report that says nothing.
    fileprivate init?(nothing: Void) { self.init(of: [0x80, 201, 0, 1, 0, 0, 0, 0], about: 0) }
}
