import Connector
import Testing

@testable import BeelineAdapter

@Suite struct BeelineBookTests {
    private static let address = "https://gate.example.test/hooks/b/s3cr3t-made-up"
    private static let masha = BeelineEmployee(pattern: "9000000021@ip.beeline.ru", name: "9000000021")
    private static let petya = BeelineEmployee(pattern: "9000000022@ip.beeline.ru", name: "9000000022")
    private static let silence = ProviderFailure(.unavailable, code: "timeout", text: "no answer")
    private static let refusal = ProviderFailure(.rejected, code: "404", text: "the provider answered 404")

    private static func at(_ second: Int) -> Instant { Instant(unixSeconds: 1_795_000_000 + Int64(second)) }
    private static func grant(_ id: String, _ seconds: Int = 86_400) -> BeelineGrant {
        BeelineGrant(id: id, duration: .seconds(seconds))
    }

    private static func book(_ plan: BeelinePlan = .employees, notes: BeelineNotes? = nil, at second: Int = 0) -> BeelineBook {
        BeelineBook(plan, address: address, notes: notes, at: at(second))
    }

    /// Both employees' subscriptions are granted at second 0, as `m` and `p`.
    private static func held() -> BeelineBook {
        var book = book()
        #expect(book.step(at: at(0)) == .list)
        book.listed([masha, petya], at: at(0))
        for (employee, id) in [(masha, "m"), (petya, "p")] {
            #expect(book.step(at: at(0)) == .subscribe(BeelineSubject(employee)))
            book.granted(grant(id), to: BeelineSubject(employee), at: at(0))
        }
        #expect(book.upkeep(at: at(0)).condition == .good)
        return book
    }

    private static func signal(_ name: String, _ id: String?, path: String = "") -> AdapterSignal {
        AdapterSignal(
            connection: ConnectionID("b"), name: name, fields: id.map { [CustomField("subscriptionId", $0)] } ?? [], path: path)
    }

    // MARK: Beginning

    @Test func `each employee is subscribed to once, at an address that names him`() {
        var book = Self.held()
        #expect(book.address(for: BeelineSubject(Self.masha)) == Self.address + "/employee/9000000021")
        #expect(book.step(at: Self.at(1)) == .wait(until: Self.at(3600)), "the employees are asked for again")
        let upkeep = book.upkeep(at: Self.at(1))
        #expect(upkeep.summary == "2 of 2 subscriptions are held")
        #expect(upkeep.items.map(\.name) == ["9000000021", "9000000022"])
        #expect(upkeep.items.allSatisfy { $0.isKept && $0.until == Self.at(86_400) })
    }

    @Test func `for the whole company there is one, and nobody is asked who works there`() {
        var book = Self.book(.company)
        #expect(book.step(at: Self.at(0)) == .subscribe(.company))
        #expect(book.address(for: .company) == Self.address + "/company")
        book.granted(Self.grant("c", 3600), to: .company, at: Self.at(0))
        #expect(book.step(at: Self.at(1)) == .wait(until: Self.at(3000)))
        #expect(book.step(at: Self.at(3000)) == .subscribe(.company))
    }

    @Test func `who is new is subscribed to, who is gone is unsubscribed`() {
        var book = Self.held()
        #expect(book.step(at: Self.at(3600)) == .list)
        let olya = BeelineEmployee(pattern: "103", name: "103")
        book.listed([Self.petya, olya], at: Self.at(3600))
        #expect(book.step(at: Self.at(3600)) == .subscribe(BeelineSubject(olya)))
        book.granted(Self.grant("o"), to: BeelineSubject(olya), at: Self.at(3600))
        #expect(book.step(at: Self.at(3600)) == .end(id: "m"))
        book.ended("m", nil, at: Self.at(3600))
        #expect(book.step(at: Self.at(3600)) == .wait(until: Self.at(7200)))
        #expect(book.notes.subscriptions.map(\.id) == ["p", "o"])
    }

    @Test func `an empty address book ends nothing`() {
        var book = Self.held()
        #expect(book.step(at: Self.at(3600)) == .list)
        book.listed([], at: Self.at(3600))
        #expect(book.upkeep(at: Self.at(3600)).condition == .impaired)
        #expect(book.upkeep(at: Self.at(3600)).kept == 2)
        #expect(book.step(at: Self.at(3600)) == .wait(until: Self.at(7200)))
    }

    @Test func `where the employees cannot be listed the remedy is told`() {
        var book = Self.book()
        #expect(book.step(at: Self.at(0)) == .list)
        book.listFailed(Self.refusal, at: Self.at(0))
        let upkeep = book.upkeep(at: Self.at(0))
        #expect(upkeep.condition == .failing)
        #expect(upkeep.remedy == "`subscribe: company` needs no list of employees")
        #expect(book.step(at: Self.at(0)) == .wait(until: Self.at(300)))
        #expect(book.step(at: Self.at(300)) == .list)
    }

    // MARK: Trouble

    @Test func `one that is refused hinders no other`() {
        var book = Self.book()
        #expect(book.step(at: Self.at(0)) == .list)
        book.listed([Self.masha, Self.petya], at: Self.at(0))
        #expect(book.step(at: Self.at(0)) == .subscribe(BeelineSubject(Self.masha)))
        book.failed(Self.refusal, of: BeelineSubject(Self.masha), at: Self.at(0))
        #expect(book.step(at: Self.at(0)) == .subscribe(BeelineSubject(Self.petya)))
        book.granted(Self.grant("p"), to: BeelineSubject(Self.petya), at: Self.at(0))
        let upkeep = book.upkeep(at: Self.at(0))
        #expect(upkeep.condition == .impaired)
        #expect(upkeep.summary == "1 of 2 subscriptions are held; the provider answered 404 (404)")
        #expect(upkeep.items.first == .init(name: "9000000021", isKept: false, problem: "the provider answered 404 (404)"))
        #expect(book.step(at: Self.at(1)) == .wait(until: Self.at(5)))
        #expect(book.step(at: Self.at(5)) == .subscribe(BeelineSubject(Self.masha)))
    }

    @Test func `where nobody answers all of them rest, longer each time`() {
        var book = Self.book()
        #expect(book.step(at: Self.at(0)) == .list)
        book.listed([Self.masha, Self.petya], at: Self.at(0))
        var now = 0
        var rests: [Int] = []
        for _ in 0..<8 {
            guard case .subscribe(let subject) = book.step(at: Self.at(now)) else { break }
            book.failed(Self.silence, of: subject, at: Self.at(now))
            guard case .wait(let until) = book.step(at: Self.at(now)) else { break }
            let next = Int(until.milliseconds(since: Self.at(0)) / 1000)
            rests.append(next - now)
            now = next
        }
        #expect(rests == [5, 10, 20, 40, 80, 160, 300, 300])
        #expect(book.upkeep(at: Self.at(now)).condition == .failing)
    }

    @Test func `a wrong token is not tried again for five minutes, and named`() {
        var book = Self.book(.company)
        #expect(book.step(at: Self.at(0)) == .subscribe(.company))
        book.failed(ProviderFailure(.unauthorized, code: "401", text: "no"), of: .company, at: Self.at(0))
        #expect(book.step(at: Self.at(299)) == .wait(until: Self.at(300)))
        #expect(book.upkeep(at: Self.at(0)).remedy == "check `token`: Beeline's cabinet, section API")
    }

    // MARK: News

    @Test func `what Beeline ends is begun anew at once, by name or by address`() {
        for signal in [
            Self.signal("subscription_terminated", "m"),
            Self.signal("subscription_terminated", nil, path: "/employee/9000000021"),
        ] {
            var book = Self.held()
            book.hear(signal, at: Self.at(100))
            #expect(book.upkeep(at: Self.at(100)).kept == 1)
            #expect(book.step(at: Self.at(100)) == .subscribe(BeelineSubject(Self.masha)))
        }
    }

    @Test func `the end of a subscription that is not ours, or no longer, changes nothing`() {
        var book = Self.held()
        book.hear(Self.signal("subscription_terminated", "stranger", path: "/employee/9000000021"), at: Self.at(100))
        #expect(book.upkeep(at: Self.at(100)).kept == 2)
    }

    @Test func `a subscription whose grant was not heard is looked at, and taken over`() {
        var book = Self.book(.company)
        #expect(book.step(at: Self.at(0)) == .subscribe(.company))
        book.failed(ProviderFailure(.unknown, code: "timeout", text: "no answer"), of: .company, at: Self.at(0))
        book.hear(Self.signal("subscription_started", "c", path: "/company"), at: Self.at(1))
        #expect(book.step(at: Self.at(1)) == .wait(until: Self.at(5)))
        #expect(book.step(at: Self.at(5)) == .check(id: "c"))
        let standing = BeelineStanding(address: Self.address + "/company", duration: .seconds(3600))
        book.checked("c", .success(standing), at: Self.at(5))
        #expect(book.upkeep(at: Self.at(5)).kept == 1)
        #expect(book.step(at: Self.at(5)) == .wait(until: Self.at(3001)))
    }

    @Test func `of two subscriptions for one employee the second is ended`() {
        var book = Self.held()
        book.hear(Self.signal("subscription_started", "x", path: "/employee/9000000021"), at: Self.at(1))
        #expect(book.step(at: Self.at(1)) == .end(id: "x"))
    }

    @Test func `one that somebody else began is ended when all of ours are held, once`() {
        var book = Self.book()
        #expect(book.step(at: Self.at(0)) == .list)
        book.listed([Self.masha], at: Self.at(0))
        book.hear(Self.signal("subscription_foreign", "by-hand"), at: Self.at(0))
        #expect(book.step(at: Self.at(0)) == .subscribe(BeelineSubject(Self.masha)))
        book.failed(Self.refusal, of: BeelineSubject(Self.masha), at: Self.at(0))
        #expect(book.step(at: Self.at(0)) == .wait(until: Self.at(5)), "its events are all there is")
        #expect(book.step(at: Self.at(5)) == .subscribe(BeelineSubject(Self.masha)))
        book.granted(Self.grant("m"), to: BeelineSubject(Self.masha), at: Self.at(5))
        #expect(book.step(at: Self.at(5)) == .end(id: "by-hand"))
        book.ended("by-hand", Self.refusal, at: Self.at(5))
        book.hear(Self.signal("subscription_foreign", "by-hand"), at: Self.at(6))
        #expect(book.step(at: Self.at(6)) == .wait(until: Self.at(3600)))
    }

    @Test func `one that somebody else begins now is ended too`() {
        var book = Self.held()
        book.hear(Self.signal("subscription_started", "by-hand"), at: Self.at(1))
        #expect(book.step(at: Self.at(1)) == .end(id: "by-hand"))
    }

    @Test func `one that cannot be ended is left to run out`() {
        var book = Self.held()
        book.hear(Self.signal("subscription_foreign", "x"), at: Self.at(0))
        var now = 0
        for _ in 0..<5 {
            #expect(book.step(at: Self.at(now)) == .end(id: "x"))
            book.ended("x", Self.silence, at: Self.at(now))
            now += 400
        }
        #expect(book.step(at: Self.at(now)) == .wait(until: Self.at(3600)))
    }

    @Test func `a renewal under a new name takes the place of the old one`() {
        var book = Self.book(.company)
        #expect(book.step(at: Self.at(0)) == .subscribe(.company))
        book.granted(Self.grant("a", 3600), to: .company, at: Self.at(0))
        #expect(book.step(at: Self.at(3000)) == .subscribe(.company))
        book.granted(Self.grant("b", 3600), to: .company, at: Self.at(3000))
        #expect(book.step(at: Self.at(3000)) == .end(id: "a"))
        #expect(book.notes.subscriptions.map(\.id) == ["b"])
    }

    // MARK: Restart

    @Test func `after a restart what was held is looked at, and not begun anew`() throws {
        let notes = try #require(BeelineNotes(Self.held().notes.encoded))
        #expect(notes == Self.held().notes)
        var book = Self.book(notes: notes, at: 1000)
        #expect(book.step(at: Self.at(1000)) == .list)
        book.listed([Self.masha, Self.petya], at: Self.at(1000))
        for (id, name) in [("m", "9000000021"), ("p", "9000000022")] {
            #expect(book.step(at: Self.at(1000)) == .check(id: id))
            let standing = BeelineStanding(address: Self.address + "/employee/" + name, duration: .seconds(500))
            book.checked(id, .success(standing), at: Self.at(1000))
        }
        #expect(book.upkeep(at: Self.at(1000)).condition == .good)
        #expect(book.upkeep(at: Self.at(1000)).items[0].until == Self.at(86_400), "as it was granted")
        #expect(book.notes == notes)
    }

    @Test func `what is gone meanwhile is begun anew, what leads elsewhere too`() throws {
        var book = Self.book(notes: Self.held().notes, at: 1000)
        #expect(book.step(at: Self.at(1000)) == .list)
        book.listed([Self.masha, Self.petya], at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .check(id: "m"))
        book.checked("m", .failure(Self.refusal), at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .check(id: "p"))
        book.checked("p", .success(BeelineStanding(address: "https://elsewhere.example.test/", duration: nil)), at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .subscribe(BeelineSubject(Self.masha)))
        book.granted(Self.grant("m2"), to: BeelineSubject(Self.masha), at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .subscribe(BeelineSubject(Self.petya)))
        book.granted(Self.grant("p2"), to: BeelineSubject(Self.petya), at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .end(id: "p"))
    }

    @Test func `with another address, or another plan, new ones come first and the old ones end`() {
        let notes = Self.held().notes
        var moved = BeelineBook(.employees, address: "https://new.example.test/hooks/b/t", notes: notes, at: Self.at(10))
        #expect(moved.step(at: Self.at(10)) == .list)
        moved.listed([Self.masha], at: Self.at(10))
        #expect(moved.step(at: Self.at(10)) == .subscribe(BeelineSubject(Self.masha)))
        moved.granted(Self.grant("n"), to: BeelineSubject(Self.masha), at: Self.at(10))
        #expect(moved.step(at: Self.at(10)) == .end(id: "m"))
        var company = Self.book(.company, notes: notes, at: 10)
        #expect(company.step(at: Self.at(10)) == .subscribe(.company))
        company.granted(Self.grant("c"), to: .company, at: Self.at(10))
        #expect(company.step(at: Self.at(10)) == .end(id: "m"))
    }

    @Test func `while nobody answers after a restart, what was held stays noted`() {
        let notes = Self.held().notes
        var book = Self.book(notes: notes, at: 1000)
        #expect(book.step(at: Self.at(1000)) == .list)
        book.listed([Self.masha, Self.petya], at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .check(id: "m"))
        book.checked("m", .failure(Self.silence), at: Self.at(1000))
        #expect(book.step(at: Self.at(1000)) == .wait(until: Self.at(1005)))
        #expect(book.notes == notes)
        #expect(book.step(at: Self.at(1005)) == .check(id: "m"))
    }

    @Test func `notes that are none, or odd, are done without`() {
        #expect(BeelineNotes(Array("not json".utf8)) == nil)
        #expect(BeelineNotes([]) == nil)
        let odd = #"{"address":"a","subscriptions":[{"id":"x"},{"id":"y","since":5,"end":4,"entrance":""},7]}"#
        #expect(BeelineNotes(Array(odd.utf8))?.subscriptions.isEmpty == true)
    }

    // MARK: Names

    @Test(arguments: [
        ("/company", BeelineEntrance.company), ("/employee/101", .employee("101")),
        ("/employee/SIP00-1.x", .employee("SIP00-1.x")),
        ("", .bare), ("/", .bare), ("/employee/", .bare), ("/employee/..", .bare), ("/employee/a/b", .bare),
        ("/employee/a%20b", .bare),
    ])
    func `an address says whose events come in there`(path: String, entrance: BeelineEntrance) {
        #expect(BeelineEntrance(path: path) == entrance)
        if entrance != .bare { #expect(entrance.path == path) }
    }

    @Test(arguments: [
        (
            #"{"userId":"9000000021@ip.beeline.ru","phone":"9000000021","extension":"101"}"#, "9000000021@ip.beeline.ru",
            "9000000021"
        ),
        (#"{"userId":"SIP0012345@ip.beeline.ru","phone":"+79000000022"}"#, "SIP0012345@ip.beeline.ru", "9000000022"),
        (#"{"userId":"SIP0012345@ip.beeline.ru"}"#, "SIP0012345@ip.beeline.ru", "SIP0012345"),
        (#"{"extension":103}"#, "103", "103"), (#"{"phone":"a b"}"#, "a b", nil),
    ])
    func `an employee goes by his number, and is asked for by his identifier`(row: String, pattern: String, name: String?) throws
    {
        let employee = try #require(BeelineEmployee(try JSONText(Array(row.utf8)).root))
        #expect(employee == BeelineEmployee(pattern: pattern, name: name))
    }

    @Test func `a row that names nobody is no employee`() throws {
        #expect(BeelineEmployee(try JSONText(Array(#"{"firstName":"x","phone":""}"#.utf8)).root) == nil)
    }
}
