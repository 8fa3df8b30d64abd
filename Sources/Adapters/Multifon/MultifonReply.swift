import AdapterKit
import Connector

/// Where a number's calls go.
enum MultifonMode: Int, Sendable, CaseIterable {
    case phone = 0
    case sip = 1
    case both = 2

    /// As the setting says it.
    var word: String {
        switch self {
        case .phone: "phone"
        case .sip: "sip"
        case .both: "both"
        }
    }

    var reachesUs: Bool { self != .phone }
}

/// What the routing API says: a small XML document, with HTTP status 200 whatever it says.
struct MultifonReply: Sendable, Equatable {
    /// 200 is good.
    var code: Int
    var description: String?
    /// As it stands there: a mode of tomorrow is one that we do not know.
    var routing: Int?
    /// 0 is active, 1 blocked.
    var status: Int?
    var balance: String?

    /// `nil` for what is no such document.
    init?(_ body: [UInt8]) {
        let limits = XMLTree.Limits(depth: 8, elementCount: 64, attributeCount: 8, byteCount: 1 << 14)
        guard let root = try? XMLTree(body, limits: limits).root, root.isNamed("response"),
            let code = root["result"]["code"].int
        else { return nil }
        self.code = code
        description = root["result"]["description"].text
        routing = root["routing"].int
        status = root["status"].int
        balance = root["balance"].text.flatMap(Self.amount)
    }

    /// A sum: digits, a sign, one point or comma.
    private static func amount(_ text: String) -> String? {
        let isSum =
            (1...16).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) || "-.,".utf8.contains($0) }
        return isSum ? text.replacing(",", with: ".") : nil
    }

    /// What a code that is no success means; `nil` for 200.
    var failure: ProviderFailure? {
        switch code {
        case 200: nil
        case 101: ProviderFailure(.unauthorized, code: "101", text: "MegaFon does not take the password")
        case 102: ProviderFailure(.rejected, code: "102", text: "MegaFon does not let this number do that")
        case 404: ProviderFailure(.rejected, code: "404", text: "the number has no MultiFon")
        default:
            ProviderFailure(
                .rejected, code: "\(code)",
                text: "MegaFon answered \(code)" + (description.map { ": \(ProviderFailure.tellable($0))" } ?? ""))
        }
    }
}

/// Asks the routing API. The password travels in the address, as MegaFon wants it: no address of these is ever told or logged.
struct MultifonDesk: Sendable {
    let server: ServerAddress
    let outgoing: any Outgoing

    private static let patience = Duration.seconds(15)

    /// The mode, as it stands there.
    func mode(of trunk: TrunkAccount) async throws(ProviderFailure) -> Int? { try await ask("routing", of: trunk).routing }

    func set(_ mode: MultifonMode, of trunk: TrunkAccount) async throws(ProviderFailure) {
        _ = try await ask("routing/set", of: trunk, [("routing", "\(mode.rawValue)")], acts: true)
    }

    /// Whether the number is blocked; `nil` where MegaFon does not say.
    func isBlocked(_ trunk: TrunkAccount) async throws(ProviderFailure) -> Bool? {
        try await ask("status", of: trunk).status.map { $0 != 0 }
    }

    /// A sum in roubles; `nil` where MegaFon does not say.
    func balance(of trunk: TrunkAccount) async throws(ProviderFailure) -> String? { try await ask("balance", of: trunk).balance }

    private func ask(
        _ what: String, of trunk: TrunkAccount, _ more: [(name: String, value: String)] = [], acts: Bool = false
    ) async throws(ProviderFailure) -> MultifonReply {
        let fields = [("login", "\(trunk.login)@\(MultifonAdapter.domain)"), ("password", trunk.password)] + more
        let request = OutgoingRequest(
            "GET", "\(server)/sm/client/\(what)?\(FormEncoding.encode(query: fields))", deadline: Self.patience,
            maximumBody: 1 << 14)
        let response = try await outgoing.reply(to: request, acts: acts)
        guard response.isSuccess else { throw ProviderFailure(refusal: response, acts: acts, hiding: [trunk.password]) }
        guard let reply = MultifonReply(response.body) else { throw .unreadable(response, acts: acts) }
        if let failure = reply.failure { throw failure }
        return reply
    }
}
