import AdapterKit
import Connector
import Digests

/// The commands, statistics and recordings of Mango's API.
///
/// Every request is a form of key, signature and JSON, posted to the host of `base_url` and nowhere else. TLS is 1.2 at most: Mango
/// fails at the sight of 1.3.
struct MangoClient: ProviderClient {
    /// Waits between two looks at statistics that are being made.
    typealias Pause = @Sendable (Duration) async throws -> Void

    let outgoing: any Outgoing
    let server: ServerAddress
    let apiKey: String
    let signer: KeyedDigest
    var pause: Pause = { try await Task.sleep(for: $0) }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        let command = try MangoCommand(order)
        return try MangoReply(try await post(command.path, command.json, within: order.deadline)).answer()
    }

    // MARK: Recordings

    /// Mango answers with a redirect to another host: an address that dies at the first access and needs neither key nor form.
    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        guard (1...256).contains(reference.utf8.count) else {
            throw .invalid("recording", "the recording's name is none of Mango's")
        }
        let response = try await ask(
            "/vpbx/queries/recording/post", ["recording_id": .string(reference), "action": "download"])
        guard (301...303).contains(response.status), let address = response.header("location") else {
            throw MangoReply(response).failure.ofQuestion
        }
        guard isFetchable(address) else {
            throw ProviderFailure(.rejected, code: "location", text: "Mango's redirect leads to no https address")
        }
        return OutgoingRequest(
            "GET", address, deadline: .seconds(300), maximumBody: Self.largestRecording, tlsMaximum: .tls12)
    }

    /// Encrypted, or on the very server that was asked.
    private func isFetchable(_ address: String) -> Bool {
        address.utf8.count <= 4096 && (address.lowercased().hasPrefix("https://") || server.target(of: address) != nil)
    }

    private static let largestRecording = 256 << 20

    // MARK: Requests

    func post(
        _ path: String, _ json: JSONValue, within deadline: Duration
    ) async throws(ProviderFailure) -> OutgoingResponse {
        try await outgoing.reply(to: request(path, json, within: deadline), acts: true)
    }

    /// Posts what changes nothing.
    func ask(
        _ path: String, _ json: JSONValue, maximumBody: Int = 64 << 10
    ) async throws(ProviderFailure) -> OutgoingResponse {
        try await outgoing.reply(to: request(path, json, within: .seconds(30), maximumBody: maximumBody), acts: false)
    }

    func request(_ path: String, _ json: JSONValue, within deadline: Duration, maximumBody: Int = 64 << 10) -> OutgoingRequest {
        let text = String(decoding: json.encoded, as: UTF8.self)
        let form = FormEncoding.encode([("vpbx_api_key", apiKey), ("sign", signer.sign(text).hex), ("json", text)])
        return OutgoingRequest(
            "POST", server.description + path,
            headers: [HeaderField(name: "Content-Type", value: "application/x-www-form-urlencoded")], body: Array(form.utf8),
            deadline: deadline, maximumBody: maximumBody, tlsMaximum: .tls12)
    }
}
