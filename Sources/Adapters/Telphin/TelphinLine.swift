import AdapterKit
import Connector

/// The way to the API: addresses, tokens, and one more try with a new token where the old one was refused.
struct TelphinLine: Sendable {
    let server: ServerAddress
    let tokens: TelphinTokens
    let outgoing: any Outgoing
    /// What errors must not repeat.
    let secret: String

    /// One request of the API.
    struct Request {
        var method: String
        /// Behind `/api/ver1.0/`, percent-encoded.
        var target: String
        var body: [UInt8] = []
        /// Whether it makes Telphin do something.
        var acts: Bool
        var maximumBody = 1 << 20
        /// What else errors must not repeat.
        var secrets: [String] = []

        static func get(_ target: String) -> Request { Request(method: "GET", target: target, acts: false) }
    }

    /// Sends it, and gives back what was answered with a status of success.
    ///
    /// A request that was refused with 401 was not carried out: it goes out once more with a new token.
    func send(_ request: Request, within time: TimeLeft) async throws(ProviderFailure) -> OutgoingResponse {
        let token = try await tokens.token()
        var response = try await send(request, token, within: time)
        if response.status == 401 {
            let another = try await tokens.token(insteadOf: token)
            response = try await send(request, another, within: time)
        }
        guard response.isSuccess else {
            throw ProviderFailure(refusal: response, acts: request.acts, hiding: [secret] + request.secrets)
        }
        return response
    }

    private func send(
        _ request: Request, _ token: String, within time: TimeLeft
    ) async throws(ProviderFailure) -> OutgoingResponse {
        var outgoingRequest = OutgoingRequest(
            request.method, url(request.target), headers: [Self.header(token)], body: request.body, deadline: try time.left(),
            maximumBody: request.maximumBody)
        if !request.body.isEmpty {
            outgoingRequest.headers.append(HeaderField(name: "Content-Type", value: "application/json"))
        }
        return try await outgoing.reply(to: outgoingRequest, acts: request.acts)
    }

    func url(_ target: String) -> String { "\(server)/api/ver1.0/\(target)" }

    static func header(_ token: String) -> HeaderField { HeaderField(name: "Authorization", value: "Bearer \(token)") }

    /// Asks for a list: an array, or an object that holds one.
    func list(_ target: String, within time: TimeLeft) async throws(ProviderFailure) -> [JSONNode] {
        let response = try await send(.get(target), within: time)
        guard let root = response.json else { throw .unreadable(response, acts: false) }
        if root.isArray { return root.elements }
        guard let list = root.members.first(where: { $0.value.isArray })?.value else {
            throw .unreadable(response, acts: false)
        }
        return list.elements
    }
}
