import AdapterKit
import Connector

/// Whom `user` (in the log: `account`) names.
enum MegafonAccount: Equatable {
    /// `ivanov` or `ivanov@demo.megapbx.ru`: the login without its host.
    case employee(String)
    /// `g_` and a UUID.
    case group(String)
    /// The PBX itself, its menu or its fax: nobody's phone.
    case machine(String)

    init?(_ text: String?) {
        guard let name = text?.prefix(while: { $0 != "@" }), !name.isEmpty else { return nil }
        if Self.isGroup(name) {
            self = .group(String(name))
        } else if Self.machines.contains(name.lowercased()) {
            self = .machine(name.lowercased())
        } else {
            self = .employee(String(name))
        }
    }

    /// `pbx` was seen on missed calls, the others stand in the log.
    private static let machines: Set<String> = ["pbx", "ivr", "fax"]

    private static func isGroup(_ name: Substring) -> Bool {
        guard name.hasPrefix("g_"), name.utf8.count == 38 else { return false }
        return name.utf8.dropFirst(2).allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"),
                UInt8(ascii: "A")...UInt8(ascii: "F"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

/// Numbers as the platform writes them: digits with the country code, mostly without a plus.
enum MegafonNumber {
    /// The number without spaces around it. A plus that was sent as it is arrives as a space: it is put back.
    static func read(_ text: String?) -> String? {
        guard let text, let first = text.firstIndex(where: { $0 != " " }) else { return nil }
        let bare = text[first...]
        let end = bare.lastIndex { $0 != " " } ?? first
        let number = String(bare[...end])
        return first > text.startIndex && isDigit(number.utf8.first) ? "+" + number : number
    }

    /// Whether it is a short number of the house: at most six digits and nothing else. It is never a client's.
    static func isShort(_ number: String) -> Bool {
        (1...6).contains(number.utf8.count) && number.utf8.allSatisfy { isDigit($0) }
    }

    /// A login, a short number, or a direct number: digits without `+`.
    static func responsible(_ ref: String) -> String { ref.hasPrefix("+") ? String(ref.dropFirst()) : ref }

    private static func isDigit(_ byte: UInt8?) -> Bool { byte.map { (0x30...0x39).contains($0) } ?? false }
}

/// Times as the platform writes them.
enum MegafonTime {
    /// `20260921T141320Z` of webhooks, `2026-09-21T17:13:20+03:00` of the log; anything without a zone is local time in `zone`.
    ///
    /// - Returns: nil for what is no time, or one before 2000 or after 2100.
    static func parse(_ text: String, in zone: LocalZone) -> (moment: Instant, isLocal: Bool)? {
        let text = extended(text)
        if let moment = Instant(rfc3339: text) { return isPlausible(moment) ? (moment, false) : nil }
        return LocalTimestamp.parse(text, in: zone).flatMap { isPlausible($0) ? ($0, true) : nil }
    }

    /// The compact form with its dashes and colons; other text as it is.
    private static func extended(_ text: String) -> String {
        let bytes = Array(text.utf8)
        guard (15...16).contains(bytes.count), bytes[8] == UInt8(ascii: "T") else { return text }
        let parts = [bytes[0..<4], bytes[4..<6], bytes[6..<8], bytes[9..<11], bytes[11..<13], bytes[13..<15]]
            .map { String(decoding: $0, as: UTF8.self) }
        let zone = String(decoding: bytes[15...], as: UTF8.self)
        return parts[0..<3].joined(separator: "-") + "T" + parts[3..<6].joined(separator: ":") + zone
    }

    private static func isPlausible(_ moment: Instant) -> Bool {
        (946_684_800_000..<4_102_444_800_000).contains(moment.milliseconds)
    }

    /// Seconds of a talk or of waiting; nil for what is none, or more than two days.
    static func duration(_ seconds: Int?) -> Duration? {
        seconds.flatMap { (0...172_800).contains($0) ? .seconds($0) : nil }
    }
}
