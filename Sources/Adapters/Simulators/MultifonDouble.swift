import AdapterKit
import Connector

/// MultiFon's routing API made up: the numbers of the connection's file, each with a mode, a status and a balance.
///
/// It plays no calls: those go over SIP. Numbers that end in 17 stand at the phone, in 18 are blocked, in 19 have no MultiFon; all others begin
/// with mode 1.
package struct MultifonDouble: VendorDouble {
    package static let adapter = "multifon"

    private struct Number: Sendable {
        var password: String
        var mode: Int
        var status: Int
    }

    private var numbers: [String: Number] = [:]
    private var dice: RefusalDice

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        dice = RefusalDice(faults, seed: seed)
        for entry in try TrunkEntries.read(settings, login: "number") where !entry.login.hasSuffix("19") {
            let login = entry.login.filter { $0 != "+" }
            numbers[login] = Number(
                password: entry.password, mode: login.hasSuffix("17") ? 0 : 1, status: login.hasSuffix("18") ? 1 : 0)
        }
    }

    /// The mode of a number, as it stands now.
    package func mode(of login: String) -> Int? { numbers[login]?.mode }

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if let code = dice.refusal() {
            return dice.marked(code < 600 ? .text("Service Unavailable", status: code) : Self.say(code))
        }
        let prefix = "/sm/client/"
        guard request.method == "GET", request.path.hasPrefix(prefix) else { return .text("Not Found", status: 404) }
        let query = DoubleForm(request.query)
        let domain = "@multifon.ru"
        var login = query["login"] ?? ""
        if login.hasSuffix(domain) { login.removeLast(domain.count) }
        guard var number = numbers[login] else { return Self.say(404) }
        guard query["password"] == number.password else { return Self.say(101) }
        switch request.path.dropFirst(prefix.count) {
        case "routing": return Self.say(200, "<routing>\(number.mode)</routing>")
        case "routing/set":
            guard let mode = query["routing"].flatMap({ Int($0) }), (0...2).contains(mode) else { return Self.say(102) }
            number.mode = mode
            numbers[login] = number
            return Self.say(200)
        case "status": return Self.say(200, "<status>\(number.status)</status>")
        case "balance": return Self.say(200, "<balance>\(Self.balance(of: login))</balance>")
        default: return .text("Not Found", status: 404)
        }
    }

    package mutating func begin(
        _ scenario: Scenario, seed: UInt64, at now: Instant, origin: String
    ) -> [DoubleEffect]? { nil }

    package func truth(of call: String) -> CallTruth? { nil }

    /// With HTTP status 200 whatever it says.
    private static func say(_ code: Int, _ more: String = "") -> DoubleAnswer {
        let words = [200: "OK", 101: "Password contains invalid", 102: "Parameters incorrect", 404: "Subscription Not Found"]
        let body =
            "<response><result><code>\(code)</code><description>\(words[code] ?? "Error")</description></result>\(more)</response>"
        return DoubleAnswer(200, headers: [HeaderField(name: "content-type", value: "text/xml")], body: Array(body.utf8))
    }

    /// Always the same of one number.
    private static func balance(of login: String) -> String {
        let last = login.utf8.suffix(3).reduce(0) { $0 * 10 + Int($1 & 15) }
        return "\(last).50"
    }
}
