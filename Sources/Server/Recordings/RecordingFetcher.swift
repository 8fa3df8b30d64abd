import Connector

/// Fetches one recording into the store, by way of redirects.
///
/// Nothing larger than `byteLimit` is taken, and nothing of it is in memory. What a server says leads elsewhere is believed with
/// caution: credentials stay with the host they were made for, and only the connection's own server may have a private address.
struct RecordingFetcher: Sendable {
    let outgoing: any Outgoing
    let store: any RecordingStore
    var byteLimit = 200 << 20
    var deadline = Duration.seconds(900)
    let disk = DiskQueue("recordings.disk")

    private static let redirectLimit = 5

    init(outgoing: any Outgoing, store: any RecordingStore) {
        self.outgoing = outgoing
        self.store = store
    }

    /// Why there is no file. Fit for the record: no address but a host, no secret.
    struct Problem: Error, Equatable {
        var text: String
        var isFinal = false
        var after: Duration?
    }

    /// Fetches what `request` asks for.
    /// - Parameters:
    ///   - home: the server that the connection's settings name; `nil` where they name none.
    ///   - keptUntil: before when the file is not removed; `nil` keeps it for good.
    /// - Throws: `Problem`, `OutgoingError`, `RecordingStoreError`, `CancellationError`.
    func fetch(_ request: OutgoingRequest, home: WebOrigin?, keptUntil: Instant? = nil) async throws -> RecordingFile {
        var request = request
        for _ in 0...Self.redirectLimit {
            let draft = try await disk.run { [store] in try store.begin() }
            let response = try await send(request, home: home, to: draft)
            if (300..<400).contains(response.status), response.status != 304 {
                request = try redirected(request, by: response)
                continue
            }
            try check(response)
            return try await keep(draft, response, until: keptUntil)
        }
        throw Problem(text: "the server redirects without end")
    }

    private func send(
        _ request: OutgoingRequest, home: WebOrigin?, to draft: any RecordingDraft
    ) async throws -> OutgoingResponse {
        var request = request
        request.redirects = 0
        request.deadline = deadline
        request.maximumBody = byteLimit
        let isHome = home != nil && WebOrigin(request.url) == home
        request.reach = isHome ? .anywhere : .publicOnly
        do {
            return try await outgoing.download(request, to: draft)
        } catch let error as OutgoingError where error.code == .receiver {
            throw draft.failure ?? RecordingStoreError(.inputOutput, "the draft was refused")
        }
    }

    // MARK: Redirects

    /// The request for the address that the answer leads to (RFC 9110 §15.4): a GET without body, but where 307 and 308 ask for the
    /// same again, which is done for a GET only.
    private func redirected(_ request: OutgoingRequest, by response: OutgoingResponse) throws -> OutgoingRequest {
        guard let old = WebOrigin(request.url), let location = response.header("location"),
            let url = old.resolve(location), let new = WebOrigin(url)
        else { throw Problem(text: "status \(response.status) leads nowhere") }
        guard new.isSecure || !old.isSecure else { throw Problem(text: "the server redirects to a plain address", isFinal: true) }
        guard request.method == "GET" || response.status < 307 else {
            throw Problem(text: "status \(response.status) to a \(request.method)", isFinal: true)
        }
        var next = request
        next.method = "GET"
        next.url = url
        next.body = []
        next.headers = new == old ? request.headers.filter { !$0.name.lowercased().hasPrefix("content-") } : []
        return next
    }

    // MARK: Answers

    private func check(_ response: OutgoingResponse) throws {
        guard response.status != 200 else { return }
        let after = response.header("retry-after").flatMap { Int($0) }.map { Duration.seconds(min(max(0, $0), 86_400)) }
        throw Problem(text: "the server answered \(response.status)", isFinal: response.status == 410, after: after)
    }

    private func keep(
        _ draft: any RecordingDraft, _ response: OutgoingResponse, until keptUntil: Instant?
    ) async throws -> RecordingFile {
        let beginning = draft.beginning
        guard !beginning.isEmpty else { throw Problem(text: "the file is empty") }
        let named = MediaType.named(response.header("content-type"))
        guard let type = MediaType.sniffed(beginning) ?? named else {
            throw Problem(text: "the server sent text instead of a recording")
        }
        let (sha256, byteCount) = try await disk.run { try draft.finish(keptUntil: keptUntil) }
        return RecordingFile(sha256: sha256, byteCount: byteCount, mediaType: type, keptUntil: keptUntil)
    }
}

/// What kind of recording some bytes are.
enum MediaType {
    /// By the first bytes; `nil` where they tell nothing.
    static func sniffed(_ bytes: [UInt8]) -> String? {
        if bytes.starts(with: "RIFF".utf8), bytes.dropFirst(8).starts(with: "WAVE".utf8) { return "audio/wav" }
        if bytes.starts(with: "ID3".utf8) { return "audio/mpeg" }
        if bytes.starts(with: "OggS".utf8) { return "audio/ogg" }
        if bytes.starts(with: "fLaC".utf8) { return "audio/flac" }
        if bytes.dropFirst(4).starts(with: "ftyp".utf8) { return "audio/mp4" }
        // An MPEG audio frame: eleven bits set, then a layer (ISO/IEC 11172-3 §2.4.2.3).
        if bytes.count > 1, bytes[0] == 0xFF, bytes[1] & 0xE0 == 0xE0, bytes[1] & 0x06 != 0 { return "audio/mpeg" }
        return nil
    }

    /// By the server's word, without parameters. Text, which is an error's, is `nil`; what is no sound is bytes.
    static func named(_ header: String?) -> String? {
        let type = (header ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " }
        if type.hasPrefix("text/") || type.contains("json") || type.contains("xml") { return nil }
        let isToken = type.utf8.count <= 64 && type.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != 0x22 && $0 != 0x5C }
        return isToken && (type.hasPrefix("audio/") || type.hasPrefix("video/")) ? type : "application/octet-stream"
    }
}

/// Scheme, host and port of a web address: who is spoken to.
package struct WebOrigin: Hashable, Sendable {
    let isSecure: Bool
    /// Host and port in lower case, the port always written.
    let authority: String

    /// `nil` for what is neither http nor https, names no host, or carries credentials.
    package init?(_ url: String) {
        guard let mark = url.firstRange(of: "://") else { return nil }
        let scheme = url[..<mark.lowerBound].lowercased()
        guard scheme == "http" || scheme == "https" else { return nil }
        isSecure = scheme == "https"
        let authority = url[mark.upperBound...].prefix { !"/?#\\".contains($0) }.lowercased()
        guard !authority.isEmpty, !authority.contains("@"), !authority.hasPrefix(":") else { return nil }
        let hasPort = authority.last != "]" && authority.contains(":")
        self.authority = hasPort ? authority : "\(authority):\(isSecure ? 443 : 80)"
    }

    /// The address that a `Location` means here; `nil` for one that is relative to a path.
    func resolve(_ location: String) -> String? {
        guard location.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F }) else { return nil }
        let scheme = isSecure ? "https" : "http"
        if location.hasPrefix("//") { return "\(scheme):\(location)" }
        if location.hasPrefix("/") { return "\(scheme)://\(authority)\(location)" }
        return location.contains("://") ? location : nil
    }
}
