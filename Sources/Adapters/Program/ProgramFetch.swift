import AdapterKit
import Connector

/// Reads the answers to `recording` and `history`.
enum ProgramFetch {
    /// The path of the raw records in which the log is journalled.
    private static let historyPath = "/history"
    private static let addressLimit = 4096
    private static let bodyLimit = 1000

    // MARK: Recordings

    /// The request that fetches the bytes. What proves that we may goes to the server of the settings and nowhere else.
    /// - Parameter server: `base_url` of the connection.
    static func recording(
        _ answer: JSONNode, from server: ServerAddress?
    ) throws(ProgramShapeError) -> Result<OutgoingRequest, ProviderFailure> {
        let object = try ProgramObject(answer, known: ["id", "fetch", "failed"])
        let fetch = try object.object("fetch", known: ["url", "headers"]) { fetch throws(ProgramShapeError) in
            let address = try address(fetch)
            let headers = try headers(fetch)
            guard headers.isEmpty || server?.target(of: address) != nil else {
                throw ProgramShapeError("fetch.headers", "are for addresses on the server of `base_url` only")
            }
            return OutgoingRequest(
                "GET", address, headers: headers, deadline: .seconds(300), maximumBody: 256 << 20)
        }
        return try either(fetch, try ProgramRefusal.read(object), called: "fetch")
    }

    private static func address(_ fetch: ProgramObject) throws(ProgramShapeError) -> String {
        guard let address = try fetch.text("url", atMost: addressLimit) else {
            throw ProgramShapeError("fetch.url", "is missing")
        }
        let isWeb = address.hasPrefix("https://") || address.hasPrefix("http://")
        guard isWeb, address.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ProgramShapeError("fetch.url", "is no http or https address, percent-encoded")
        }
        return address
    }

    private static func headers(_ fetch: ProgramObject) throws(ProgramShapeError) -> [HeaderField] {
        let headers = try fetch.texts("headers", atMost: 16)
        for (name, value) in headers {
            guard name.isHeaderName, !OutgoingHeaders.ofTheClient.contains(name.lowercased()),
                value.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
            else { throw ProgramShapeError("fetch.headers", "has a header that cannot be sent") }
        }
        return headers.map { HeaderField(name: $0.name, value: $0.value) }
    }

    // MARK: History

    /// Pages of the provider's log, each a text that the same program reads when it is asked to decode it.
    static func history(_ answer: JSONNode) throws(ProgramShapeError) -> Result<HistoryPage, ProviderFailure> {
        let object = try ProgramObject(answer, known: ["id", "bodies", "more", "failed"])
        guard object.has("bodies") else { return try either(nil, try ProgramRefusal.read(object), called: "bodies") }
        var bodies: [[UInt8]] = []
        for element in try object.list("bodies", atMost: bodyLimit) {
            guard let text = element.node.string else { throw ProgramShapeError(element.place, "is no text") }
            bodies.append(Array(text.utf8))
        }
        let page = HistoryPage(bodies: bodies, path: historyPath, hasMore: try object.flag("more") ?? false)
        return try either(page, try ProgramRefusal.read(object), called: "bodies")
    }

    private static func either<Answer>(
        _ answer: Answer?, _ failure: ProviderFailure?, called name: String
    ) throws(ProgramShapeError) -> Result<Answer, ProviderFailure> {
        switch (answer, failure) {
        case (let answer?, nil): return .success(answer)
        case (nil, let failure?): return .failure(failure)
        default: throw ProgramShapeError("", "says neither `\(name)` nor `failed`, or both")
        }
    }
}
