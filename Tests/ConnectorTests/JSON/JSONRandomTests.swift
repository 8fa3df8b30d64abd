import Connector
import Foundation
import Testing
import TestSupport

/// Seeded random texts: the reader may refuse, never trap; what it takes it writes back equal; it agrees with Foundation.
@Suite struct JSONRandomTests {
    private static let alphabet =
        Array(#"{}[]",:\u0eE+-.1dD8tfn "#.utf8) + [0x00, 0x1F, 0x7F, 0x80, 0xC3, 0xE2, 0xED, 0xF0, 0xFF]

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `damaged texts are refused or survive a round trip`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<4000 {
            let whole = value(depth: 0, &random).encoded
            let text = random.mutated(whole, alphabet: Self.alphabet)
            guard let accepted = try? JSONValue(parsing: text) else { continue }
            #expect(try JSONValue(parsing: accepted.encoded) == accepted)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `whole texts are read as they were written`(seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        for _ in 0..<2000 {
            let whole = value(depth: 0, &random)
            #expect(try JSONValue(parsing: whole.encoded) == whole)
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `Foundation accepts and refuses the same texts`(seed: UInt64) {
        var random = SeededRandom(seed: 1000 + seed)
        for _ in 0..<4000 {
            let text = random.mutated(value(depth: 0, &random).encoded, alphabet: Self.alphabet)
            guard isComparable(text) else { continue }
            let ours = (try? JSONText(text)) != nil
            let theirs = (try? JSONSerialization.jsonObject(with: Data(text), options: .fragmentsAllowed)) != nil
            #expect(ours == theirs, "\(String(decoding: text, as: UTF8.self)) \(text)")
        }
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `random bytes never trap`(seed: UInt64) {
        var random = SeededRandom(seed: 2000 + seed)
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0..<40, using: &random)).map { _ in Self.alphabet.randomElement(using: &random) ?? 0 }
            guard let accepted = try? JSONText(text) else { continue }
            _ = JSONValue(accepted.root)
        }
    }

    /// Foundation guesses UTF-16 and UTF-32 from zero bytes and takes a byte order mark; refuses half surrogates and numbers beyond
    /// a double: all outside RFC 8259's demands.
    private func isComparable(_ text: [UInt8]) -> Bool {
        guard !text.contains(0), !text.starts(with: [0xEF]), !text.starts(with: [0xFF]), !text.starts(with: [0xFE]) else {
            return false
        }
        let string = String(decoding: text, as: UTF8.self).lowercased()
        return !string.contains("\\ud") && !string.contains("e")
    }

    private func value(depth: Int, _ random: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0..<(depth < 4 ? 8 : 6), using: &random) {
        case 0: return .null
        case 1: return .bool(.random(using: &random))
        case 2: return .number(String(Int.random(in: -1000...1_000_000, using: &random)))
        case 3:
            return .number(
                ["0.5", "-1e3", "1E+2", "0", "-0", "123456789012345678901234567890"].randomElement(using: &random) ?? "1")
        case 4, 5: return .string(text(&random))
        case 6: return .array((0..<Int.random(in: 0..<5, using: &random)).map { _ in value(depth: depth + 1, &random) })
        default:
            return .object(
                (0..<Int.random(in: 0..<5, using: &random)).map { _ in .init(text(&random), value(depth: depth + 1, &random)) })
        }
    }

    private func text(_ random: inout SeededRandom) -> String {
        let letters = Array("abc \"\\/\n\u{1}яЖ€😀\u{7f}0")
        return String((0..<Int.random(in: 0..<20, using: &random)).map { _ in letters.randomElement(using: &random) ?? "a" })
    }
}
