import AdapterKit
import Connector

/// Reading single values, whatever they are for.
extension PlanReader {
    // MARK: Sections

    /// The fields of `tree` by their names; those not in `known` are noted. Nothing at all is an empty section.
    mutating func section(_ tree: SettingTree, called name: String, known: [String]) -> [String: SettingTree.Field]? {
        if tree.content == .nothing { return [:] }
        guard let fields = tree.fields else {
            note("`\(name)` is \(tree.kind)", hint: "write `key: value` pairs under it", at: tree.place)
            return nil
        }
        for field in fields where !known.contains(field.name) {
            note("`\(name)` knows no `\(field.name)`", hint: NearestName.hint(for: field.name, among: known), at: field.place)
        }
        return Dictionary(fields.map { ($0.name, $0) }) { first, _ in first }
    }

    /// What stands under a heading, in the order of the file.
    mutating func entries(_ field: SettingTree.Field?) -> [(name: String, field: SettingTree.Field)] {
        guard let field, field.value.content != .nothing else { return [] }
        guard let fields = field.value.fields else {
            note("`\(field.name)` is \(field.value.kind)", hint: "write `name: …` pairs under it", at: field.value.place)
            return []
        }
        guard fields.count <= Self.countLimit else {
            note("`\(field.name)` has too many entries", hint: "\(Self.countLimit) are the limit", at: field.place)
            return []
        }
        return fields.map { ($0.name, $0) }
    }

    /// The same, where names are slugs that are no short numbers.
    mutating func named(_ field: SettingTree.Field?) -> [(name: String, field: SettingTree.Field)] {
        entries(field).filter { name, field in
            if Self.isName(name) { return true }
            note(
                "`\(name)` cannot be a name here", hint: "take a-z, 0-9, - and _, with a letter first, as in sales",
                at: field.place)
            return false
        }
    }

    static func isName(_ text: String) -> Bool {
        guard let first = text.utf8.first, (0x61...0x7A).contains(first) else { return false }
        return ConnectionID.isSlug(text)
    }

    // MARK: Values

    mutating func flag(_ field: SettingTree.Field?) -> Bool? {
        guard let field, let text = text(field) else { return nil }
        switch text {
        case "true", "on", "yes": return true
        case "false", "off", "no": return false
        default:
            note("`\(field.name)` is neither on nor off", hint: "write on or off", at: field.value.place)
            return nil
        }
    }

    /// - Parameter unit: a sign that may stand behind the number.
    mutating func integer(_ field: SettingTree.Field?, _ range: ClosedRange<Int>, unit: String = "") -> Int? {
        guard let field, let text = text(field) else { return nil }
        let digits = text.hasSuffix(unit) ? text.dropLast(unit.count) : text[...]
        if let number = DecimalInteger.parse(digits.utf8), range.contains(number) { return number }
        note(
            "`\(field.name)` is no whole number from \(range.lowerBound) to \(range.upperBound)", hint: "write a number there",
            at: field.value.place)
        return nil
    }

    /// `20s`, `5m`, `1h`, as the other settings write times.
    mutating func duration(_ field: SettingTree.Field?, _ range: ClosedRange<Int>) -> Duration? {
        guard let field, let text = text(field) else { return nil }
        guard let seconds = Self.seconds(text) else {
            note(
                "`\(field.name)`: `\(text)` is no duration", hint: "write a number and a unit: 20s, 5m or 1h",
                at: field.value.place)
            return nil
        }
        guard range.contains(seconds) else {
            note(
                "`\(field.name)` is too short or too long",
                hint: "write \(Self.words(range.lowerBound)) to \(Self.words(range.upperBound))", at: field.value.place)
            return nil
        }
        return .seconds(seconds)
    }

    private static func seconds(_ text: String) -> Int? {
        let units: [UInt8: Int] = [
            UInt8(ascii: "s"): 1, UInt8(ascii: "m"): 60, UInt8(ascii: "h"): 3600, UInt8(ascii: "d"): 86_400,
        ]
        guard text != "0" else { return 0 }
        guard let unit = text.utf8.last.flatMap({ units[$0] }), let count = DecimalInteger.parse(text.utf8.dropLast()) else {
            return nil
        }
        let (seconds, overflows) = count.multipliedReportingOverflow(by: unit)
        return overflows ? nil : seconds
    }

    private static func words(_ seconds: Int) -> String {
        if seconds == 0 { return "0" }
        if seconds % 3600 == 0 { return "\(seconds / 3600)h" }
        return seconds % 60 == 0 ? "\(seconds / 60)m" : "\(seconds)s"
    }

    /// The ringing time of groups and steps.
    mutating func ringTime(_ field: SettingTree.Field?) -> Duration? { duration(field, 3...600) }

    /// The elements of a list, or the words of one text with commas between them.
    mutating func words(_ field: SettingTree.Field?) -> [PlanWord] {
        guard let field else { return [] }
        let elements = field.value.list ?? [field.value]
        guard elements.count <= Self.countLimit else {
            note("`\(field.name)` has too many elements", hint: "\(Self.countLimit) are the limit", at: field.place)
            return []
        }
        var words: [PlanWord] = []
        for element in elements {
            guard let text = text(element, called: field.name) else { continue }
            words += text.split(separator: ",").map { PlanWord(text: Self.trimmed($0), place: element.place) }
        }
        if words.contains(where: \.text.isEmpty) || words.isEmpty && elements.allSatisfy({ $0.text != nil }) {
            note("`\(field.name)` is empty", hint: "write one name or several", at: field.value.place)
        }
        return words.filter { !$0.text.isEmpty }
    }

    static func trimmed(_ text: Substring) -> String {
        let rest = text.drop { $0 == " " }
        return String(rest.prefix(rest.count - rest.reversed().prefix { $0 == " " }.count))
    }

    mutating func zone(_ field: SettingTree.Field?) -> LocalZone? {
        guard let field, let name = text(field) else { return nil }
        do {
            return try LocalZone(named: name)
        } catch {
            note("`\(name)` names no time zone", hint: "write an IANA name, as in Europe/Moscow", at: field.value.place)
            return nil
        }
    }

    // MARK: Numbers

    /// `+` and 5 to 15 digits.
    static func isE164(_ text: String) -> Bool {
        text.first == "+" && (6...16).contains(text.utf8.count) && areDigits(text.dropFirst())
            && text.utf8.dropFirst().first != 0x30
    }

    static func areDigits(_ text: some StringProtocol) -> Bool { text.utf8.allSatisfy { (0x30...0x39).contains($0) } }

    /// Two to six digits.
    static func isShort(_ text: String) -> Bool { (2...6).contains(text.utf8.count) && areDigits(text) }

    mutating func e164(_ word: PlanWord) -> String? {
        if Self.isE164(word.text) { return word.text }
        note("`\(word.text)` is no whole number", hint: "write + and the country code, as in +79000000010", at: word.place)
        return nil
    }

    mutating func short(_ text: String, at place: SettingTree.Place) -> String? {
        if Self.isShort(text) { return text }
        note("`\(text)` is no short number", hint: "take two to six digits, as in 101", at: place)
        return nil
    }

    /// A word of `may_dial`, `to` and `limits`.
    mutating func destination(_ word: PlanWord) -> Destination? {
        if let destination = Destination(word.text) { return destination }
        note(
            "`\(word.text)` is no destination",
            hint:
                "write any, a country (RU), a country and mobile, geographic or toll_free (RU mobile), a prefix (+7495), or a short number",
            at: word.place)
        return nil
    }

    /// An amount of the plan's currency.
    mutating func money(_ tree: SettingTree, called name: String) -> Money? {
        guard let text = text(tree, called: name) else { return nil }
        if let money = Money(text) { return money }
        note("`\(name)`: `\(text)` is no amount", hint: "write a number with a point, as in 1.50", at: tree.place)
        return nil
    }
}

/// One of several words, and where it stands.
struct PlanWord: Equatable {
    var text: String
    var place: SettingTree.Place
}

extension Destination {
    /// Reads a word of the file; `nil` for what is none.
    package init?(_ text: String) {
        if text == "any" {
            self = .any
        } else if text.first == "+" {
            guard (2...16).contains(text.utf8.count), PlanReader.areDigits(text.dropFirst()) else { return nil }
            self = .prefix(text)
        } else if (2...8).contains(text.utf8.count), PlanReader.areDigits(text) {
            self = .short(text)
        } else {
            let words = text.split(separator: " ")
            guard let country = words.first, country.utf8.count == 2, country.utf8.allSatisfy({ (0x41...0x5A).contains($0) }),
                words.count <= 2
            else { return nil }
            let kind = words.dropFirst().first.flatMap { PhoneNumber.Kind(rawValue: String($0)) }
            guard words.count == 1 || kind.map(Self.kinds.contains) == true else { return nil }
            self = .country(String(country), kind: kind)
        }
    }
}
