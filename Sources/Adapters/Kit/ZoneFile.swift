/// Reads a compiled zone (TZif, RFC 8536): the 64-bit block and the rule behind it. All access is bounds-checked; nil is a damaged file.
struct ZoneFile {
    private let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The counts of one block's header (RFC 8536 §3.1).
    private struct Counts {
        let isUT: Int, isStandard: Int, leap: Int, transitions: Int, types: Int, letters: Int

        func blockLength(timeSize: Int) -> Int {
            transitions * (timeSize + 1) + types * 6 + letters + leap * (timeSize + 4) + isStandard + isUT
        }
    }

    func read(name: String) -> LocalZone? {
        guard let old = counts(at: 0), bytes[4] >= UInt8(ascii: "2") else { return nil }
        let second = 44 + old.blockLength(timeSize: 4)
        guard let counts = counts(at: second) else { return nil }
        let start = second + 44
        guard counts.types > 0, let offsets = offsets(counts, at: start) else { return nil }
        let footer = start + counts.blockLength(timeSize: 8)
        guard footer < bytes.count, bytes[footer] == UInt8(ascii: "\n") else { return nil }
        let ruleText = bytes[(footer + 1)...].prefix { $0 != UInt8(ascii: "\n") }
        let rule = ruleText.isEmpty ? nil : ZoneRule(ruleText)
        guard rule != nil || ruleText.isEmpty else { return nil }
        return LocalZone(name: name, transitions: offsets.transitions, offsets: offsets.values, rule: rule)
    }

    private func counts(at start: Int) -> Counts? {
        guard start + 44 <= bytes.count, bytes[start..<start + 4].elementsEqual("TZif".utf8) else { return nil }
        func count(_ place: Int) -> Int { Int(big(at: start + 20 + 4 * place, 4)) }
        let all = (0..<6).map(count)
        guard all.allSatisfy({ (0...bytes.count).contains($0) }) else { return nil }
        return Counts(isUT: all[0], isStandard: all[1], leap: all[2], transitions: all[3], types: all[4], letters: all[5])
    }

    private func offsets(_ counts: Counts, at start: Int) -> (transitions: [Int64], values: [Int64])? {
        let kinds = start + counts.transitions * 8
        let types = kinds + counts.transitions
        guard types + counts.types * 6 <= bytes.count else { return nil }
        let transitions = (0..<counts.transitions).map { big(at: start + 8 * $0, 8) }
        var values = [big(at: types, 4)]
        for place in 0..<counts.transitions {
            let type = Int(bytes[kinds + place])
            guard type < counts.types else { return nil }
            values.append(big(at: types + 6 * type, 4))
        }
        guard values.allSatisfy({ abs($0) <= 26 * 3600 }), zip(transitions, transitions.dropFirst()).allSatisfy(<) else {
            return nil
        }
        return (transitions, values)
    }

    /// A signed big-endian number of four or eight bytes.
    private func big(at place: Int, _ size: Int) -> Int64 {
        let value = bytes[place..<place + size].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return size == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }
}
