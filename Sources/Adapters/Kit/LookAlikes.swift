/// Letters that look Latin and are not.
package enum LookAlikes {
    /// The text with Cyrillic letters replaced by the Latin ones they look like: `"\u{421}\u{421}"` becomes `"CC"`.
    ///
    /// For comparing a vendor's words with a table, never for showing or storing. Mango writes `callback_initiator` values with
    /// U+0421 (its document of 24.12.2017).
    package static func folded(_ text: String) -> String {
        guard text.utf8.contains(where: { $0 >= 0x80 }) else { return text }
        var folded = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { folded.append(latin[scalar] ?? scalar) }
        return String(folded)
    }

    private static let latin: [Unicode.Scalar: Unicode.Scalar] = [
        "\u{410}": "A", "\u{412}": "B", "\u{415}": "E", "\u{41A}": "K", "\u{41C}": "M", "\u{41D}": "H", "\u{41E}": "O",
        "\u{420}": "P", "\u{421}": "C", "\u{422}": "T", "\u{423}": "Y", "\u{425}": "X", "\u{405}": "S", "\u{406}": "I",
        "\u{408}": "J",
        "\u{430}": "a", "\u{435}": "e", "\u{43E}": "o", "\u{440}": "p", "\u{441}": "c", "\u{443}": "y", "\u{445}": "x",
        "\u{455}": "s",
        "\u{456}": "i", "\u{458}": "j",
    ]
}
