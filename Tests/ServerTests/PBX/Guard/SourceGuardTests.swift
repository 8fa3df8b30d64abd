import NetworkTypes
import Testing

@testable import FallbackPBX

/// Whom the PBX hears.
struct SourceGuardTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)
    private let source = IPAddress(v4: 0xC000_0207)

    private func after(_ seconds: Double) -> MonotonicInstant { start.advanced(by: .seconds(seconds)) }

    private func taken(_ guardian: SourceGuard, _ count: Int, at now: MonotonicInstant) -> Int {
        (0..<count).count { _ in guardian.takesRequest(from: source, at: now) }
    }

    @Test func `a stranger has sixty requests at once and twenty a second`() {
        let guardian = SourceGuard()
        #expect(taken(guardian, 100, at: start) == 60)
        #expect(taken(guardian, 100, at: after(1)) == 20)
        #expect(taken(guardian, 100, at: after(1.5)) == 10)
        #expect(taken(guardian, 100, at: after(100)) == 60)
    }

    @Test func `ten wrong passwords shut a source out for a quarter of an hour`() {
        let guardian = SourceGuard()
        for _ in 0..<9 { guardian.note(.wrongPassword, from: source, at: start) }
        #expect(guardian.admits(source, at: start))
        guardian.note(.wrongPassword, from: source, at: start)
        #expect(!guardian.admits(source, at: after(899)) && guardian.admits(source, at: after(900)))
        #expect(guardian.bans == 1)
    }

    @Test func `what lies longer back than the window is forgotten`() {
        let guardian = SourceGuard()
        for _ in 0..<9 { guardian.note(.wrongPassword, from: source, at: start) }
        guardian.note(.wrongPassword, from: source, at: after(301))
        #expect(guardian.admits(source, at: after(301)))
    }

    @Test func `a hundred requests that are none shut a source out`() {
        let guardian = SourceGuard()
        for _ in 0..<99 { guardian.note(.malformed, from: source, at: start) }
        #expect(guardian.admits(source, at: start))
        guardian.note(.stranger, from: source, at: start)
        #expect(!guardian.admits(source, at: start))
    }

    @Test func `who proved himself is forgiven`() {
        let guardian = SourceGuard()
        for _ in 0..<9 { guardian.note(.wrongPassword, from: source, at: start) }
        guardian.forgive(source)
        guardian.note(.wrongPassword, from: source, at: start)
        #expect(guardian.admits(source, at: start))
    }

    @Test func `the operator's own networks are heard whatever comes`() throws {
        let guardian = SourceGuard()
        guardian.exempt = [try #require(IPNetwork("192.0.2.0/24"))]
        for _ in 0..<1000 { guardian.note(.wrongPassword, from: source, at: start) }
        #expect(guardian.admits(source, at: start) && taken(guardian, 1000, at: start) == 1000)
        #expect(guardian.count == 0)
    }

    @Test func `a network of IPv6 is one source`() throws {
        let guardian = SourceGuard()
        for place in 0..<10 {
            guardian.note(.wrongPassword, from: IPAddress(high: 0x2001_0DB8_0000_0001, low: UInt64(place)), at: start)
        }
        #expect(!guardian.admits(IPAddress(high: 0x2001_0DB8_0000_0001, low: 99), at: start))
        #expect(guardian.admits(IPAddress(high: 0x2001_0DB8_0000_0002, low: 0), at: start))
    }

    @Test func `a flood of sources finds a bounded table, and sets nobody free`() {
        var limits = SourceGuard.Limits()
        limits.sources = 100
        let guardian = SourceGuard(limits)
        for _ in 0..<10 { guardian.note(.wrongPassword, from: source, at: start) }
        for place in 0..<1000 {
            _ = guardian.takesRequest(from: IPAddress(v4: 0x0A00_0000 + UInt32(place)), at: after(Double(place) / 100))
            #expect(guardian.count <= 100)
        }
        #expect(!guardian.admits(source, at: after(11)))
    }

    @Test func `a table full of the banned takes new sources all the same`() {
        var limits = SourceGuard.Limits()
        (limits.sources, limits.wrongPasswords) = (100, 1)
        let guardian = SourceGuard(limits)
        for place in 0..<1000 { guardian.note(.wrongPassword, from: IPAddress(v4: 0x0A00_0000 + UInt32(place)), at: start) }
        #expect(guardian.count <= 100)
        #expect(!guardian.admits(IPAddress(v4: 0x0A00_0000 + 999), at: start))
    }

    @Test func `making room leaves room for many`() {
        var limits = SourceGuard.Limits()
        limits.sources = 1000
        let guardian = SourceGuard(limits)
        // Each second brings as many as grow old meanwhile: the table is looked through now and then, not at each of them.
        for place in 0..<5000 {
            _ = guardian.takesRequest(from: IPAddress(v4: 0x0A00_0000 + UInt32(place)), at: after(Double(place) / 100))
        }
        #expect(guardian.timesCleared <= 20)
    }
}
