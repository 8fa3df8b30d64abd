import Connector

/// Asking a provider, and what its answer means by its HTTP status alone.
extension Outgoing {
    /// Sends a request of a provider's client. Never twice.
    package func ask(_ request: OutgoingRequest) async throws(ProviderFailure) -> OutgoingResponse {
        do {
            return try await send(request)
        } catch {
            throw ProviderFailure(error)
        }
    }
}

extension ProviderFailure {
    /// What a refusal by HTTP says; for a status of success: that the answer made no sense.
    ///
    /// A request that a server did not let in has not been carried out; one that broke off inside it may have been.
    /// - Parameter text: of the provider, for people; freed here of what may not be told.
    package init(status: Int, text: String?, of response: OutgoingResponse) {
        let kind: Kind =
            switch status {
            case 401, 403: .unauthorized
            case 429: .limited
            case 503: .unavailable
            case 400..<500: .rejected
            default: .unknown
            }
        let said = text.map(Self.tellable) ?? (kind == .unknown ? "the answer cannot be read" : "the provider says no")
        self.init(
            kind, code: String(status), text: said,
            retryAfter: kind == .limited || kind == .unavailable ? response.retryAfter : nil)
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
}
