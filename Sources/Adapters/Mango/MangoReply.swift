import AdapterKit
import Connector

/// What Mango answers to a request: a code in `result` or, in older words, in `code`, under whatever HTTP status.
/// - Source: "API Mango Office" 1.9 of 02.06.2026, sections on errors and codes; "API" 1.10 of 24.12.2017. Kinds are our reading.
struct MangoReply {
    private let response: OutgoingResponse
    private let json: JSONText?

    init(_ response: OutgoingResponse) {
        self.response = response
        do {
            json = try JSONText(response.body, limits: JSONText.Limits(byteCount: 64 << 10))
        } catch {
            // What is no JSON is judged by its status.
            json = nil
        }
    }

    /// The code; nil where there is none. The refusal for too many requests has `code` 0: that is none either.
    var code: Int? {
        guard let root = json?.root else { return nil }
        return [root["result"].anyInt, root["code"].anyInt].lazy.compactMap(\.self).first { $0 > 0 }
    }

    subscript(_ name: StaticString) -> String? { json?.root[name].filledText }

    /// Mango took the command; how it ended comes as `result/…`.
    func answer() throws(ProviderFailure) -> ProviderAnswer {
        guard let code, MangoCodes.isSuccess(code) else { throw failure }
        return ProviderAnswer(code: String(code), isPreliminary: true)
    }

    /// Why it is no success.
    var failure: ProviderFailure {
        guard let code, !MangoCodes.isSuccess(code) else { return failureByStatus }
        let kind = MangoCodes.failureKind(code)
        let retryAfter = kind == .limited || kind == .unavailable ? response.retryAfter : nil
        return ProviderFailure(kind, code: String(code), text: text(for: code), retryAfter: retryAfter)
    }

    private func text(for code: Int) -> String {
        (self["message"] ?? self["text"]).map(ProviderFailure.tellable) ?? MangoCodes.text(code)
    }

    /// A plain 401 is the block of a key after two bad requests, or a key that is none: Mango does not say which.
    private var failureByStatus: ProviderFailure {
        if response.status == 401 {
            return ProviderFailure(
                .unauthorized, code: "401",
                text: "Mango does not take the key; after two bad requests it blocks one for two minutes",
                retryAfter: .seconds(120))
        }
        var failure =
            response.isSuccess
            ? .unreadable(response, acts: true) : ProviderFailure(refusal: response, acts: true, hiding: [])
        // Sent elsewhere: nobody knows what has been done before.
        if (300..<400).contains(response.status) { failure.kind = .unknown }
        // 503 means "slow down" here.
        if response.status == 503 { failure.kind = .limited }
        return failure
    }
}

extension MangoCodes {
    /// What a code that is no success means for a command. Unlisted ones are read as their class.
    static func failureKind(_ code: Int) -> ProviderFailure.Kind {
        switch code {
        case 3102, 3105: .unauthorized
        case 503, 4290, 5008: .limited
        case 4001: .unsupported
        // Overloaded, starting again: not taken. What else goes wrong inside may have gone wrong afterwards.
        case 5001, 5002: .unavailable
        case 5100..<5300: .rejected
        case 5000..<6000: .unknown
        case 2000..<5000: .rejected
        default: .unknown
        }
    }

    /// The same for people, without a number or a name.
    static func text(_ code: Int) -> String {
        texts[code] ?? texts[code / 100 * 100] ?? texts[code / 1000 * 1000] ?? "Mango answers with a code that is not known"
    }

    private static let texts: [Int: String] = [
        2000: "the tariff or the balance does not allow it", 2100: "the account is blocked or closed",
        2200: "a limit of the account is reached", 2220: "too many calls at the same time",
        2240: "there is no money on the account",
        2300: "this direction is blocked",
        3000: "the request is bad", 3102: "the signature is wrong: check api_salt", 3103: "a parameter is missing",
        3104: "a parameter has the wrong form", 3105: "the key is wrong: check api_key", 3200: "the number is bad",
        3310: "there is no such call", 3320: "there is no such recording", 3330: "nobody with this number is in the call",
        3340: "there is no such file",
        4000: "this cannot be done", 4001: "this is not supported", 4002: "the recording is too short",
        4100: "this is not possible now", 4101: "the call is over", 4102: "the call is being recorded",
        4200: "the subscriber cannot be reached", 4290: "too many requests", 4500: "the security rules forbid it",
        5000: "Mango has failed", 5001: "Mango is overloaded", 5002: "Mango is starting again",
        5008: "the service is not there now",
    ]
}
