/// Makes a program's own words fit for reasons and logs.
enum ProgramWords {
    private static let limit = 300

    /// One line without control characters, secrets and runs of seven digits or more, and not too long.
    static func clean(_ text: String, hiding secrets: [String] = []) -> String {
        var text = String(text.prefix(limit * 4))
        for secret in secrets where !secret.isEmpty { text = text.replacing(secret, with: "***") }
        var cleaned = ""
        var digits = ""
        for scalar in text.unicodeScalars {
            if ("0"..."9").contains(scalar) {
                digits.unicodeScalars.append(scalar)
                continue
            }
            cleaned += shown(digits)
            digits = ""
            cleaned.unicodeScalars.append(scalar.properties.generalCategory == .control ? " " : scalar)
        }
        return String((cleaned + shown(digits)).prefix(limit))
    }

    private static func shown(_ digits: String) -> String { digits.utf8.count < 7 ? digits : "***" }
}
