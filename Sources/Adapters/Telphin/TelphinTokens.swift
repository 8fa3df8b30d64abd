import AdapterKit
import Connector

/// The access token of a connection's application, one for all its requests at a time.
///
/// An actor, since whoever comes while one is being fetched waits for the same. It is fetched when it is first needed, when its time is
/// over, and when it was refused before.
actor TelphinTokens {
    private let server: ServerAddress
    private let clientID: String
    private let secret: String
    private let outgoing: any Outgoing
    private let now: @Sendable () -> ContinuousClock.Instant
    private var kept: (token: String, end: ContinuousClock.Instant)?
    private var fetching: Task<Result<String, ProviderFailure>, Never>?

    init(
        server: ServerAddress, clientID: String, secret: String, outgoing: any Outgoing,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.server = server
        self.clientID = clientID
        self.secret = secret
        self.outgoing = outgoing
        self.now = now
    }

    /// A token that should do.
    /// - Parameter refused: one that the API did not take, whatever its time.
    /// - Throws: never `.unknown`: a token carries nothing out.
    func token(insteadOf refused: String? = nil) async throws(ProviderFailure) -> String {
        if let kept, kept.token != refused, kept.end > now() { return kept.token }
        return try await (fetching ?? beginFetching()).value.get()
    }

    /// A task of its own: it serves all who wait, and must not end with the first of them. Its request has a deadline.
    private func beginFetching() -> Task<Result<String, ProviderFailure>, Never> {
        let task = Task { await self.fetchAndKeep() }
        fetching = task
        return task
    }

    private func fetchAndKeep() async -> Result<String, ProviderFailure> {
        defer { fetching = nil }
        do {
            let (token, lifetime) = try await fetch()
            kept = (token, now() + lifetime)
            return .success(token)
        } catch {
            return .failure(error)
        }
    }

    private func fetch() async throws(ProviderFailure) -> (token: String, lifetime: Duration) {
        let form = FormEncoding.encode([
            ("grant_type", "client_credentials"), ("client_id", clientID), ("client_secret", secret),
        ])
        let request = OutgoingRequest(
            "POST", "\(server)/oauth/token",
            headers: [HeaderField(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: Array(form.utf8),
            deadline: Self.deadline)
        let response = try await outgoing.reply(to: request, acts: false)
        guard response.isSuccess else { throw refusal(response) }
        guard let json = response.json, let token = json["access_token"].string, Self.isToken(token) else {
            throw .unreadable(response, acts: false)
        }
        return (token, Self.lifetime(json["expires_in"].anyInt))
    }

    /// OAuth 2 says 400 `invalid_client` where others say 401 (RFC 6749 §5.2).
    private func refusal(_ response: OutgoingResponse) -> ProviderFailure {
        var failure = ProviderFailure(refusal: response, acts: false, hiding: [secret])
        if response.status == 400 { failure.kind = .unauthorized }
        return failure
    }

    private static let deadline = Duration.seconds(10)

    /// An hour where nothing is said. The last minute is not used, of short lives the last half.
    private static func lifetime(_ seconds: Int?) -> Duration {
        let seconds = min(max(seconds ?? 3600, 1), 86_400)
        return .seconds(max(seconds - 60, seconds / 2))
    }

    /// What can stand in a header.
    private static func isToken(_ text: String) -> Bool {
        (1...4096).contains(text.utf8.count) && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F }
    }
}
