import AdapterKit
import Connector
import Synchronization

// Beeline's routing by the CRM (`icr`): a table of callers' numbers and the extensions that ring for them, written ahead.

extension RoutingQuestion {
    /// Reads the data of a CallReceived event; nil for others, for colleagues and for hidden numbers.
    init?(beeline data: XMLTree.Element) {
        guard BeelineEvent(type: data.attribute("type") ?? "") == .received else { return nil }
        let call = data["call"]
        let remote = call["remoteParty"]
        guard remote["userId"].text == nil, !remote["callType"].equals("Group"), !remote["callType"].equals("Enterprise"),
            let tracking = call["extTrackingId"].text, let address = remote["address"].text
        else { return nil }
        let number = BeelineNames.number(address)
        guard BeelineRoutes.key(number) != nil else { return nil }
        self.init(
            call: ExternalKey(.session, tracking), number: number, line: BeelineRedirections(call["redirections"]).line)
    }
}

/// What is known of the table: read, then followed, and read anew after an hour: people may change it at Beeline, though the CRM's word
/// is to be its only source (setting `routing`).
final class BeelineRoutes: Sendable {
    /// How long it is followed without being looked at.
    static let freshness = Duration.seconds(3600)

    /// Rows followed; a table is not read beyond it, and grows no further by us.
    static let capacity = 20_000

    private struct State {
        /// Extensions by the caller's number as `key` writes it; nil before the table was read.
        var rows: [String: String]?
        var readAt: ContinuousClock.Instant?
        /// Since the table was last begun to be read.
        var written: [String: String?] = [:]
        /// Extensions of employees who are listed by number or identifier.
        var extensions: [String: String] = [:]
    }

    private let state = Mutex(State())
    private let now: @Sendable () -> ContinuousClock.Instant

    init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

    /// How a number stands in the table: Russian ones by ten digits, others by all; nil for what is none.
    static func key(_ number: String) -> String? {
        let digits = number.utf8.filter { (0x30...0x39).contains($0) }
        let written = number.hasPrefix("+") ? number.utf8.count - 1 : number.utf8.count
        guard (10...15).contains(digits.count), digits.count == written else { return nil }
        let text = String(decoding: digits, as: UTF8.self)
        return text.utf8.count == 11 && (text.hasPrefix("7") || text.hasPrefix("8")) ? String(text.dropFirst()) : text
    }

    /// Whether it was read within the last hour.
    var isFresh: Bool { state.withLock { $0.readAt.map { now() < $0.advanced(by: Self.freshness) } ?? false } }

    /// Takes what was read; what was written since `beginReading` counts more. Of two who read at once the first is taken.
    func take(_ rows: [String: String]) {
        guard !isFresh else { return }
        state.withLock { state in
            state.rows = rows
            for (key, value) in state.written { state.rows?[key] = value }
            state.readAt = now()
        }
    }

    /// From now on what is written is remembered for `take`.
    func beginReading() { state.withLock { $0.written = [:] } }

    func `extension`(for key: String) -> String? { state.withLock { $0.rows?[key] } }

    /// Whether there is room for a row of that number.
    func hasRoom(for key: String) -> Bool {
        state.withLock { $0.rows?[key] != nil || $0.rows?.count ?? 0 < Self.capacity }
    }

    func set(_ key: String, to extension: String?) {
        state.withLock { state in
            state.rows?[key] = `extension`
            if state.written.count < Self.capacity { state.written.updateValue(`extension`, forKey: key) }
        }
    }

    func knownExtension(of employee: String) -> String? { state.withLock { $0.extensions[employee] } }

    func note(_ extension: String, of employee: String) {
        state.withLock { state in
            if state.extensions.count >= 1000 { state.extensions = [:] }
            state.extensions[employee] = `extension`
        }
    }
}

extension BeelineClient {
    /// Writes, changes or removes the row of the caller's number, where the table says something else than the CRM.
    package func route(_ order: RouteOrder) async throws(ProviderFailure) -> RouteOutcome {
        guard let key = BeelineRoutes.key(order.question.number) else { throw .invalid("number", "this is no caller's number") }
        let time = TimeLeft(order.deadline)
        if !routes.isFresh {
            routes.beginReading()
            routes.take(try await readRoutes(within: time))
        }
        let wanted = try await wantedExtension(order.decision.target, within: time)
        let present = routes.extension(for: key)
        guard wanted != present else { return .unchanged }
        if let wanted {
            guard routes.hasRoom(for: key) else {
                throw ProviderFailure(.limited, code: "table", text: "the table has too many rows")
            }
            try await write(key, wanted, isNew: present == nil, within: time)
        } else if let present {
            try await change("DELETE", key, present, within: time)
        }
        routes.set(key, to: wanted)
        return .written
    }

    /// One service updates a row and another adds it; which of them takes a number that is new, sources tell differently.
    private func write(_ key: String, _ wanted: String, isNew: Bool, within time: TimeLeft) async throws(ProviderFailure) {
        do {
            try await change(isNew ? "POST" : "PUT", key, wanted, within: time)
        } catch {
            guard error.kind == .rejected else { throw error }
            try await change(isNew ? "PUT" : "POST", key, wanted, within: time)
        }
    }

    private func change(
        _ method: String, _ key: String, _ extension: String, within time: TimeLeft
    ) async throws(ProviderFailure) {
        let row: JSONValue = [["inboundNumber": .string(key), "extension": .string(`extension`)]]
        let response = try await send(method, "icr/route", body: row.encoded, within: try time.left(), acts: true)
        let fault = response.json?.elements.contains { $0["status"].equals("FAULT") } ?? false
        if fault { throw ProviderFailure(.rejected, code: "FAULT", text: "Beeline did not take the row") }
    }

    private func readRoutes(within time: TimeLeft) async throws(ProviderFailure) -> [String: String] {
        let response = try await send("GET", "icr/route", within: try time.left(), acts: false, maximumBody: 4 << 20)
        guard let table = response.json, table.isArray else { throw .unreadable(response, acts: false) }
        var rows: [String: String] = [:]
        for row in table.elements.prefix(BeelineRoutes.capacity) {
            guard let key = row["inboundNumber"].anyText.flatMap(BeelineRoutes.key), let short = row["extension"].anyText else {
                continue
            }
            rows[key] = short
        }
        return rows
    }

    /// The short number that the table takes: an employee may be listed by another name, and is then looked up once.
    private func wantedExtension(_ target: RoutingTarget?, within time: TimeLeft) async throws(ProviderFailure) -> String? {
        guard case .user(let employee)? = target else { return nil }
        if let short = DialledNumber.short(employee) { return short }
        if let known = routes.knownExtension(of: employee) { return known }
        let pattern = try Self.employee(employee, field: "employee")
        let response = try await send("GET", "abonents/\(pattern)", within: try time.left(), acts: false)
        guard let short = response.json?["extension"].anyText.flatMap(DialledNumber.short) else {
            throw .invalid("employee", "Beeline knows no short number of that employee")
        }
        routes.note(short, of: employee)
        return short
    }
}
