import Connector

/// A numbering plan for tests: digits are a number of the world's plan, up to six of them an extension.
package struct PlainNumbering: NumberingPlan {
    package init() {}

    package func number(_ raw: String, defaultCountry: String) -> PhoneNumber {
        if raw.isEmpty { return PhoneNumber(raw: raw, kind: .anonymous) }
        if raw.hasPrefix("sip:") { return PhoneNumber(raw: raw, kind: .sipURI) }
        let digits = raw.filter(\.isNumber)
        if digits.count <= 6 { return PhoneNumber(raw: raw, kind: .extension, extension: digits) }
        return PhoneNumber(raw: raw, e164: "+\(digits)", country: defaultCountry, kind: .unknown, valid: true)
    }
}
