import NetworkTypes
import Testing

@testable import FallbackPBX

struct UserGuardTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    private func guessed(_ times: Int) -> UserGuard {
        var guardian = UserGuard()
        for second in 0..<times { guardian.note("101", at: start.advanced(by: .seconds(second))) }
        return guardian
    }

    @Test func `twenty wrong passwords in five minutes shut a user out for fifteen`() {
        #expect(!guessed(19).isShut("101", at: start.advanced(by: .seconds(19))))
        let guardian = guessed(20)
        #expect(guardian.bans == 1)
        #expect(guardian.isShut("101", at: start.advanced(by: .seconds(19 + 899))))
        #expect(!guardian.isShut("101", at: start.advanced(by: .seconds(19 + 900))))
        #expect(!guardian.isShut("102", at: start.advanced(by: .seconds(20))))
    }

    @Test func `guesses of more than five minutes ago do not count`() {
        var guardian = guessed(19)
        guardian.note("101", at: start.advanced(by: .seconds(301)))
        #expect(!guardian.isShut("101", at: start.advanced(by: .seconds(301))))
    }

    @Test func `guesses against somebody who is shut out do not make it longer`() {
        var guardian = guessed(20)
        for second in 20..<800 { guardian.note("101", at: start.advanced(by: .seconds(second))) }
        #expect(!guardian.isShut("101", at: start.advanced(by: .seconds(920))))
        #expect(guardian.bans == 1)
        guardian.note("101", at: start.advanced(by: .seconds(921)))
        #expect(!guardian.isShut("101", at: start.advanced(by: .seconds(921))), "the count begins anew")
    }

    @Test func `who leaves the plan is forgotten`() {
        var guardian = guessed(20)
        guardian.follow { $0 != "101" }
        #expect(guardian.count == 0)
    }
}
