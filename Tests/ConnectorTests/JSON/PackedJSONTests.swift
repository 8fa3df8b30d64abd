import Connector
import Testing
import TestSupport

@Suite struct PackedJSONTests {
    /// What a text may hold: words, repeats, things to escape, nothing.
    private static let texts = [
        "", "a", "inbound", "webhook", "+79000001234", "ключ", "say \"hi\"\n", "\u{1}\u{7F}", "c2lwOjEwMQ==",
        String(repeating: "x", count: 300),
        String(repeating: "я\\", count: 90),
    ]
    private static let names = ["id", "state", "kind", "not_a_word", "имя", "say \"hi\"", String(repeating: "n", count: 200)]
    private static let numbers = [
        PhoneNumber(
            raw: "+79000001234", e164: "+79000001234", national: "8 (900) 000-12-34", country: "RU", kind: .mobile, valid: true),
        PhoneNumber(raw: "101", kind: .extension, extension: "101"), PhoneNumber(raw: ""),
    ]

    /// Writes the same values in both forms.
    private struct Both: ~Copyable {
        var text = JSONWriter()
        var packed = PackedJSONWriter()
        var random: SeededRandom

        init(seed: UInt64) { random = SeededRandom(seed: seed) }

        private mutating func pick<Element>(_ elements: [Element]) -> Element {
            elements[Int.random(in: 0..<elements.count, using: &random)]
        }

        mutating func writeObject(depth: Int) {
            text.beginObject()
            packed.beginObject()
            for _ in 0..<Int.random(in: 0...8, using: &random) {
                let name = pick(PackedJSONTests.names)
                text.name(dynamic: name)
                packed.name(dynamic: name)
                writeValue(depth: depth)
            }
            text.endObject()
            packed.endObject()
        }

        private mutating func writeArray(depth: Int) {
            text.beginArray()
            packed.beginArray()
            for _ in 0..<Int.random(in: 0...5, using: &random) { writeValue(depth: depth) }
            text.endArray()
            packed.endArray()
        }

        private mutating func writeValue(depth: Int) {
            switch Int.random(in: 0..<10, using: &random) {
            case 0 where depth > 0: writeObject(depth: depth - 1)
            case 1 where depth > 0: writeArray(depth: depth - 1)
            case 2:
                text.null()
                packed.null()
            case 3:
                let flag = Bool.random(using: &random)
                text.value(flag)
                packed.value(flag)
            case 4:
                let number = pick([0, 1, -1, 9, 10, 99_999, .max, .min, Int64.random(in: -5000...5000, using: &random)])
                text.value(number)
                packed.value(number)
            case 5:
                let moment = Instant(
                    milliseconds: pick([0, -1, 1_772_442_000_123, Instant.earliest.milliseconds, 253_402_300_799_999]))
                text.value(moment)
                packed.value(moment)
            case 6:
                let id = CallID(bits: UInt128(Int.random(in: 0...3, using: &random)) << 64 | 7)
                text.value(id)
                packed.value(id)
            case 7:
                let id = RawID(bits: UInt128(Int.random(in: 0...3, using: &random)) << 64 | 7)
                text.value(id)
                packed.value(id)
            case 8:
                let number = pick(PackedJSONTests.numbers)
                text.beginObject()
                number.writeText(to: &text)
                text.endObject()
                packed.beginObject()
                packed.members(of: number)
                packed.endObject()
            default:
                let one = pick(PackedJSONTests.texts)
                text.value(one)
                packed.value(one)
            }
        }
    }

    @Test func expandsToWhatTheTextWriterWrites() throws {
        for seed in 0..<3000 {
            var both = Both(seed: UInt64(seed))
            both.writeObject(depth: 4)
            let expanded = String(decoding: try PackedJSON.expand(both.packed.packed), as: UTF8.self)
            #expect(expanded == String(decoding: both.text.bytes, as: UTF8.self), "seed \(seed)")
        }
    }

    @Test func equalContentHasEqualBytesWhateverStandsBeforeIt() {
        func content(after text: String) -> [UInt8] {
            var json = PackedJSONWriter()
            json.value(text)
            json.forget()
            let start = json.count
            for _ in 0..<2 {
                json.value("+79000001234")
                json.members(of: Self.numbers[0])
            }
            return json.withBytes(from: start) { Array($0) }
        }
        #expect(content(after: "+79000001234") == content(after: "something much longer than a number"))
    }

    @Test func isAThirdOfTheTextForRealRecords() throws {
        var (packed, text) = (0, 0)
        for seed in 0..<50 {
            let record = CallStory(seed: UInt64(seed)).lastRecord
            var json = PackedJSONWriter()
            record.write(to: &json)
            packed += json.count
            text += try record.json().count
        }
        #expect(packed * 3 < text)
    }

    @Test func textFromBeforePackingComesBackAsItIs() throws {
        #expect(try PackedJSON.expand(Array(#"{"id":1}"#.utf8)) == Array(#"{"id":1}"#.utf8))
    }

    @Test(
        arguments: [
            ([], "it is empty"), ([2], "version 2 is not known"), ([1, 0x00], "operation 0"), ([1, 0x0B, 1], "cut short"),
            ([1, 0x08, 5, 0x61], "cut short"), ([1, 0x0E, 9], "before the beginning"), ([1, 0x05, 0x0E, 1], "no text"),
            ([1, 0x0D, 0xFF], "word is not known"), ([1, 0xFF], "name is not known"),
            ([1, 0x0C, 0x63] + Array(repeating: 0, count: 16), "kind 99"),
            ([1, 0x0A, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80], "too many bytes"),
            ([1, 0x05, 0x0F, 1, 9], "does not end before it"),
        ] as [([UInt8], String)])
    func damageIsSaidAndNeverTraps(packed: [UInt8], problem: String) {
        let damage = #expect(throws: PackedJSON.Damage.self) { try PackedJSON.expand(packed) }
        #expect(damage?.description.contains(problem) == true)
    }

    @Test func anyBytesAreTextOrDamage() {
        var random = SeededRandom(seed: 9)
        let expander = PackedJSONExpander()
        var json = PackedJSONWriter()
        CallStory(seed: 1).lastRecord.write(to: &json)
        let good = json.packed
        var (damaged, expanded) = (0, 0)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                bytes[Int.random(in: 1..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            bytes.removeLast(Int.random(in: 0..<bytes.count / 2, using: &random))
            do throws(PackedJSON.Damage) {
                _ = try expander.expand(bytes)
                expanded += 1
            } catch {
                damaged += 1
            }
        }
        #expect(damaged > 0 && expanded > 0)
    }

    /// The numbers are in everybody's journals.
    @Test func wordsKeepTheirNumbers() throws {
        func packed(_ name: StaticString, _ value: String) -> [UInt8] {
            var json = PackedJSONWriter()
            json.field(name, value)
            return json.packed
        }
        #expect(packed("id", "inbound") == [1, 0x20, 0x0D, 0])
        #expect(packed("deleted_at", "reconciled") == [1, 165, 0x0D, 92])
        #expect(packed("menu", "UTC") == [1, 191, 0x0D, 138])
    }
}

extension CallStory {
    /// The record of all its events.
    fileprivate var lastRecord: Call {
        CallFold.record(
            of: CallHistory(events), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
    }
}

extension PhoneNumber {
    fileprivate func writeText(to json: inout JSONWriter) {
        json.field("raw", raw)
        json.field("e164", e164)
        json.field("national", national)
        json.field("country", country)
        json.field("kind", kind)
        json.field("extension", `extension`)
        json.field("valid", valid)
        json.field("plan", plan)
    }
}
