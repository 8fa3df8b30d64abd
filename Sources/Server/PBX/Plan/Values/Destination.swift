import Connector

/// Where a number leads: a word of the rules of outgoing calls, of rights and of limits.
package enum Destination: Hashable, Sendable {
    /// Every number of the world's plan; a short number must be named.
    case any
    /// ISO 3166-1, and perhaps a kind: `RU mobile`.
    case country(String, kind: PhoneNumber.Kind?)
    /// `+7495`.
    case prefix(String)
    /// A number without a country code, as it is dialled: `0611`.
    case short(String)

    /// Kinds that may stand behind a country.
    package static let kinds: [PhoneNumber.Kind] = [.geographic, .mobile, .tollFree]

    /// How much of the number it says, in quarters of a digit; `nil` where the number leads elsewhere.
    ///
    /// A prefix says its digits. A country says as much as its calling code and a quarter, with a kind one digit and a half: `RU` less than
    /// `+79`, that less than `RU mobile`, that less than `+7900`.
    package func specificity(for number: PhoneNumber) -> Int? {
        switch self {
        case .any: return number.e164 == nil ? nil : 0
        case .short(let text): return number.raw == text ? 4 * text.utf8.count : nil
        case .prefix(let prefix):
            guard let e164 = number.e164, e164.hasPrefix(prefix) else { return nil }
            return 4 * (prefix.utf8.count - 1)
        case .country(let country, let kind):
            guard number.e164 != nil, number.country == country, kind == nil || number.kind == kind else { return nil }
            return 4 * Self.callingCodeLength(number) + (kind == nil ? 1 : 6)
        }
    }

    /// The destination that says most of the number, and how much; the first of equals.
    package static func best(_ destinations: [Destination], for number: PhoneNumber) -> (
        destination: Destination, specificity: Int
    )? {
        var best: (destination: Destination, specificity: Int)?
        for destination in destinations {
            guard let specificity = destination.specificity(for: number), specificity > best?.specificity ?? -1 else { continue }
            best = (destination, specificity)
        }
        return best
    }

    /// Digits of the country's code: what the number at home does not end with. Where the country's trunk prefix is the code's last digit
    /// (Turkey: +90 5…, at home 05…) it comes out one too small, which no order of destinations depends on.
    private static func callingCodeLength(_ number: PhoneNumber) -> Int {
        guard let e164 = number.e164, let national = number.national else { return 1 }
        let digits = e164.utf8.dropFirst().reversed()
        let home = national.utf8.filter { (0x30...0x39).contains($0) }.reversed()
        let common = zip(digits, home).prefix { $0 == $1 }.count
        return min(max(digits.count - common, 1), 3)
    }
}

extension Destination: CustomStringConvertible {
    /// As the file writes it.
    package var description: String {
        switch self {
        case .any: "any"
        case .country(let country, let kind): kind.map { "\(country) \($0.rawValue)" } ?? country
        case .prefix(let text), .short(let text): text
        }
    }
}
