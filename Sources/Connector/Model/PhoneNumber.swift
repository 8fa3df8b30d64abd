/// A telephone number as received and as understood. Only the `NumberingPlan` port makes one from text.
///
/// Immutable, and shared rather than copied: one number stands in several places of a record.
package final class PhoneNumber: Sendable {
    /// What sort of number it is; raw values are those of the call record.
    package enum Kind: String, Sendable, CaseIterable {
        case geographic, mobile, `extension`, anonymous, unknown
        case tollFree = "toll_free"
        case shortCode = "short_code"
        case sipURI = "sip_uri"
    }

    /// As the provider sent it; `""` where it sent none.
    package let raw: String
    /// `+74950000001`; `nil` where the text is no number of the world's plan.
    package let e164: String?
    /// As people of that country write it: `8 (495) 000-00-01`.
    package let national: String?
    /// ISO 3166-1 alpha-2 of the number's country.
    package let country: String?
    package let kind: Kind
    /// The short number alone, where it is an extension.
    package let `extension`: String?
    /// Whether the plan says such a number can exist.
    package let valid: Bool
    /// Which dial plan rule read it: `international`, `national:RU`, `extension`, …
    package let plan: String?

    package init(
        raw: String, e164: String? = nil, national: String? = nil, country: String? = nil, kind: Kind = .unknown,
        extension: String? = nil, valid: Bool = false, plan: String? = nil
    ) {
        self.raw = raw
        self.e164 = e164
        self.national = national
        self.country = country
        self.kind = kind
        self.extension = `extension`
        self.valid = valid
        self.plan = plan
    }
}

extension PhoneNumber: Hashable {
    package static func == (left: PhoneNumber, right: PhoneNumber) -> Bool {
        left === right
            || left.raw == right.raw && left.e164 == right.e164 && left.national == right.national
                && left.country == right.country
                && left.kind == right.kind && left.extension == right.extension && left.valid == right.valid
                && left.plan == right.plan
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(raw)
        hasher.combine(kind)
    }
}
