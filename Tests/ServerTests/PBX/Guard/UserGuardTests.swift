import NetworkTypes
import Testing

@testable import FallbackPBX

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
    }
}
