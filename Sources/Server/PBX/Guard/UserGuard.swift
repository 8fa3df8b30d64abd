import NetworkTypes

/// Shuts users out whose passwords are guessed at, wherever the guesses come from (sip.md "Limits").
///
/// Beside `SourceGuard`: a source that proves itself is forgiven there, and a user who registers in between wins a guesser no time here.
/// Only users of the plan are counted, so the table is as large as the plan. Confined to the signalling loop.
struct UserGuard {
    struct Limits {
        var wrongPasswords = 20
        var window = Duration.seconds(300)
        var ban = Duration.seconds(900)

        init() {}
    }

    private struct User {
        var windowBegan: MonotonicInstant
        var wrongPasswords = 0
        var shutUntil: MonotonicInstant?
    }

    private let limits: Limits
    private var users: [String: User] = [:]
    /// How often somebody was shut out.
    private(set) var bans = 0

    init(_ limits: Limits = Limits()) { self.limits = limits }

    var count: Int { users.count }

    func isShut(_ user: String, at now: MonotonicInstant) -> Bool {
        guard let until = users[user]?.shutUntil else { return false }
        return now < until
    }

    /// A wrong password. While he is shut out nothing is counted: the ban ends when it was said to.
    mutating func note(_ user: String, at now: MonotonicInstant) {
        guard !isShut(user, at: now) else { return }
        var one = users[user] ?? User(windowBegan: now)
        if one.shutUntil != nil || now.duration(since: one.windowBegan) > limits.window { one = User(windowBegan: now) }
        one.wrongPasswords += 1
        if one.wrongPasswords >= limits.wrongPasswords {
            one.shutUntil = now.advanced(by: limits.ban)
            bans += 1
        }
        users[user] = one
    }

    /// Goes by another plan: who is no user any more is forgotten.
    mutating func follow(_ isUser: (String) -> Bool) { users = users.filter { isUser($0.key) } }
}
