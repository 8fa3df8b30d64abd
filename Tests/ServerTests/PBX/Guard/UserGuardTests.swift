import NetworkTypes
import Testing

@testable import FallbackPBX

<<<<<<< HEAD
/// Whose password is being guessed.
struct UserGuardTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    private func after(_ seconds: Int) -> MonotonicInstant { start.advanced(by: .seconds(seconds)) }

    private func guessed(_ times: Int, of user: String = "101", every seconds: Int = 1) -> UserGuard {
        var guardian = UserGuard()
        for time in 0..<times { guardian.noteWrongPassword(of: user, at: after(time * seconds)) }
        return guardian
    }

    @Test(arguments: [(19, false), (20, true)])
    func `twenty wrong passwords in five minutes shut a user out`(times: Int, isShut: Bool) {
        let guardian = guessed(times)
        #expect(guardian.shutsOut("101", at: after(20)) == isShut)
        #expect(!guardian.shutsOut("102", at: after(20)))
        #expect(guardian.bans == (isShut ? 1 : 0))
    }

    @Test func `who is slow enough is forgotten`() {
        let guardian = guessed(40, every: 20)
        #expect(guardian.bans == 0)
    }

    @Test func `a ban lasts a quarter of an hour, however long the guessing goes on`() {
        var guardian = guessed(20)
        for second in 20..<900 { guardian.noteWrongPassword(of: "101", at: after(second)) }
        #expect(guardian.shutsOut("101", at: after(918)))
        #expect(!guardian.shutsOut("101", at: after(919)))
        #expect(guardian.bans == 1)
        guardian.noteWrongPassword(of: "101", at: after(920))
        #expect(!guardian.shutsOut("101", at: after(920)))
    }

    @Test func `a full table drops what is over, and keeps who is shut out`() {
        var limits = UserGuard.Limits()
        limits.users = 3
        limits.wrongPasswords = 2
        var guardian = UserGuard(limits)
        for _ in 0..<2 { guardian.noteWrongPassword(of: "banned", at: start) }
        for number in 0..<5 { guardian.noteWrongPassword(of: "\(number)", at: start) }
        #expect(guardian.count == 3)
        guardian.noteWrongPassword(of: "late", at: after(301))
        #expect(guardian.count == 2 && guardian.shutsOut("banned", at: after(301)))
=======
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
>>>>>>> rest
    }
}
