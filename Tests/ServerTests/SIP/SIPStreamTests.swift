import SIP
import Testing

@Suite struct SIPStreamTests {
    private let good = SIPParserTests.request()

    @Test func `a ping before, between and after messages is told apart from line ends`() {
        let ping = Array("\r\n\r\n".utf8)
        for step in [1, 3, 1000] {
            #expect(
                StreamReading(ping + good + ping + Array("\r\n".utf8) + good, step: step).words == [
                    "ping", "message a@lab", "ping", "message a@lab",
                ])
        }
    }

    @Test func `a head that never ends is refused at the limit, and not before`() {
        var limits = SIPLimits()
        limits.headByteCount = 512
        let endless = Array(good.dropLast(2)) + Array("X: \(String(repeating: "x", count: 600))".utf8)
        #expect(StreamReading(Array(endless.prefix(511)), step: 1, limits: limits).words == ["waiting"])
        #expect(StreamReading(endless, step: 1, limits: limits).words == ["refused head_too_large 513", "closed"])
    }

    @Test func `a body that is announced too large is refused before it comes`() {
        let announced = Array(good.text.replacing("Content-Length: 0", with: "Content-Length: 65537").utf8)
        #expect(StreamReading(announced, step: 9).words == ["refused body_too_large 513", "closed"])
        let allowed = Array(good.text.replacing("Content-Length: 0", with: "Content-Length: 65536").utf8)
        #expect(StreamReading(allowed, step: 9).words == ["waiting"])
        #expect(StreamReading(allowed + [UInt8](repeating: 0, count: 65536), step: 1000).words == ["message a@lab"])
        #expect(SIPStreamFramer.largestMessage(.standard) == 80 << 10)
    }

    @Test func `a request hidden behind a second length is never seen`() {
        let smuggled = Array(good.text.replacing("Content-Length: 0", with: "Content-Length: 0\r\nl: 40").utf8) + good
        #expect(StreamReading(smuggled, step: 1).words == ["refused repeated_header 400", "closed"])
    }

    @Test func `looking at a message that comes byte by byte takes time linear in its length`() {
        let long = Array(good.text.replacing("Via", with: "X: \(String(repeating: "y", count: 8000))\r\nVia").utf8)
        #expect(StreamReading(long, step: 1).bytesExamined <= long.count)
    }
}
