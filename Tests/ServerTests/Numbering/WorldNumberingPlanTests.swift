import Connector
import Numbering
import TestSupport
import Testing

@Suite struct WorldNumberingPlanTests {
    private let plan = WorldNumberingPlan(cachedNumbers: 64)

    @Test(arguments: [
        ("79001234567", "RU", "+79001234567"), ("8 (495) 000-00-01", "RU", "+74950000001"),
        ("+7 495 000-00-01", "US", "+74950000001"),
        ("84950000001", "RU", "+74950000001"), ("4950000001", "RU", "+74950000001"), ("tel:+74950000001", "RU", "+74950000001"),
        ("79001234567", "US", "+79001234567"), ("79001234567", "ru", "+79001234567"), (" 88000000001 ", "RU", "+78000000001"),
        ("+44 20 7946 0018", "RU", "+442079460018"), ("442079460018", "RU", "+442079460018"),
        ("020 7946 0018", "GB", "+442079460018"),
        ("8\u{a0}495\u{a0}000\u{2011}00\u{2011}01", "RU", "+74950000001"), ("12025550143", "RU", "+12025550143"),
        ("(202) 555-0143", "US", "+12025550143"), ("810442079460018", "RU", "+442079460018"),
    ])
    func `numbers become international, however they are written`(raw: String, country: String, e164: String) {
        let number = plan.number(raw, defaultCountry: country)
        #expect(number.e164 == e164)
        #expect(number.raw == raw)
    }

    @Test func `a number tells its country, kind and national form`() {
        let office = plan.number("74950000001", defaultCountry: "RU")
        #expect(office.country == "RU" && office.plan == "national:RU")
        #expect(plan.number("79001234567", defaultCountry: "RU").kind == .mobile)
        #expect(plan.number("88000000001", defaultCountry: "RU").kind == .tollFree)
        let london = plan.number("442079460018", defaultCountry: "RU")
        #expect(london.kind == .geographic && london.country == "GB" && london.valid && london.plan == "international")
        #expect(london.national == "020 7946 0018")
    }

    @Test(arguments: [
        ("", PhoneNumber.Kind.anonymous), ("  ", .anonymous), ("Anonymous", .anonymous), ("hidden", .anonymous),
        ("PRIVATE", .anonymous),
        ("unavailable", .anonymous), ("sip:ivanov@demo.example", .sipURI), ("SIPS:a@b", .sipURI), ("101", .extension),
        ("10", .extension),
        ("499499", .extension), ("112", .shortCode), ("*8", .shortCode), ("#31#", .shortCode), ("ivanov", .unknown),
        ("1", .unknown),
        ("12ab34567890", .unknown), ("+", .unknown), ("()", .unknown), ("1234567890123456789012345", .unknown), ("🙂", .unknown),
        ("79001234567\0", .unknown),
    ])
    func `what is no public number says what it is`(raw: String, kind: PhoneNumber.Kind) {
        let number = plan.number(raw, defaultCountry: "RU")
        #expect(number.kind == kind)
        #expect(number.e164 == nil && !number.valid)
        #expect(number.extension == (kind == .extension ? raw : nil))
    }

    @Test func `a number read again comes from the cache`() {
        let first = plan.number("79001234567", defaultCountry: "RU")
        #expect(plan.number("79001234567", defaultCountry: "RU") == first)
        #expect(plan.number("79001234567", defaultCountry: "US").e164 == first.e164)
        #expect(plan.cacheCounts.hits == 1 && plan.cacheCounts.misses == 2)
    }

    @Test func `the cache is bounded, and keeps what is asked for`() {
        let plan = WorldNumberingPlan(cachedNumbers: 8)
        for last in 0..<100 {
            _ = plan.number("+447700900\(last + 100)", defaultCountry: "RU")
            _ = plan.number("79001234567", defaultCountry: "RU")
            #expect(plan.cacheCounts.stored <= 16)
        }
        #expect(plan.cacheCounts.hits == 99)
    }

    @Test func `an unknown country is no obstacle to an international number`() {
        #expect(plan.number("+74950000001", defaultCountry: "").e164 == "+74950000001")
        #expect(
            plan.number("74950000001", defaultCountry: "ZZ").e164 == nil || plan.number("74950000001", defaultCountry: "ZZ").valid
        )
    }

    @Test func `random text never traps, and e164 is plus and digits`() {
        var random = SeededRandom(seed: 11)
        let alphabet = Array("0123456789+-() .;=extTEL:/\u{a0}*#я\0,")
        for _ in 0..<2000 {
            let raw = String((0..<Int.random(in: 0..<24, using: &random)).map { _ in alphabet.randomElement(using: &random)! })
            guard let e164 = plan.number(raw, defaultCountry: "RU").e164 else { continue }
            #expect(e164.hasPrefix("+") && e164.dropFirst().allSatisfy { ("0"..."9").contains($0) })
        }
    }

    @Test func `threads share one plan`() async {
        await withTaskGroup(of: Void.self) { group in
            for start in 0..<8 {
                group.addTask {
                    for last in 0..<50 {
                        let raw = "+749500000\((start + last) % 50 + 10)"
                        #expect(self.plan.number(raw, defaultCountry: "RU").e164 == raw)
                    }
                }
            }
        }
    }
}
