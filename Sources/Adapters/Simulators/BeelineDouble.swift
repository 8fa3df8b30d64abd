import AdapterKit
import Connector

/// Beeline's portal made up: five employees, `9000000101@ip.beeline.ru` to `…105…`, with the short numbers 101 to 105.
///
/// Events go to live subscriptions only, to each its own copies. Beeline names no limit of requests, and documents no errors but their
/// shape: codes are inferred. Under its own path (`/apis/portal`) and without it.
package struct BeelineDouble: VendorDouble {
    package static let adapter = "beeline"

    private let token: String
    private let faults: DoubleFaults
    private let people: SimulatedPeople
    private let seed: UInt64
    private var dice: RefusalDice
    private var subscriptions: BeelineSubscriptions
    /// What is on its way: steps name it by `subject`, and it is written when it is due.
    private var due: [String: News] = [:]
    private var newsCount = 0
    /// The newest thousand, and how many there were before.
    private var calls: [BeelineScript] = []
    private var forgotten = 0
    private var orderCount: UInt64 = 0
    /// `icr`: which of our numbers ask the CRM, and where their calls go.
    private var routed: Set<String> = []
    private var routes: [String: String] = [:]

    /// Something that subscribers are to be told.
    private enum News: Sendable {
        case event(BeelineEvent)
        /// Of the subscription itself.
        case begun(String)
        case terminated(String)
    }

    package init(settings: AdapterSettings, faults: DoubleFaults, seed: UInt64) throws {
        token = try settings.required("token")
        self.faults = faults
        self.seed = seed
        people = SimulatedPeople(seed: seed)
        dice = RefusalDice(faults, seed: seed)
        subscriptions = BeelineSubscriptions(people)
    }

    // MARK: The door

    package mutating func answer(_ request: DoubleRequest) -> DoubleAnswer {
        if let code = dice.refusal() { return dice.marked(Self.refusal(code)) }
        guard request.header("x-mpbx-api-auth-token") == token else { return Self.refusal(401) }
        let path = request.path.hasPrefix(Self.portal) ? String(request.path.dropFirst(Self.portal.count)) : request.path
        let parts = path.split(separator: "/").map { String($0).replacing("%40", with: "@").replacing("%3A", with: ":") }
        let query = DoubleForm(request.query)
        switch parts.first {
        case "subscription" where parts.count == 1: return subscription(query, request)
        case "abonents": return ofEmployee(parts, query, request, namesBoth: false)
        case "numbers" where request.method == "GET": return .json(.array((0...9).map(Self.number)))
        case "icr" where parts.count == 2: return routing(parts[1], request)
        case "statistics" where request.method == "GET": return statistics(query, request, version: 1)
        case "records" where request.method == "GET": return records(query, request)
        case "v2" where parts.dropFirst().first == "abonents":
            return ofEmployee(Array(parts.dropFirst()), query, request, namesBoth: true)
        case "v2" where parts == ["v2", "statistics"] && request.method == "GET":
            return statistics(query, request, version: 2)
        case "v2" where parts.dropFirst().first == "records": return record(Array(parts.dropFirst(2)), request)
        default: return Self.refusal(404)
        }
    }

    private static let portal = "/apis/portal"

    private static func refusal(_ status: Int, _ code: String? = nil) -> DoubleAnswer {
        let usual =
            switch status {
            case 400: "BadRequest"
            case 401: "Unauthorized"
            case 404: "NotFound"
            case 429: "TooManyRequests"
            default: "InternalError"
            }
        return .json(
            ["errorCode": .string(code ?? usual), "description": "made up"], status: status < 600 ? status : 400)
    }

    private static func json(_ request: DoubleRequest) -> JSONValue? {
        do {
            return try JSONValue(parsing: request.body)
        } catch {
            return nil
        }
    }

    // MARK: Subscriptions

    private mutating func subscription(_ query: DoubleForm, _ request: DoubleRequest) -> DoubleAnswer {
        let id = query["subscriptionId"]
        switch request.method {
        case "PUT": return subscribe(request)
        case "GET":
            guard let id else { return .json(.array(subscriptions.all(at: request.receivedAt).map { Self.row($0, request) })) }
            guard let found = subscriptions.subscription(id, at: request.receivedAt) else { return Self.refusal(404) }
            return .json(Self.row(found, request))
        case "DELETE":
            guard let id, subscriptions.end(id, at: request.receivedAt) != nil else { return Self.refusal(404) }
            return DoubleAnswer(200, effects: [.stop(call: "subscription \(id)")])
        default: return Self.refusal(404)
        }
    }

    private static func row(_ it: BeelineSubscriptions.Subscription, _ request: DoubleRequest) -> JSONValue {
        [
            "subscriptionId": .string(it.id), "targetType": .string(it.user == nil ? "GROUP" : "ABONENT"),
            "targetId": .string(it.user ?? "MPBX_G_000001"), "subscriptionType": .string(it.kind),
            "expires": .number("\(it.end.milliseconds(since: request.receivedAt) / 1000)"), "url": .string(it.url),
        ]
    }

    private mutating func subscribe(_ request: DoubleRequest) -> DoubleAnswer {
        guard let json = Self.json(request), let url = json["url"]?.string, let seconds = json["expires"]?.int, seconds > 0,
            url.hasPrefix("http://") || url.hasPrefix("https://"), let kind = json["subscriptionType"]?.string,
            ["BASIC_CALL", "ADVANCED_CALL"].contains(kind)
        else { return Self.refusal(400) }
        let user = json["pattern"]?.string.map(Self.user)
        if case .some(nil) = user { return Self.refusal(404, "AbonentNotFound") }
        let granted = min(Duration.seconds(min(seconds, 604_800)), faults.longestGrant ?? .seconds(604_800))
        let end = request.receivedAt.advanced(by: granted)
        guard let (it, isNew) = subscriptions.begin(user: user ?? nil, kind: kind, url: url, until: end, at: request.receivedAt)
        else {
            return Self.refusal(400, "TooManySubscriptions")
        }
        return .json(
            ["subscriptionId": .string(it.id), "expires": .number("\(granted.components.seconds)")],
            effects: isNew ? course(of: it) : [])
    }

    /// What is told of the subscription itself: that it has begun, and, on demand, that Beeline has ended it.
    private mutating func course(of subscription: BeelineSubscriptions.Subscription) -> [DoubleEffect] {
        var steps = [step(.begun(subscription.id))]
        if let time = faults.endsSubscriptionAfter { steps.append(step(.terminated(subscription.id), after: time)) }
        return [.play(call: "subscription \(subscription.id)", steps: steps)]
    }

    /// Ends every subscription now, as Beeline may, and tells of it.
    package mutating func endSubscriptions(at now: Instant) -> [DoubleEffect] {
        subscriptions.all(at: now).map { .play(call: "subscription \($0.id)", steps: [step(.terminated($0.id))]) }
    }

    // MARK: What is due

    private mutating func step(_ news: News, after delay: Duration = .zero) -> SimulatedStep {
        newsCount += 1
        // Those of a play that was stopped are never due.
        if due.count > 100_000 { due.removeAll() }
        let name = "news \(newsCount)"
        due[name] = news
        var step = SimulatedStep(delay: delay, target: "", headers: [], body: [])
        step.subject = name
        return step
    }

    package mutating func deliveries(of step: SimulatedStep, at now: Instant) -> [SimulatedStep] {
        switch step.subject.flatMap({ due.removeValue(forKey: $0) }) {
        case .event(let event): return subscriptions.copies(of: event, at: now)
        case .begun(let id):
            let data = "<xsi:hookStatus>On-Hook</xsi:hookStatus>"
            return [subscriptions.news("CallSubscriptionEvent", of: id, data: data, at: now)].compactMap(\.self)
        case .terminated(let id):
            defer { _ = subscriptions.end(id, at: now) }
            return [subscriptions.news("SubscriptionTerminatedEvent", of: id, at: now)].compactMap(\.self)
        case nil: return []
        }
    }

    // MARK: Employees and numbers

    /// By identifier, by number or by short number.
    private static func user(_ pattern: String) -> String? {
        SimulatedPeople.extensions.first { short in
            [BeelineScript.user(short), "9000000\(short)", "79000000\(short)", "+79000000\(short)", short].contains(pattern)
        }.map(BeelineScript.user)
    }

    private static func row(of user: String) -> JSONValue {
        let phone = String(user.prefix(10))
        let short = String(phone.suffix(3))
        return [
            "userId": .string(user), "phone": .string(phone), "firstName": "Made", "lastName": .string("Up \(short)"),
            "department": "Sales", "extension": .string(short),
        ]
    }

    private static func number(_ place: Int) -> JSONValue {
        ["numberId": .string("7495000000\(place)@ip.beeline.ru"), "phone": .string("495000000\(place)")]
    }

    private mutating func ofEmployee(
        _ parts: [String], _ query: DoubleForm, _ request: DoubleRequest, namesBoth: Bool
    ) -> DoubleAnswer {
        guard parts.count > 1 else {
            return request.method == "GET"
                ? .json(.array(SimulatedPeople.extensions.map { Self.row(of: BeelineScript.user($0)) })) : Self.refusal(404)
        }
        guard let user = Self.user(parts[1]) else { return Self.refusal(404, "AbonentNotFound") }
        switch (request.method, parts.count > 2 ? parts[2] : "") {
        case ("GET", ""): return .json(Self.row(of: user))
        case ("POST", "call"): return order(user, query["phoneNumber"], request, namesBoth: namesBoth)
        case ("POST", "callTransfer"): return transfer(user, query, request)
        default: return Self.refusal(404)
        }
    }

    // MARK: Calls

    private mutating func order(
        _ user: String, _ number: String?, _ request: DoubleRequest, namesBoth: Bool
    ) -> DoubleAnswer {
        guard let number, let client = Self.dialled(number) else { return Self.refusal(400, "InvalidPhoneNumber") }
        orderCount += 1
        let people = SimulatedPeople(seed: seed &+ orderCount, client: client, first: String(user.prefix(10).suffix(3)))
        var call = BeelineScript(start: request.receivedAt, people: people, direction: .outbound)
        call.callOut(DoubleOutcome(calling: client), recorded: true, from: 1, clickToDial: true)
        let effects = perform(call)
        let half = JSONValue.string(call.callID("a"))
        return namesBoth
            ? .json(["callId": half, "externalTrackingId": .string(call.tracking)], effects: effects)
            : .json(half, effects: effects)
    }

    /// Ten digits are a Russian number; shorter ones stay.
    private static func dialled(_ number: String) -> String? {
        guard (2...15).contains(number.utf8.count), number.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return number.utf8.count == 10 ? "7" + number : number
    }

    private mutating func transfer(_ user: String, _ query: DoubleForm, _ request: DoubleRequest) -> DoubleAnswer {
        guard let half = query["callId"], let number = query["phoneNumber"] else { return Self.refusal(400) }
        guard let target = Self.user(number) ?? Self.dialled(number).map({ "\($0.suffix(10))@ip.beeline.ru" }) else {
            return Self.refusal(400, "InvalidPhoneNumber")
        }
        for place in calls.indices.reversed() {
            let second = calls[place].diary.second(at: request.receivedAt)
            guard let name = calls[place].half(half, of: user, at: second) else { continue }
            calls[place].transfer(name, to: target, at: second)
            let call = calls[place]
            return DoubleAnswer(
                200, effects: [.stop(call: call.tracking), .play(call: call.tracking, steps: steps(of: call))])
        }
        return Self.refusal(404, "CallNotFound")
    }

    package mutating func begin(_ scenario: Scenario, seed: UInt64, at now: Instant, origin: String) -> [DoubleEffect]? {
        var people = SimulatedPeople(seed: seed)
        if let employee = routes[people.line] { people = people.ringing(employee) }
        return BeelineScript(scenario, start: now, people: people).map { perform($0) }
    }

    private mutating func perform(_ call: BeelineScript) -> [DoubleEffect] {
        calls.append(call)
        if calls.count > 1000 {
            calls.removeFirst()
            forgotten += 1
        }
        return [.play(call: call.tracking, steps: steps(of: call))]
    }

    private mutating func steps(of call: BeelineScript) -> [SimulatedStep] {
        call.script.steps { step(.event($0)) }
    }

    package func truth(of call: String) -> CallTruth? {
        calls.last { $0.tracking == call }?.diary.truth(of: Self.adapter)
    }

    // MARK: Routing

    /// `icr/numbers`, which numbers are routed by the CRM, and `icr/route`, where to.
    private mutating func routing(_ what: String, _ request: DoubleRequest) -> DoubleAnswer {
        let rows = Self.json(request)?.elements ?? []
        switch (request.method, what) {
        case ("GET", "numbers"): return .json(.array(routed.sorted().map(JSONValue.string)))
        case ("PUT", "numbers"), ("DELETE", "numbers"):
            let numbers = rows.compactMap(\.string)
            guard !numbers.isEmpty, numbers.allSatisfy({ Self.line($0) != nil }) else { return Self.refusal(400) }
            for line in numbers.compactMap(Self.line) {
                if request.method == "PUT" { routed.insert(line) } else { routed.remove(line) }
            }
            return .json(.array(numbers.map { ["phoneNumber": .string($0), "status": "SUCCESS"] }))
        case ("GET", "route"):
            let all = routes.sorted { $0.key < $1.key }
            return .json(.array(all.map { ["inboundNumber": .string($0.key), "extension": .string($0.value)] }))
        case ("POST", "route"), ("PUT", "route"), ("DELETE", "route"):
            guard !rows.isEmpty else { return Self.refusal(400) }
            return .json(.array(rows.map { route($0, request.method) }))
        default: return Self.refusal(404)
        }
    }

    /// A row that makes no sense is refused alone.
    private mutating func route(_ row: JSONValue, _ method: String) -> JSONValue {
        let number = row["inboundNumber"]?.string ?? row.string
        var succeeds = false
        if let line = number.flatMap(Self.line) {
            if method == "DELETE" {
                succeeds = routes.removeValue(forKey: line) != nil
            } else if let short = row["extension"]?.string, SimulatedPeople.extensions.contains(short) {
                routes[line] = short
                succeeds = true
            }
        }
        return ["inboundNumber": number.map(JSONValue.string) ?? .null, "status": succeeds ? "SUCCESS" : "FAULT"]
    }

    /// One of the ten numbers, however it is written: as the calls have it.
    private static func line(_ number: String) -> String? {
        let digits = "7" + String(number.filter { ("0"..."9").contains($0) }.suffix(10))
        return digits.hasPrefix("7495000000") && digits.utf8.count == 11 ? digits : nil
    }

    // MARK: The log

    /// One row for each employee's part, a hundred a page, oldest first; without a name of the call.
    private func statistics(_ query: DoubleForm, _ request: DoubleRequest, version: Int) -> DoubleAnswer {
        guard let window = Self.window(query) else { return Self.refusal(400) }
        let page = max(0, query["page"].flatMap { Int($0) } ?? 0)
        let size = min(100, max(1, query["pageSize"].flatMap { Int($0) } ?? 100))
        let user = query["userId"].flatMap(Self.user)
        let parts = over(at: request.receivedAt).flatMap { call in call.parts.map { (call, $0) } }.filter { call, part in
            window.contains(call.moment(part.rang)) && (user.map { $0.hasPrefix(part.employee) } ?? true)
        }.sorted { $0.0.moment($0.1.rang) < $1.0.moment($1.1.rang) }
        let skipped = page.multipliedReportingOverflow(by: size)
        guard !skipped.overflow else { return .json([]) }
        return .json(.array(parts.dropFirst(skipped.partialValue).prefix(size).map { Self.row($0, $1, version) }))
    }

    private func over(at now: Instant) -> [CallDiary] { calls.map(\.diary).filter { $0.isOver(at: now) } }

    private static func window(_ query: DoubleForm) -> Range<Instant>? {
        guard let from = query["dateFrom"].flatMap({ Instant(rfc3339: $0) }),
            let to = query["dateTo"].flatMap({ Instant(rfc3339: $0) }),
            from <= to
        else { return nil }
        return from..<to
    }

    private static func row(_ call: CallDiary, _ part: CallDiary.Part, _ version: Int) -> JSONValue {
        let user = "\(part.employee)@ip.beeline.ru"
        let comesIn = call.direction == .inbound
        let status = comesIn ? (part.answered == nil ? "MISSED" : "RECIEVED") : "PLACED"
        var members: [JSONValue.Member] = [
            .init("startDate", .number("\(call.moment(part.rang).milliseconds)")), .init("abonent", row(of: user)),
            .init("direction", comesIn ? "INBOUND" : "OUTBOUND"), .init("status", .string(status)),
            .init("duration", .number("\(part.talk * 1000)")), .init("department", "Sales"),
        ]
        if version == 1 {
            members.append(.init("phone", .string(part.employee)))
        } else {
            let client = JSONValue.string(String(call.client.suffix(10)))
            let own = JSONValue.string(call.line.map { String($0.suffix(10)) } ?? part.employee)
            members.append(.init("phone_from", comesIn ? client : own))
            members.append(.init("phone_to", comesIn ? own : client))
        }
        return .object(members)
    }

    // MARK: Recordings

    /// A file's number, its call and its part.
    private struct Record {
        var id: Int
        var call: CallDiary
        var part: CallDiary.Part
    }

    /// Ready five seconds after the release.
    private func recordings(at now: Instant) -> [Record] {
        calls.enumerated().flatMap { place, script -> [Record] in
            let call = script.diary
            guard call.isOver(at: now.advanced(by: .seconds(-5))) else { return [] }
            return call.parts.enumerated().filter { !$0.element.recordings.isEmpty }.map { number, part in
                Record(id: 4_000_000 + (forgotten + place) * 16 + number, call: call, part: part)
            }
        }
    }

    private static func row(_ record: Record) -> JSONValue {
        let (call, part) = (record.call, record.part)
        return [
            "id": .string("\(record.id)"), "externalId": .string(call.name), "phone": .string(part.employee),
            "direction": call.direction == .inbound ? "INBOUND" : "OUTBOUND",
            "date": .number("\(call.moment(part.rang).milliseconds)"), "duration": .number("\(part.talk * 1000)"),
            "fileSize": .number("\(SmallRecording.wave.count)"), "comment": "",
            "abonent": row(of: "\(part.employee)@ip.beeline.ru"),
        ]
    }

    private func records(_ query: DoubleForm, _ request: DoubleRequest) -> DoubleAnswer {
        let last = query["id"].flatMap { Int($0) } ?? 0
        let window = Self.window(query)
        let found = recordings(at: request.receivedAt).filter { record in
            record.id > last && (window?.contains(record.call.moment(record.part.rang)) ?? true)
        }
        return .json(.array(found.prefix(100).map(Self.row)))
    }

    /// By its own name, or by the call's and the employee's.
    private func record(_ parts: [String], _ request: DoubleRequest) -> DoubleAnswer {
        guard request.method == "GET", let first = parts.first else { return Self.refusal(404) }
        let all = recordings(at: request.receivedAt)
        var rest = parts.dropFirst()
        var found = all.first { "\($0.id)" == first }
        if found == nil, let user = rest.popFirst() {
            found = all.first { $0.call.name == first && $0.part.recordings.contains("\(first)/\(user)") }
        }
        guard let found else { return Self.refusal(404, "RecordNotFound") }
        switch rest.first {
        case nil: return .json(Self.row(found))
        case "download":
            return DoubleAnswer(200, headers: [HeaderField(name: "content-type", value: "audio/wav")], body: SmallRecording.wave)
        case "reference":
            let url = "\(request.origin)\(Self.portal)/v2/records/\(found.id)/download"
            return .json([
                "url": .string(url), "fileSize": .number("\(SmallRecording.wave.count)"), "fileType": "wav",
                "expirationDate": .number("\(request.receivedAt.advanced(by: .seconds(3600)).milliseconds)"),
            ])
        default: return Self.refusal(404)
        }
    }
}
