extension SIPURI {
    /// Whether both lead to the same place (RFC 3261 §19.1.4; RFC 3966 §4 for tel).
    ///
    /// User and password are compared with regard to case, all else without. An escape equals the byte it stands for, unless that is
    /// a reserved one. A port, a `transport`, `user`, `ttl`, `method` or `maddr` in one of them only makes them differ, even where it
    /// says the default. Not transitive: a parameter of another name counts only where both have it.
    package func isEquivalent(to other: SIPURI) -> Bool {
        guard scheme == other.scheme else { return false }
        switch scheme {
        case .sip, .sips:
            return Self.same(shape.user, shape.password, in: bytes, other.shape.user, other.shape.password, in: other.bytes)
                && Self.sameHost(host, other.host) && port == other.port && hasEquivalentParameters(other)
                && hasEquivalentHeaders(other)
        case .tel:
            return dialledDigits == other.dialledDigits && hasSameParameters(other)
        case .other: return written == other.written
        }
    }

    private static func same(
        _ user: ByteRange?, _ password: ByteRange?, in bytes: [UInt8], _ otherUser: ByteRange?, _ otherPassword: ByteRange?,
        in otherBytes: [UInt8]
    ) -> Bool {
        canonical(user, bytes) == canonical(otherUser, otherBytes)
            && canonical(password, bytes) == canonical(otherPassword, otherBytes)
    }

    private static func canonical(_ range: ByteRange?, _ bytes: [UInt8]) -> [UInt8]? {
        range.map { canonical(bytes[$0.range]) }
    }

    /// Escapes of unreserved bytes undone, all others in upper case.
    private static func canonical(_ written: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(written.count)
        var rest = written
        while let byte = rest.popFirst() {
            guard byte == .percent, let high = rest.first?.hexValue, let low = rest.dropFirst().first?.hexValue else {
                result.append(byte)
                continue
            }
            rest = rest.dropFirst(2)
            let meant = high << 4 | low
            result += ByteSet.unreserved.contains(meant) ? [meant] : [.percent, .hexDigit(high), .hexDigit(low)]
        }
        return result
    }

    private static func folded(_ written: ArraySlice<UInt8>) -> [UInt8] { canonical(written).map(\.asciiLowercased) }

    /// Names without regard to case, IPv6 addresses by the address (RFC 5954 §4.2).
    private static func sameHost(_ left: ArraySlice<UInt8>, _ right: ArraySlice<UInt8>) -> Bool {
        if let address = IPv6Text.groups(left), let other = IPv6Text.groups(right) { return address == other }
        return left.elementsEqual(right) { $0.asciiLowercased == $1.asciiLowercased }
    }

    /// Canonical pairs in lower case, by name; of a repeated name the first counts.
    private func table(_ range: ByteRange, separator: UInt8) -> [[UInt8]: [UInt8]?] {
        var table: [[UInt8]: [UInt8]?] = [:]
        for part in bytes[range.range].split(separator: separator) {
            let halves = part.split(separator: .equals, maxSplits: 1, omittingEmptySubsequences: false)
            let name = Self.folded(halves[0])
            guard table[name] == nil else { continue }
            table[name] = .some(halves.count > 1 ? Self.folded(halves[1]) : nil)
        }
        return table
    }

    private static let namesThatAlwaysCount = Set(["transport", "user", "ttl", "method", "maddr"].map { Array($0.utf8) })

    private func hasEquivalentParameters(_ other: SIPURI) -> Bool {
        let (mine, theirs) = (
            table(shape.parameters, separator: .semicolon), other.table(other.shape.parameters, separator: .semicolon)
        )
        for (name, value) in mine {
            guard let counterpart = theirs[name] else {
                if Self.namesThatAlwaysCount.contains(name) { return false }
                continue
            }
            if counterpart != value { return false }
        }
        return !theirs.keys.contains { mine[$0] == nil && Self.namesThatAlwaysCount.contains($0) }
    }

    private func hasEquivalentHeaders(_ other: SIPURI) -> Bool {
        table(shape.headers, separator: .ampersand) == other.table(other.shape.headers, separator: .ampersand)
    }

    private func hasSameParameters(_ other: SIPURI) -> Bool {
        table(shape.parameters, separator: .semicolon) == other.table(other.shape.parameters, separator: .semicolon)
    }

    /// The number of a tel URI without visual separators, in lower case.
    private var dialledDigits: [UInt8] {
        bytes[(shape.user ?? .none).range].filter { ![UInt8.hyphen, .dot, .leftParenthesis, .rightParenthesis].contains($0) }.map(
            \.asciiLowercased)
    }
}

/// IPv6 addresses as text (RFC 4291 §2.2).
enum IPv6Text {
    /// The eight groups of an address in brackets; nil where it is none.
    static func groups(_ host: ArraySlice<UInt8>) -> [UInt16]? {
        guard host.first == .leftBracket, host.last == .rightBracket, host.count > 3, host.count <= 48 else { return nil }
        let text = Array(host.dropFirst().dropLast())
        guard let gap = firstGap(text) else { return groups(of: text[...]).flatMap { $0.count == 8 ? $0 : nil } }
        guard let left = groups(of: text[..<gap]), let right = groups(of: text[(gap + 2)...]), left.count + right.count < 8 else {
            return nil
        }
        return left + Array(repeating: 0, count: 8 - left.count - right.count) + right
    }

    private static func firstGap(_ text: [UInt8]) -> Int? {
        text.indices.dropLast().first { text[$0] == .colon && text[$0 + 1] == .colon }
    }

    private static func groups(of text: ArraySlice<UInt8>) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: .colon, omittingEmptySubsequences: false)
        for (place, part) in parts.enumerated() {
            if place == parts.count - 1, part.contains(.dot) {
                guard let pair = embedded(part) else { return nil }
                groups += pair
            } else {
                guard (1...4).contains(part.count), let group = UInt16(part.text, radix: 16), part.first != .plus else {
                    return nil
                }
                groups.append(group)
            }
        }
        return groups
    }

    /// An IPv4 address in the last two groups.
    private static func embedded(_ text: ArraySlice<UInt8>) -> [UInt16]? {
        let parts = text.split(separator: .dot, omittingEmptySubsequences: false)
        let numbers = parts.compactMap { $0.allSatisfy(\.isDigit) ? UInt8($0.text).map(UInt16.init) : nil }
        guard parts.count == 4, numbers.count == 4 else { return nil }
        return [numbers[0] << 8 | numbers[1], numbers[2] << 8 | numbers[3]]
    }
}
