import AdapterKit
import Connector
import Digests

/// The commands, statistics and recordings of Zadarma's API of version 1, which is Novofon's too.
///
/// Requests are signed and go to the host of `base_url` only. Of a call's course the API can do nothing but begin it.
struct ZadarmaClient: ProviderClient {
    let outgoing: any Outgoing
    let server: ServerAddress
    let key: String
    let signer: KeyedDigest
    let zone: LocalZone

    /// Rings the employee, then the other number. The answer names no call: its events are found by the numbers.
    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        guard case .originate(let wish) = order.action else {
            throw .unsupported(order.action.type, "Zadarma's API cannot touch a live call")
        }
        let request = request("/v1/request/callback/", try Self.callback(wish), within: order.deadline)
        _ = try ZadarmaReply(try await outgoing.reply(to: request, acts: true)).success()
        return ProviderAnswer(code: "success")
    }

    private static func callback(_ wish: Command.Origination) throws(ProviderFailure) -> Parameters {
        if wish.record { throw .unsupported("record", "Zadarma records by the extension's settings") }
        if wish.line != nil { throw .unsupported("line", "Zadarma shows the number that is set for the extension") }
        guard let from = DialledNumber.digits(wish.from) else {
            throw .invalid("from", "give the employee's short number, or a number in digits")
        }
        guard let to = DialledNumber.digits(wish.to) else { throw .invalid("to", "this is no number that can be dialled") }
        return [("from", from), ("to", to)]
    }

    // MARK: The log

    /// A thousand legs to a page. Times are the account's.
    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        guard (0..<1000).contains(page), window.from < window.to else { return HistoryPage(bodies: [], path: Self.logPath) }
        // Both ends are included; a second is as fine as it gets.
        let last = window.to.advanced(by: .milliseconds(-1))
        let (body, log) = try await ask(
            Self.logPath,
            [
                ("start", LocalTimestamp.format(window.from, in: zone)), ("end", LocalTimestamp.format(last, in: zone)),
                ("version", "2"), ("skip", String(page * Self.rows)), ("limit", String(Self.rows)),
            ], maximumBody: 4 << 20)
        return HistoryPage(bodies: log.rowCount == 0 ? [] : [body], path: Self.logPath, hasMore: log.rowCount >= Self.rows)
    }

    private static let logPath = "/v1/statistics/pbx/"
    private static let rows = 1000

    // MARK: Recordings

    /// A link that needs no key and lives for half an hour.
    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        guard (1...256).contains(reference.utf8.count) else {
            throw .invalid("recording", "the recording's name is none of Zadarma's")
        }
        guard let link = try await ask("/v1/pbx/record/request/", [("call_id", reference)]).answer.link else {
            throw ProviderFailure(.rejected, code: "link", text: "there is no such recording")
        }
        guard link.utf8.count <= 4096, link.lowercased().hasPrefix("https://") || server.target(of: link) != nil else {
            throw ProviderFailure(.rejected, code: "link", text: "the recording's link is no https address")
        }
        return OutgoingRequest("GET", link, deadline: .seconds(300), maximumBody: 256 << 20)
    }

    // MARK: Requests

    typealias Parameters = [(name: String, value: String)]

    /// Asks for what changes nothing.
    private func ask(
        _ path: String, _ parameters: Parameters, maximumBody: Int = 64 << 10
    ) async throws(ProviderFailure) -> (body: [UInt8], answer: ZadarmaSuccess) {
        do {
            let response = try await outgoing.reply(
                to: request(path, parameters, within: .seconds(30), maximumBody: maximumBody), acts: false)
            return (response.body, try ZadarmaReply(response).success())
        } catch {
            throw error.ofQuestion
        }
    }

    /// `Authorization: KEY:SIGN`; see `ZadarmaRequestSignature`.
    func request(_ path: String, _ parameters: Parameters, within deadline: Duration, maximumBody: Int = 64 << 10)
        -> OutgoingRequest
    {
        let query = FormEncoding.encode((parameters + [("format", "json")]).sorted { $0.name < $1.name })
        let signature = ZadarmaRequestSignature.sign(path, query, with: signer)
        return OutgoingRequest(
            "GET", "\(server)\(path)?\(query)", headers: [HeaderField(name: "Authorization", value: "\(key):\(signature)")],
            deadline: deadline, maximumBody: maximumBody)
    }
}

/// How Zadarma's API has requests signed: base64 of the **hex text** of HMAC-SHA1 over path, query and the query's MD5 in hex.
/// - Source: zadarma.com/support/api, "Authorization"; zadarma/user-api-v1 on GitHub. Read in November 2026.
enum ZadarmaRequestSignature {
    /// - Parameters:
    ///   - path: with its trailing slash.
    ///   - query: parameters sorted by name, a space as `+`.
    static func sign(_ path: String, _ query: String, with signer: KeyedDigest) -> String {
        Base64.encode(signer.sign(path + query + Digest.hash(query, .md5).hex).hex)
    }
}
