/// Says which parts of a webhook the vendor's signature covers, so that the conformance suite can alter each and expect a refusal.
package protocol SignatureCoverage {
    /// Names of the signed form fields of one request; empty where nothing is signed.
    static func signedFields(of fields: any NamedFields) -> [String]

    /// Headers (lower case) that carry the signature.
    static var signatureHeaders: [String] { get }
}
