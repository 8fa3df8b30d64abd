import Connector
import PBXPlan
import Testing

@Suite struct MoneyTests {
    static let amounts: [(String, Int64?)] = [
        ("0", 0), ("12", 120_000), ("1.5", 15_000), ("0.0125", 125), ("1.50", 15_000), ("", nil), (".5", nil), ("1.", nil),
        ("-1", nil),
        ("1,5", nil), ("1.00001", nil), ("1e3", nil), ("9999999999", nil), ("999999999", 9_999_999_990_000),
    ]

    @Test(arguments: amounts) func `amounts are read exactly`(_ text: String, _ value: Int64?) {
        #expect(Money(text)?.tenThousandths == value)
    }

    @Test(arguments: ["0.00", "12.00", "1.50", "0.0125", "3.125"]) func `they are written with two digits at least`(
        _ text: String
    ) {
        #expect(Money(text)?.description == text)
    }

    static let talks: [(seconds: Int, minute: String, second: String)] = [
        (0, "0.00", "0.00"), (1, "1.20", "0.02"), (60, "1.20", "1.20"), (61, "2.40", "1.22"), (3600, "72.00", "72.00"),
    ]

    @Test(arguments: talks) func `a begun minute or second is paid in full`(
        _ talk: (seconds: Int, minute: String, second: String)
    ) throws {
        let price = try #require(Money("1.20"))
        #expect(CallPrice(minute: price).cost(of: .seconds(talk.seconds)).description == talk.minute)
        #expect(CallPrice(minute: price, unit: .second).cost(of: .seconds(talk.seconds)).description == talk.second)
    }

    @Test func `odd times and prices cost something sensible`() {
        let price = CallPrice(minute: Money(tenThousandths: 1), unit: .second)
        #expect(price.cost(of: .milliseconds(1)).tenThousandths == 1)
        #expect(price.cost(of: .seconds(-5)) == .zero)
        #expect(CallPrice(minute: .most).cost(of: .seconds(10_000_000)) == .most)
        #expect(Money.most + Money.most == .most)
    }
}

@Suite struct DestinationTests {
    /// Words in the order of how much they say of a number.
    static let orders: [(number: String, words: [String])] = [
        ("+79000000001", ["any", "+7", "RU", "+79", "RU mobile", "+790", "+7900"]),
        ("+74950000001", ["any", "+7", "RU", "+74", "RU geographic", "+749", "+7495"]),
        ("+375291234567", ["any", "+375", "BY", "+3752", "BY mobile", "+37529"]),
        ("+12025550123", ["any", "+1", "US", "+120"]),
        ("+905011234567", ["any", "+9", "TR mobile", "+905"]),
    ]

    @Test(arguments: orders) func `the word that says more of the number goes before`(_ row: (number: String, words: [String]))
        throws
    {
        let number = PlanBench.number(row.number)
        let ranks = try row.words.map { word in try #require(Destination(word)?.specificity(for: number), "\(word)") }
        #expect(zip(ranks, ranks.dropFirst()).allSatisfy(<), "\(ranks)")
        let destinations = try row.words.shuffled().map { try #require(Destination($0)) }
        #expect(Destination.best(destinations, for: number)?.destination.description == row.words.last)
    }

    @Test func `a word says nothing of a number that leads elsewhere`() {
        let number = PlanBench.number("+79000000001")
        for word in ["BY", "RU geographic", "+7901", "0611"] {
            #expect(Destination(word)?.specificity(for: number) == nil, "\(word)")
        }
        #expect(Destination("any")?.specificity(for: PlanBench.number("0611")) == nil)
        #expect(Destination("RU")?.specificity(for: PlanBench.number("0611")) == nil)
        #expect(Destination("0611")?.specificity(for: PlanBench.number("0611")) != nil)
    }

    static let rights: [(allowed: [String]?, denied: [String], number: String, isAllowed: Bool)] = [
        (nil, [], "+79000000001", true), (nil, [], "+375291234567", false), (["any"], [], "+375291234567", true),
        ([], [], "+79000000001", false), (["any"], ["+375"], "+375291234567", false),
        (["RU"], ["RU mobile"], "+79000000001", false),
        (["+7900"], ["RU mobile"], "+79000000001", true), (["RU"], ["RU"], "+79000000001", false),
        (nil, ["+7"], "+79000000001", true),
        (["any"], [], "101", false), (nil, [], "101", false),
    ]

    @Test(arguments: rights) func `rights go by the narrowest word, and of equals by the forbidding one`(
        _ row: (allowed: [String]?, denied: [String], number: String, isAllowed: Bool)
    ) throws {
        let rights = DialRights(
            allowed: try row.allowed?.map { try #require(Destination($0)) },
            denied: try row.denied.map { try #require(Destination($0)) })
        #expect(rights.permit(PlanBench.number(row.number), home: "RU").isAllowed == row.isAllowed)
    }
}
