import Connector

/// Which of a server's endpoints are people's telephones and which lead outside.
struct PhonePlan: Hashable, Sendable {
    /// Who is at the end of a channel.
    enum Side: Hashable, Sendable {
        /// Somebody outside, reached by a trunk.
        case outside
        /// An employee, by his short number.
        case person(String)
        /// Nobody: half of a `Local` channel, by which Asterisk connects its dialplan with itself.
        case local
    }

    /// Endpoints that are trunks; where none are named, an endpoint whose name is no short number is one.
    var trunks: Set<String> = []
    /// What a short number looks like.
    var shortNumbers = NumberPattern.standard
    /// Whether the server's recordings can be fetched.
    var fetchesRecordings = false

    /// Who is at the end of a channel such as `PJSIP/101-0000001a`.
    func side(of channel: String, number: String?) -> Side {
        guard !channel.hasPrefix("Local/") else { return .local }
        let endpoint = Self.endpoint(of: channel)
        if trunks.contains(endpoint) { return .outside }
        if isShort(endpoint) { return .person(endpoint) }
        guard !trunks.isEmpty else { return .outside }
        // An endpoint named otherwise than its number: `PJSIP/anna-0000001a` with the caller's number 101.
        return .person(number.flatMap { isShort($0) ? $0 : nil } ?? endpoint)
    }

    func isShort(_ text: String) -> Bool { shortNumbers.contains { $0.matches(text) } }

    /// `101` of `PJSIP/101-0000001a`: what stands between the technology and the counter.
    static func endpoint(of channel: String) -> String {
        let name = channel.split(separator: "/", maxSplits: 1).last ?? ""
        guard let dash = name.lastIndex(of: "-") else { return String(name) }
        return String(name[..<dash])
    }

    /// `PJSIP/101`: how the device is called by.
    static func device(of channel: String) -> String {
        guard let dash = channel.lastIndex(of: "-") else { return channel }
        return String(channel[..<dash])
    }
}

/// A number, or a pattern of Asterisk's dialplan: `700`, `_1XX`, `_NXX`, `_[1-3]XX`, `_8.`.
struct NumberPattern: Hashable, Sendable {
    /// Two to six digits.
    static let standard = (2...6).map { NumberPattern(parts: Array(repeating: .digits(0x3FF), count: $0)) }

    private enum Part: Hashable, Sendable {
        /// One character that must be this one.
        case exactly(UInt8)
        /// One digit out of a set: bit n stands for digit n.
        case digits(UInt16)
        /// Whatever follows: at least so many characters.
        case rest(Int)
    }

    private let parts: [Part]

    private init(parts: [Part]) { self.parts = parts }

    /// `nil` for what is no pattern.
    init?(_ text: String) {
        guard !text.isEmpty, text.utf8.count <= 80 else { return nil }
        guard text.hasPrefix("_") else {
            guard text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
            parts = text.utf8.map(Part.exactly)
            return
        }
        var parts: [Part] = []
        var bytes = text.utf8.dropFirst()
        while let byte = bytes.popFirst() {
            switch byte {
            case UInt8(ascii: "X"), UInt8(ascii: "x"): parts.append(.digits(0x3FF))
            case UInt8(ascii: "Z"), UInt8(ascii: "z"): parts.append(.digits(0x3FE))
            case UInt8(ascii: "N"), UInt8(ascii: "n"): parts.append(.digits(0x3FC))
            case UInt8(ascii: "["):
                guard let end = bytes.firstIndex(of: UInt8(ascii: "]")), let set = Self.set(bytes[..<end]) else { return nil }
                parts.append(.digits(set))
                bytes = bytes[bytes.index(after: end)...]
            case UInt8(ascii: "."), UInt8(ascii: "!"):
                guard bytes.isEmpty else { return nil }
                parts.append(.rest(byte == UInt8(ascii: ".") ? 1 : 0))
            case UInt8(ascii: "-"): continue
            default:
                guard (0x30...0x39).contains(byte) || [0x2A, 0x23, 0x2B].contains(byte) else { return nil }
                parts.append(.exactly(byte))
            }
        }
        guard !parts.isEmpty else { return nil }
        self.parts = parts
    }

    /// `1-357`: digits and ranges of them.
    private static func set(_ text: Substring.UTF8View.SubSequence) -> UInt16? {
        var set: UInt16 = 0
        var digits = text
        while let first = digits.popFirst() {
            guard (0x30...0x39).contains(first) else { return nil }
            var last = first
            if digits.first == UInt8(ascii: "-") {
                digits.removeFirst()
                guard let end = digits.popFirst(), (first...0x39).contains(end) else { return nil }
                last = end
            }
            for digit in first...last { set |= 1 << UInt16(digit - 0x30) }
        }
        return set == 0 ? nil : set
    }

    func matches(_ text: String) -> Bool {
        var bytes = text.utf8[...]
        for part in parts {
            switch part {
            case .rest(let least): return bytes.count >= least
            case .exactly(let wanted): guard bytes.popFirst() == wanted else { return false }
            case .digits(let set):
                guard let byte = bytes.popFirst(), (0x30...0x39).contains(byte), set & 1 << UInt16(byte - 0x30) != 0 else {
                    return false
                }
            }
        }
        return bytes.isEmpty
    }
}
