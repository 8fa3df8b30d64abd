import Connector
import Synchronization
import Testing

@testable import FallbackPBX

/// What the operator hears of the PBX.
struct PBXBulletinTests {
    private final class Heard: Sendable {
        let told = Mutex<[Upkeep]>([])
        var last: Upkeep? { told.withLock { $0.last } }
    }

    private let noon = Instant(milliseconds: 1_700_000_000_000)

    private func begun() -> (PBXBulletin, Heard) {
        let (bulletin, heard) = (PBXBulletin(), Heard())
        bulletin.report(Upkeep(.good, "listens on udp:192.0.2.1:5060")) { upkeep in heard.told.withLock { $0.append(upkeep) } }
        return (bulletin, heard)
    }

    @Test func `an alarm impairs it for an hour, and says what to do`() {
        let (bulletin, heard) = begun()
        #expect(heard.last?.condition == .good)
        bulletin.raise(["the limit `an_hour` of 101 is reached"], at: noon)
        #expect(heard.last?.condition == .impaired)
        #expect(heard.last?.summary == "listens on udp:192.0.2.1:5060; the limit `an_hour` of 101 is reached")
        #expect(heard.last?.remedy != nil)
        bulletin.forgetOld(at: noon.advanced(by: .seconds(3599)))
        #expect(heard.last?.condition == .impaired)
        bulletin.forgetOld(at: noon.advanced(by: .seconds(3600)))
        #expect(heard.last?.condition == .good)
        #expect(bulletin.alarmCount == 1)
    }

    @Test func `a missing prompt is told once, until it is there`() {
        let (bulletin, heard) = begun()
        for _ in 0..<3 { bulletin.missing(prompt: "welcome", "there is no such file") }
        #expect(heard.told.withLock { $0.count } == 2)
        #expect(heard.last?.summary.hasSuffix("the prompt welcome cannot be played: there is no such file") == true)
        bulletin.found(prompt: "welcome")
        #expect(heard.last?.condition == .good)
    }

    @Test func `what is amiss before anybody listens is told at once`() {
        let (bulletin, heard) = (PBXBulletin(), Heard())
        for number in 0..<8 { bulletin.missing(prompt: "p\(number)", "there is no such file") }
        bulletin.report(Upkeep(.good, "listens")) { upkeep in heard.told.withLock { $0.append(upkeep) } }
        #expect(heard.last?.condition == .impaired)
        #expect(heard.last?.summary.hasSuffix("3 more prompts cannot be played") == true)
    }
}
