import Connector
import Digests

/// Who takes part in one simulated call, and names for what happens in it: a function of the seed.
struct SimulatedPeople {
    private let seed: UInt64

    init(seed: UInt64) { self.seed = seed }

    /// Somebody outside, digits without plus: 79000000000 to 79000009999.
    var client: String { Self.number("7900000", Int(truncatingIfNeeded: chance("client") % 10_000), digits: 4) }

    /// One of our public numbers: 74950000000 to 74950000009.
    var line: String { Self.number("7495000", Int(truncatingIfNeeded: chance("line") % 10), digits: 4) }

    /// Extensions of three employees, different ones.
    var employees: [String] {
        let first = Int(truncatingIfNeeded: chance("employees") % 5)
        return (0..<3).map { String(101 + (first + $0) % 5) }
    }

    /// A number that hardly comes twice.
    func chance(_ what: String) -> UInt64 {
        var hash = StableHash()
        hash.combine(seed)
        hash.combine(what)
        return UInt64(truncatingIfNeeded: hash.value)
    }

    /// 40 hexadecimal digits.
    func token(_ what: String) -> String {
        Digest.hash("\(seed) \(what)", .sha1).hex
    }

    private static func number(_ prefix: String, _ rest: Int, digits: Int) -> String {
        let text = String(rest)
        return prefix + String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
