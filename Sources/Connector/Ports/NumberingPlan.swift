/// The world's numbering plans: makes a `PhoneNumber` from what a provider sent.
package protocol NumberingPlan: Sendable {
    /// Reads `raw`; total: what is no number comes back with its kind and no `e164`.
    /// - Parameter defaultCountry: ISO 3166-1 alpha-2, for numbers written without a country code.
    func number(_ raw: String, defaultCountry: String) -> PhoneNumber
}
