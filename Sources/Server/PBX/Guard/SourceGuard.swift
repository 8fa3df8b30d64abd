import NetworkTypes

/// Whom the PBX hears at all: sources are counted, slowed down and shut out (sip.md "Limits").
///
/// Asked before a byte is parsed, so its answer is one look into a table. Of IPv6 a whole /64 is one source. The table is bounded: when
/// it is full, sources that have been quiet longest make room.
///
/// Confined to the signalling loop.
final class SourceGuard {
    /// What is held against a source.
    enum Offence {
        /// What is no SIP, or not well formed.
        case malformed
        /// A request of somebody who is neither a trunk nor a telephone that has proved itself.
        case stranger
        /// A wrong password.
        case wrongPassword
        /// A tool that looks for telephones to steal from, by its own word: shut out at once.
        case scanner
    }

    struct Limits {
        /// Unauthenticated requests a second, and how many at once.
        var rate = 20
        var burst = 60
        /// Offences within the window that lead to a ban.
        var malformed = 100
        var wrongPasswords = 10
        var window = Duration.seconds(300)
        var ban = Duration.seconds(900)
        var sources = 65_536

        init() {}
    }

    private struct Source {
        var tokens: Double
        var seen: MonotonicInstant
        var windowBegan: MonotonicInstant
        var malformed = 0
        var wrongPasswords = 0
        var bannedUntil: MonotonicInstant?
    }

    private let limits: Limits
    private var sources: [IPAddress: Source] = [:]
    private(set) var bans = 0
    /// How often room had to be made.
    private(set) var timesCleared = 0
    /// Networks that are never shut out: the operator's own.
    var exempt: [IPNetwork] = []

    init(_ limits: Limits = Limits()) { self.limits = limits }

    var count: Int { sources.count }

    /// Whether a source is heard: it is not banned.
    func admits(_ address: IPAddress, at now: MonotonicInstant) -> Bool {
        guard let until = sources[Self.key(address)]?.bannedUntil else { return true }
        return now >= until
    }

    /// Takes one of the requests that a stranger may send; false where he has sent too many.
    func takesRequest(from address: IPAddress, at now: MonotonicInstant) -> Bool {
        if isExempt(address) { return true }
        return change(address, now) { source in
            let earned = now.duration(since: source.seen) / .seconds(1) * Double(limits.rate)
            source.tokens = min(source.tokens + earned, Double(limits.burst))
            source.seen = now
            guard source.tokens >= 1 else { return false }
            source.tokens -= 1
            return true
        }
    }

    /// Holds something against a source.
    func note(_ offence: Offence, from address: IPAddress, at now: MonotonicInstant) {
        if isExempt(address) { return }
        let isBanned = change(address, now) { source in
            if now.duration(since: source.windowBegan) > limits.window {
                source.windowBegan = now
                source.malformed = 0
                source.wrongPasswords = 0
            }
            switch offence {
            case .malformed, .stranger: source.malformed += 1
            case .wrongPassword: source.wrongPasswords += 1
            case .scanner: source.malformed = limits.malformed
            }
            guard source.malformed >= limits.malformed || source.wrongPasswords >= limits.wrongPasswords else { return false }
            source.bannedUntil = now.advanced(by: limits.ban)
            return true
        }
        if isBanned { bans += 1 }
    }

    /// A telephone has proved itself from there: what was held against it is forgotten.
    func forgive(_ address: IPAddress) { sources[Self.key(address)] = nil }

    private func isExempt(_ address: IPAddress) -> Bool { exempt.contains { $0.contains(address) } }

    private func change<Result>(_ address: IPAddress, _ now: MonotonicInstant, _ body: (inout Source) -> Result) -> Result {
        let key = Self.key(address)
        if sources[key] == nil, sources.count >= limits.sources { makeRoom(at: now) }
        return body(&sources[key, default: Source(tokens: Double(limits.burst), seen: now, windowBegan: now)])
    }

    /// The quiet go, and of the others as many as make a quarter of the table free: a flood of new sources pays for a look at all of them
    /// once in many. The banned go last.
    private func makeRoom(at now: MonotonicInstant) {
        timesCleared += 1
        func isBanned(_ source: Source) -> Bool { source.bannedUntil.map { $0 > now } ?? false }
        let rest = limits.sources - max(limits.sources / 4, 1)
        sources = sources.filter { now.duration(since: $0.value.seen) < .seconds(10) || isBanned($0.value) }
        drop(downTo: rest) { !isBanned($0) }
        drop(downTo: rest) { _ in true }
    }

    private func drop(downTo rest: Int, _ mayGo: (Source) -> Bool) {
        guard sources.count > rest else { return }
        for key in sources.filter({ mayGo($0.value) }).keys.prefix(sources.count - rest) { sources[key] = nil }
    }

    private static func key(_ address: IPAddress) -> IPAddress { address.isV4 ? address : address.masked(to: 64) }
}
