import NetworkTypes

/// Whose password is being guessed, from however many sources (sip.md "Limits"): who guesses from many addresses stays below what
/// `SourceGuard` allows each of them.
///
/// Bounded: when the table is full, names whose time is over go, and what finds no room is not counted.
struct UserGuard {
    struct Limits {
        /// Wrong passwords within the window that shut a user out.
        var wrongPasswords = 20
        var window = Duration.seconds(300)
        var ban = Duration.seconds(900)
        var users = 10_000

        init() {}
    }

    private struct User {
        var windowBegan: MonotonicInstant
        var wrongPasswords = 0
        var bannedUntil: MonotonicInstant?
    }

    private let limits: Limits
    private var users: [String: User] = [:]
    private(set) var bans = 0

    init(_ limits: Limits = Limits()) { self.limits = limits }

    var count: Int { users.count }

    /// Whether nobody new is taken for this user now.
    func shutsOut(_ user: String, at now: MonotonicInstant) -> Bool {
        users[user]?.bannedUntil.map { now < $0 } ?? false
    }

    /// Counts a wrong password; of a user who is shut out none, so that a ban ends however long the guessing goes on.
    mutating func noteWrongPassword(of name: String, at now: MonotonicInstant) {
        guard !shutsOut(name, at: now), hasRoom(for: name, at: now) else { return }
        var user = users[name] ?? User(windowBegan: now)
        if isOver(user, at: now) { user = User(windowBegan: now) }
        user.wrongPasswords += 1
        if user.wrongPasswords >= limits.wrongPasswords {
            user.bannedUntil = now.advanced(by: limits.ban)
            bans += 1
        }
        users[name] = user
    }

    private mutating func hasRoom(for name: String, at now: MonotonicInstant) -> Bool {
        guard users[name] == nil, users.count >= limits.users else { return true }
        users = users.filter { !isOver($0.value, at: now) }
        return users.count < limits.users
    }

    private func isOver(_ user: User, at now: MonotonicInstant) -> Bool {
        if let until = user.bannedUntil { return now >= until }
        return now.duration(since: user.windowBegan) > limits.window
    }
}
