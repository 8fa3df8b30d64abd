import AdapterKit
import Connector

/// One case on the workbench: an adapter with the case's settings, and the means to ruin the case's requests.
///
/// Collects every reason that is uttered on the way, for the check of what may not be said.
final class ConformanceWorkbench {
    let adapter: any TelephonyAdapter.Type
    let requests: [RecordedRequest]
    /// A page of the vendor's own log.
    let log: [UInt8]?
    let secrets: [String]
    let placesPerRequest: Int
    private let instance: any TelephonyAdapter
    private let connection: ConnectionID
    /// The connection as the ledger knows it.
    let profile: ConnectionProfile
    private let gate: any WebhookAuthenticator
    private(set) var reasons: Set<String> = []

    init(
        _ adapter: any TelephonyAdapter.Type, _ connection: ConnectionID, _ recorded: ConformanceCase, placesPerRequest: Int,
        context: AdapterContext
    ) throws {
        self.adapter = adapter
        self.placesPerRequest = max(1, placesPerRequest)
        self.connection = connection
        requests = recorded.requests
        log = recorded.log
        secrets = adapter.descriptor.settings.filter { $0.kind == .secret }.compactMap { recorded.settings[$0.name] }
        instance = try adapter.init(
            settings: AdapterSettings(
                connection: connection, values: recorded.settings, section: recorded.section,
                hasURLToken: recorded.settings["url_token"] != nil), context: context)
        gate = instance.makeAuthenticator()
        var profile = ConnectionProfile(id: connection, provider: instance.descriptor.provider)
        profile.historyIsGuessed = !instance.descriptor.logNamesCalls
        self.profile = profile
    }

    // MARK: Asking

    func authenticate(_ request: RecordedRequest, number: Int = 0) -> Authentication {
        let answer = raw(request, number).withRequest { gate.authenticate($0) }
        if case .refuse(_, let reason) = answer { reasons.insert(reason) }
        return answer
    }

    func isRefused(_ request: RecordedRequest) -> Bool {
        if case .refuse = authenticate(request) { return true }
        return false
    }

    /// Reads the request with a decoder of its own.
    func decode(_ request: RecordedRequest, number: Int = 0) -> [Decoded] { decode(raw(request, number)) }

    /// Reads a page of the vendor's log with a decoder of its own.
    func decode(log page: [UInt8], number: Int = 0) -> [Decoded] {
        decode(raw(log: page, number: number))
    }

    private func decode(_ raw: RawRecord) -> [Decoded] { decode(raw, by: makeDecoder()) }

    /// A reader for one run: what it may keep in mind is its own.
    func makeDecoder() -> any EventDecoder { instance.makeDecoder() }

    func decode(_ raw: RawRecord, by decoder: any EventDecoder) -> [Decoded] {
        let decoded = decoder.decode(raw)
        for case .ignored(let reason) in decoded { reasons.insert(reason) }
        for case .undecoded(let reason) in decoded { reasons.insert(reason) }
        return decoded
    }

    func raw(_ request: RecordedRequest, _ number: Int) -> RawRecord {
        request.raw(
            connection, number: number, headers: instance.descriptor.headers, source: instance.descriptor.hearing.source)
    }

    func raw(log page: [UInt8], number: Int) -> RawRecord { ConformanceCase.rawLog(page, connection, number: number) }

    /// Whether the request would be journalled.
    func accepts(_ request: RecordedRequest) -> Bool {
        if isHeard { return true }
        if case .accept = authenticate(request) { return true }
        return false
    }

    /// The requests that are journalled, with their numbers.
    var accepted: [(number: Int, request: RecordedRequest)] {
        requests.enumerated().compactMap { number, request in accepts(request) ? (number, request) : nil }
    }

    /// The requests are what a keeper heard: they come by no entrance.
    private var isHeard: Bool { instance.descriptor.hearing != .webhooks }

    func events(_ decoded: [Decoded]) -> [CallEvent] {
        decoded.compactMap { if case .call(let event) = $0 { event } else { nil } }
    }

    /// What keeps the adapter from reading anything at all: a program that is not there, or always late.
    var failuresOfWorking: [String] { instance.trouble.map { [$0] } ?? [] }

    // MARK: Examples

    var hasExamples: Bool { !instance.examples.isEmpty }

    /// What the examples of the connection's file do not come out as.
    func failuresOfExamples(_ numbering: any NumberingPlan) -> [String] {
        ExampleRun(instance, profile: profile, numbering: numbering).problems().map {
            "line \($0.place.line): \($0.problem)"
        }
    }

    // MARK: Genuine and repeated requests

    /// Of what a keeper heard nothing may be posted.
    func failuresOfAccepting() -> [String] {
        if isHeard {
            let taken = requests.indices.filter { !isRefused(requests[$0]) }
            return taken.map { "request \($0 + 1), which nobody may post, is not refused" }
        }
        return requests.enumerated().compactMap { number, request in
            guard case .refuse(let status, let reason) = authenticate(request, number: number) else { return nil }
            return "request \(number + 1) is refused with \(status): \(reason)"
        }
    }

    func failuresOfRefusing(_ expected: [Int]) -> [String] {
        guard expected.count == requests.count else { return ["\(expected.count) statuses for \(requests.count) requests"] }
        return zip(requests, expected).enumerated().compactMap { number, pair in
            switch authenticate(pair.0, number: number) {
            case .refuse(pair.1, _): nil
            case .refuse(let status, _): "request \(number + 1) is refused with \(status) instead of \(pair.1)"
            default: "request \(number + 1) is not refused"
            }
        }
    }

    /// The same bytes give the same facts; a repeat, later and under another raw id, gives the same event ids.
    func failuresOfRepeating() -> [String] {
        let failuresOfLog = (log.map(failuresOfRepeating) ?? []).map { "a repeat of the log's page \($0)" }
        return failuresOfLog
            + accepted.compactMap { number, request in
                var later = request
                later.receivedAt = request.receivedAt.advanced(by: .seconds(90))
                let first = decode(request, number: number)
                if first.isEmpty { return "request \(number + 1) gives nothing, not even a reason" }
                if first != decode(request, number: number) { return "request \(number + 1) reads differently the second time" }
                let ids = events(first).map(\.id)
                return ids == events(decode(later, number: number + 1000)).map(\.id)
                    ? nil : "a repeat of request \(number + 1) has other event ids"
            }
    }

    private func failuresOfRepeating(_ page: [UInt8]) -> [String] {
        let ids = events(decode(log: page)).map(\.id)
        if Set(ids).count != ids.count { return ["has two events with one id"] }
        return ids == events(decode(log: page, number: 1)).map(\.id) ? [] : ["has other event ids"]
    }

    /// Events that share an id must be repeats, of the same fields in whatever order; every event names its call.
    func failuresOfTellingApart() -> [String] {
        var bodies: [EventID: [[UInt8]]] = [:]
        var failures: [String] = []
        for (number, request) in accepted {
            for event in events(decode(request, number: number)) {
                if bodies[event.id, default: request.sortedFields] != request.sortedFields {
                    failures.append("request \(number + 1) has the event id of another one")
                }
                bodies[event.id] = request.sortedFields
                if event.keys.isEmpty || event.keys.contains(where: \.value.isEmpty) {
                    failures.append("request \(number + 1) does not name its call")
                }
            }
        }
        return failures
    }

    func failuresOfTalking() -> [String] {
        reasons.sorted().compactMap { reason in
            if secrets.contains(where: reason.contains) { return "a reason carries a secret" }
            return Self.longestRunOfDigits(in: reason) >= 7 ? "a reason carries a long number" : nil
        }
    }

    private static func longestRunOfDigits(in text: String) -> Int {
        var longest = 0
        var run = 0
        for byte in text.utf8 {
            run = (0x30...0x39).contains(byte) ? run + 1 : 0
            longest = max(longest, run)
        }
        return longest
    }
}

extension RecordedRequest {
    /// The fields of query and form, as sent, in an order that does not depend on theirs; any other body is one field.
    fileprivate var sortedFields: [[UInt8]] {
        [Array(query.utf8), body].flatMap { $0.split(separator: UInt8(ascii: "&")) }.map(Array.init)
            .sorted { $0.lexicographicallyPrecedes($1) }
    }
}

extension AdapterDescriptor.Hearing {
    /// Of which source the raw records are.
    package var source: CallSource {
        switch self {
        case .webhooks, .nothing: .webhook
        case .keeper(let source): source
        }
    }
}
