import Connector

// What a provider's client needs to ask and to be answered: to tell requests that act from those that only ask, to read what an HTTP
// status says, and to keep secrets and numbers out of what is told.

extension Outgoing {
    /// Sends a request of a provider's client, once, and waits for the answer of whatever status.
    ///
    /// - Parameter acts: whether the provider does something on it. What only asks changes nothing: where no answer came to that, it
    ///   is certain that nothing was carried out.
    package func reply(to request: OutgoingRequest, acts: Bool) async throws(ProviderFailure) -> OutgoingResponse {
        do {
            return try await send(request)
        } catch {
            let failure = ProviderFailure(error)
            throw acts ? failure : failure.ofQuestion
        }
    }
}

extension OutgoingResponse {
    package var isSuccess: Bool { (200..<300).contains(status) }

    /// The body as JSON; nil for what is none.
    package var json: JSONNode? {
        do {
            return try JSONText(body).root
        } catch {
            return nil
        }
    }
}

extension ProviderFailure {
    /// The same for a question: where no answer came, nothing was carried out all the same, and it may be asked again.
    package var ofQuestion: ProviderFailure {
        var failure = self
        if kind == .unknown { failure.kind = .unavailable }
        return failure
    }

    /// What an answer that is no success means, as HTTP has it.
    ///
    /// A server that failed may have acted before it did, unless it says that it is not at work (503), or was only asked.
    /// - Parameters:
    ///   - acts: as in `Outgoing.reply`.
    ///   - secrets: what the vendor's own words must not repeat.
    package init(refusal response: OutgoingResponse, acts: Bool, hiding secrets: [String]) {
        let complaint = VendorComplaint(response, hiding: secrets)
        self.init(
            Self.kind(of: response.status, acts: acts), code: complaint.code ?? String(response.status),
            text: "the provider answered \(response.status)" + (complaint.text.map { ": \($0)" } ?? ""),
            retryAfter: response.retryAfter)
    }

    private static func kind(of status: Int, acts: Bool) -> Kind {
        switch status {
        case 401, 403, 407: .unauthorized
        case 429: .limited
        // The request was not taken.
        case 408, 425, 503: .unavailable
        case 500...: acts ? .unknown : .unavailable
        default: .rejected
        }
    }

    /// What was asked cannot be right, and has not been sent.
    package static func invalid(_ field: String, _ text: String) -> ProviderFailure {
        ProviderFailure(.invalid, code: field, text: text)
    }

    /// The provider has no such command, or not with this wish.
    package static func unsupported(_ what: String, _ text: String) -> ProviderFailure {
        ProviderFailure(.unsupported, code: what, text: text)
    }

    /// A provider's message as it may be told: 200 characters at most, no control characters, no digit of a run that could be a
    /// telephone number.
    package static func tellable(_ text: String) -> String {
        var told: [Character] = []
        var digits = 0
        for character in text.prefix(200) where !character.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        {
            digits = character.isNumber ? digits + 1 : 0
            told.append(character)
            if digits == 5 {
                for place in told.indices.suffix(5) { told[place] = "•" }
            } else if digits > 5 {
                told[told.count - 1] = "•"
            }
        }
        return String(told)
    }

    /// The provider took the request, and says something that cannot be read.
    package static func unreadable(_ response: OutgoingResponse, acts: Bool) -> ProviderFailure {
        ProviderFailure(
            acts ? .unknown : .unavailable, code: "unreadable",
            text: "the provider answered \(response.status), and nothing that can be read")
    }
}

/// What a vendor says is wrong, in his own words, as they may be told: no secret, no number, no page of HTML.
package struct VendorComplaint: Sendable, Equatable {
    /// `errorCode`, where there is one.
    package let code: String?
    package let text: String?

    /// - Parameter response: complaints are JSON objects; anything else says nothing.
    package init(_ response: OutgoingResponse, hiding secrets: [String]) {
        guard response.body.count <= Self.bodyLimit, let root = response.json else {
            (code, text) = (nil, nil)
            return
        }
        let words = Self.names.lazy.compactMap { root[dynamic: $0].string ?? root[dynamic: $0]["message"].string }
        code = root["errorCode"].anyText.flatMap { Self.plain($0, hiding: secrets) }
        text = words.first.flatMap { Self.plain($0, hiding: secrets) }
    }

    private static let names = ["message", "error_description", "description", "error"]
    private static let bodyLimit = 1 << 16

    private static func plain(_ text: String, hiding secrets: [String]) -> String? {
        var text = text
        for secret in secrets where !secret.isEmpty { text.replace(secret, with: "***") }
        let told = ProviderFailure.tellable(text)
        return told.isEmpty ? nil : told
    }
}

/// The time that a command has, over all the requests that it takes.
package struct TimeLeft: Sendable {
    private let end: ContinuousClock.Instant

    package init(_ duration: Duration) { end = .now + min(max(duration, .zero), .seconds(86_400)) }

    /// What is left for the next request.
    /// - Throws: `.unavailable` where it is over: the next request does not leave.
    package func left() throws(ProviderFailure) -> Duration {
        let rest = ContinuousClock.now.duration(to: end)
        guard rest > .zero else {
            throw ProviderFailure(.unavailable, code: "deadline", text: "the time was over before the command could be sent")
        }
        return rest
    }
}

extension DialledNumber {
    /// Whom to call, or to pass a call on to.
    /// - Throws: `.invalid`.
    package static func target(_ text: String) throws(ProviderFailure) -> String {
        guard let digits = digits(text) else { throw .invalid("to", "`to` is no number that can be called") }
        return digits
    }

    /// Our number that is to be shown; nil where none is asked for.
    /// - Throws: `.invalid`.
    package static func line(_ text: String?) throws(ProviderFailure) -> String? {
        guard let text else { return nil }
        guard let digits = digits(text) else { throw .invalid("line", "`line` is no number that can be shown") }
        return digits
    }
}
