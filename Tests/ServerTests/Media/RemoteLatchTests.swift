import NetworkTypes
import TestSupport
import Testing

@testable import Media

/// Who may be the other side.
struct RemoteLatchTests {
    private let start = MonotonicInstant(nanoseconds: 0)
    private let signalled = Self.address("192.0.2.1:4000")
    private let sameHost = Self.address("192.0.2.9:4444")
    private let stranger = Self.address("203.0.113.5:5555")

    private static func address(_ text: String) -> SocketAddress {
        SocketAddress(parsing: text) ?? SocketAddress(.loopbackV4, port: 1)
    }

    private func terms(behindNAT: Bool = false, mayRoam: Bool = true) -> MediaTerms {
        MediaTerms(remote: signalled, signallingSource: sameHost.ip, isBehindNAT: behindNAT, mayRoam: mayRoam)
    }

    private func latch() -> RemoteLatch {
        var latch = RemoteLatch()
        latch.open(signalled: signalled, isNewAddress: true, until: at(3000))
        return latch
    }

    private func at(_ milliseconds: Int) -> MonotonicInstant { start.advanced(by: .milliseconds(milliseconds)) }

    private func claim(_ source: SocketAddress, agreed: Bool = true, continued: Bool = false) -> RemoteLatch.Claim {
        RemoteLatch.Claim(source: source, isAgreed: agreed, isContinued: continued)
    }

    @Test func `before anything comes, we send where it was signalled`() {
        #expect(latch().address == signalled)
        #expect(latch().rank == .none)
    }

    @Test func `the signalled address is taken, the host that signals too, and anybody only behind NAT`() {
        for (source, behindNAT, verdict) in [
            (signalled, false, RemoteLatch.Verdict.first), (sameHost, false, .first), (stranger, false, .refused),
            (stranger, true, .first),
        ] {
            var latch = latch()
            #expect(latch.judge(claim(source), terms(behindNAT: behindNAT), now: at(10)) == verdict)
            #expect(latch.address == (verdict == .first ? source : signalled))
        }
    }

    @Test func `a better address replaces a worse one while the window is open, never the other way round`() {
        var latch = latch()
        let terms = terms(behindNAT: true)
        #expect(latch.judge(claim(stranger), terms, now: at(10)) == .first)
        #expect(latch.judge(claim(sameHost), terms, now: at(20)) == .first)
        #expect(latch.judge(claim(stranger), terms, now: at(30)) == .refused)
        #expect(latch.judge(claim(signalled), terms, now: at(40)) == .first)
        #expect(latch.judge(claim(sameHost), terms, now: at(50)) == .refused)
        #expect(latch.address == signalled)
    }

    @Test func `after the window only the signalled address may be the first`() {
        var latch = latch()
        #expect(latch.judge(claim(sameHost), terms(behindNAT: true), now: at(3000)) == .refused)
        #expect(latch.judge(claim(signalled), terms(), now: at(60_000)) == .first)
    }

    @Test func `after the window a better address is refused`() {
        var latch = latch()
        #expect(latch.judge(claim(stranger), terms(behindNAT: true), now: at(10)) == .first)
        #expect(latch.judge(claim(signalled), terms(behindNAT: true), now: at(3001)) == .refused)
    }

    @Test func `a payload type that was not agreed on decides nothing`() {
        var latch = latch()
        #expect(latch.judge(claim(signalled, agreed: false), terms(), now: at(10)) == .refused)
        #expect(latch.rank == .none)
    }

    @Test func `the usual packet is taken at once`() {
        var latch = latch()
        #expect(latch.takes(from: signalled, now: at(5)) == false)
        _ = latch.judge(claim(signalled), terms(), now: at(10))
        #expect(latch.takes(from: signalled, now: at(20)) == true)
        #expect(latch.takes(from: sameHost, now: at(20)) == false)
    }

    @Test func `whoever carries on may move, if it may at all`() {
        for (continued, mayRoam, verdict) in [
            (true, true, RemoteLatch.Verdict.moved), (false, true, .refused), (true, false, .refused),
        ] {
            var latch = latch()
            _ = latch.judge(claim(signalled), terms(), now: at(10))
            #expect(latch.judge(claim(stranger, continued: continued), terms(mayRoam: mayRoam), now: at(9000)) == verdict)
            #expect(latch.address == (verdict == .moved ? stranger : signalled))
        }
    }

    @Test func `whoever has moved stays for a second`() {
        var latch = latch()
        _ = latch.judge(claim(signalled), terms(), now: at(10))
        #expect(latch.judge(claim(stranger, continued: true), terms(), now: at(9000)) == .moved)
        #expect(latch.judge(claim(signalled, continued: true), terms(), now: at(9999)) == .refused)
        #expect(latch.judge(claim(signalled, continued: true), terms(), now: at(10_000)) == .moved)
    }

    @Test func `a changed description without another address keeps the sender and opens the window`() {
        var latch = latch()
        let terms = terms(behindNAT: true)
        _ = latch.judge(claim(stranger), terms, now: at(10))
        latch.open(signalled: signalled, isNewAddress: false, until: at(13_000))
        #expect(latch.address == stranger)
        #expect(latch.takes(from: stranger, now: at(10_010)) == false)
        #expect(latch.judge(claim(stranger), terms, now: at(10_020)) == .first)
        #expect(latch.judge(claim(signalled), terms, now: at(10_030)) == .first)
    }

    @Test func `in a new window another of the same rank is taken only if the last one has gone silent`() {
        let other = Self.address("203.0.113.77:1")
        let terms = terms(behindNAT: true)
        for (now, verdict) in [(100, RemoteLatch.Verdict.refused), (600, .first)] {
            var latch = latch()
            _ = latch.judge(claim(stranger), terms, now: at(10))
            latch.open(signalled: signalled, isNewAddress: false, until: at(3100))
            #expect(latch.judge(claim(other), terms, now: at(now)) == verdict)
        }
    }

    @Test func `another signalled address forgets the sender`() {
        var latch = latch()
        _ = latch.judge(claim(signalled), terms(), now: at(10))
        let next = Self.address("198.51.100.1:7000")
        latch.open(signalled: next, isNewAddress: true, until: at(6000))
        #expect(latch.address == next)
        #expect(latch.rank == .none)
        var terms = terms()
        terms.remote = next
        #expect(latch.judge(claim(signalled, continued: true), terms, now: at(7000)) == .refused)
    }
}

struct PortPoolTests {
    private func pool(_ range: ClosedRange<UInt16>) -> PortPool {
        var random = SeededRandom(seed: 3)
        return PortPool(range, quarantine: .seconds(10)) { Int.random(in: 0..<$0, using: &random) }
    }

    private let start = MonotonicInstant(nanoseconds: 0)

    @Test func `pairs begin with an even port and end within the range`() {
        var pool = pool(10_001...10_010)
        var ports: Set<UInt16> = []
        while let port = pool.take(at: start) { ports.insert(port) }
        #expect(ports == [10_002, 10_004, 10_006, 10_008])
    }

    @Test func `the order is random`() {
        var pool = pool(10_000...20_000)
        let ports = (0..<100).compactMap { _ in pool.take(at: start) }
        #expect(Set(ports).count == 100)
        #expect(ports != ports.sorted())
        #expect(zip(ports, ports.dropFirst()).count { $1 == $0 + 2 } < 5)
    }

    @Test func `a port rests after use`() {
        var pool = pool(10_000...10_001)
        #expect(pool.take(at: start) == 10_000)
        #expect(pool.take(at: start) == nil)
        pool.giveBack(10_000, at: start)
        #expect(pool.count == 1)
        #expect(pool.take(at: start.advanced(by: .milliseconds(9999))) == nil)
        #expect(pool.take(at: start.advanced(by: .seconds(10))) == 10_000)
    }

    @Test func `nothing is lost or doubled over many uses`() {
        var pool = pool(10_000...10_199)
        var random = SeededRandom(seed: 9)
        var taken: Set<UInt16> = []
        for step in 0..<20_000 {
            let now = start.advanced(by: .milliseconds(step * 100))
            if Bool.random(using: &random), let port = pool.take(at: now) {
                #expect(taken.insert(port).inserted)
            } else if let port = taken.randomElement(using: &random) {
                taken.remove(port)
                pool.giveBack(port, at: now)
            }
            #expect(pool.count + taken.count == 100)
        }
    }

    @Test(arguments: [UInt16(0)...0, 65_535...65_535, 65_534...65_535, 0...3]) func `ends of the range do not trap`(
        range: ClosedRange<UInt16>
    ) {
        var pool = pool(range)
        let expected: UInt16? = range.upperBound == 3 ? 2 : range.lowerBound == 65_534 ? 65_534 : nil
        #expect(pool.take(at: start) == expected)
    }
}
