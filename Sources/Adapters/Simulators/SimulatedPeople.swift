import Connector
import Digests

/// Who takes part in one simulated call, and names for what happens in it: a function of the seed.
struct SimulatedPeople {
    /// All extensions there are.
    static let extensions = (101...105).map(String.init)

    private let seed: UInt64
    /// Somebody outside, digits without plus: 79000000000 to 79000009999.
    let client: String
    /// One of our public numbers: 74950000000 to 74950000009.
    let line: String
    /// Extensions of three employees, different ones.
    let employees: [String]

    /// - Parameters:
    ///   - client: who it is outside; anybody, unless given. The same holds for `line`.
    ///   - first: the first of the employees.
    init(seed: UInt64, client: String? = nil, line: String? = nil, first: String? = nil) {
        self.seed = seed
        let chance = { (what: String) in Self.chance(what, seed) }
        self.client = client ?? Self.number("7900000", Int(truncatingIfNeeded: chance("client") % 10_000), digits: 4)
        self.line = line ?? Self.number("7495000", Int(truncatingIfNeeded: chance("line") % 10), digits: 4)
        let place = Int(truncatingIfNeeded: chance("employees") % 5)
        let usual = (0..<3).map { Self.extensions[(place + $0) % 5] }
        employees = first.map { first in [first] + usual.filter { $0 != first } } ?? usual
    }

    /// The same call, for which that employee's telephone rings first.
    func ringing(_ employee: String) -> SimulatedPeople {
        SimulatedPeople(seed: seed, client: client, line: line, first: employee)
    }

    /// A number that hardly comes twice.
    func chance(_ what: String) -> UInt64 { Self.chance(what, seed) }

    private static func chance(_ what: String, _ seed: UInt64) -> UInt64 {
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
