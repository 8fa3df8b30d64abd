import AdapterConformance
import AdapterKit
import Connector
import TestSupport
import Testing

/// Each fault finds the adapter that cannot bear it, and none finds anything wrong with one that can.
@Suite struct FaultTests {
    @Test func `an adapter without a flaw bears all faults`() throws {
        let report = run(flaw: nil)
        #expect(report.passed, "\(report.summary)")
        #expect(report.faults.map(\.fault) == Fault.allCases)
        #expect(report.faults.allSatisfy { $0.cases == 1 && $0.runs > 1 })
    }

    @Test(arguments: [
        (Fault.reordering, Flaw.counting), (.duplication, .named), (.loss, .deaf), (.delay, .daily), (.truncation, .silent),
        (.clockSkew, .punctual), (.encoding, .literal),
    ])
    func `each fault finds the adapter that cannot bear it`(fault: Fault, flaw: Flaw) throws {
        let row = try #require(run(flaw: flaw, faults: [fault]).faults.first)
        let failure = try #require(row.failures.first, "\(fault)")
        #expect(failure.caseName == "story")
        #expect((1...3).contains(failure.reproduction.count), "\(failure.reproduction)")
        #expect(row.passed == 0)
    }

    @Test func `a failure is shown with the shortest run that fails`() throws {
        let report = run(flaw: .counting, faults: [.reordering])
        let failure = try #require(report.faults.first?.failures.first)
        // What is counted goes wrong as soon as two change places.
        #expect(failure.reproduction.count == 2, "\(failure.reproduction)")
        #expect(failure.what.hasPrefix("rule 1: "))
        #expect(report.summary.contains("with the requests: \(failure.reproduction.joined(separator: ", "))"))
        #expect(report.json["faults"]?[0]?["failures"]?[0]?["case"]?.string == "story")
    }

    @Test func `the same seed finds the same`() {
        #expect(run(flaw: .deaf, seed: 5) == run(flaw: .deaf, seed: 5))
        #expect(run(flaw: nil, seed: 6).seed == 6)
    }

    @Test func `when the time is over, the report says what was not tried`() {
        let report = run(flaw: nil, mayGoOn: { false })
        #expect(report.untried == 1)
        #expect(report.faults.isEmpty)
        #expect(report.summary.contains("the time was over"))
    }

    @Test func `a field that is unknown and not kept breaks rule 9`() {
        let failures = run(flaw: .forgetful, faults: []).failures
        #expect(failures.map(\.rule) == ["keeps fields it does not know"])
    }

    private func run(
        flaw: Flaw?, faults: [Fault] = Fault.allCases, seed: UInt64 = 1, mayGoOn: @escaping @Sendable () -> Bool = { true }
    ) -> ConformanceReport {
        var settings = ["url_token": "made-up"]
        settings["flaw"] = flaw?.rawValue
        let plan = FaultPlan(faults: faults, seed: seed, runsPerCase: 6, mayGoOn: mayGoOn)
        return ConformanceSuite(FlawedAdapter.self, numbering: PlainNumbering(), faults: plan).run([
            ConformanceCase(name: "story", settings: settings, requests: Self.story)
        ])
    }

    private static let story = [("ringing", 0), ("answered", 7), ("hangup", 70)].map { event, second in
        let at = Instant(unixSeconds: 1_793_603_720 + Int64(second))
        return RecordedRequest(
            method: "POST", path: "", query: "",
            headers: [HeaderField(name: "content-type", value: "application/x-www-form-urlencoded")],
            body: Array("event=\(event)&call=c1&from=79000000101&to=101&at=\(at.milliseconds)".utf8),
            receivedAt: at.advanced(by: .milliseconds(300)))
    }
}

/// What an adapter may get wrong.
enum Flaw: String, Sendable {
    /// The first request is the ringing, the second the answer, whatever they say.
    case counting
    /// Events are called by the request that told them.
    case named
    /// Nothing more is heard of a call that has ended.
    case deaf
    /// A call of yesterday is another one.
    case daily
    /// Nothing at all becomes of a body that lacks something.
    case silent
    /// What is older than an hour is not believed.
    case punctual
    /// Words are looked for in the bytes as they came.
    case literal
    /// Fields that it does not know are gone.
    case forgetful
}

/// Reads a small form well, but for the flaw in its settings.
private struct FlawedAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(
        name: "flawed", title: "Flawed", version: "1",
        settings: CommonSettings.all + [SettingSpecification("flaw", .text, help: "")], headers: ["content-type"])

    private let flaw: Flaw?

    init(settings: AdapterSettings) { flaw = settings["flaw"].flatMap(Flaw.init) }

    func makeAuthenticator() -> any WebhookAuthenticator { Nod() }
    func makeDecoder() -> any EventDecoder { FlawedDecoder(flaw) }
}

private final class FlawedDecoder: EventDecoder {
    private let flaw: Flaw?
    private var count = 0
    private var ended: Set<String> = []

    init(_ flaw: Flaw?) { self.flaw = flaw }

    func decode(_ raw: RawRecord) -> [Decoded] {
        var fields = FieldTable()
        do {
            try raw.body.withUnsafeBytes { try fields.readForm($0) }
        } catch {
            return flaw == .silent ? [] : [.undecoded(reason: "no form")]
        }
        guard let call = fields.string("call"), let at = fields.string("at").flatMap({ Int64($0) }), let word = word(raw, fields)
        else { return flaw == .silent ? [] : [.undecoded(reason: "a field is missing")] }
        let moment = Instant(milliseconds: at)
        if flaw == .punctual, abs(raw.receivedAt.milliseconds(since: moment)) > 3_600_000 { return [.ignored(reason: "too old")] }
        if flaw == .deaf, ended.contains(call) { return [.ignored(reason: "over")] }
        if word == "hangup" { ended.insert(call) }
        return [.call(event(word, of: call, at: moment, fields, raw))]
    }

    private func word(_ raw: RawRecord, _ fields: FieldTable) -> String? {
        count += 1
        if flaw == .counting { return ["ringing", "answered", "hangup"][min(count, 3) - 1] }
        guard flaw == .literal else { return fields.string("event") }
        let text = String(decoding: raw.body, as: UTF8.self)
        return ["ringing", "answered", "hangup"].first { text.contains("event=\($0)") }
    }

    private func event(
        _ word: String, of call: String, at moment: Instant, _ fields: FieldTable, _ raw: RawRecord
    ) -> CallEvent {
        let name = flaw == .daily ? "\(call)-\(raw.receivedAt.description.prefix(10))" : call
        let repeatKey = [name, word, moment.description] + (flaw == .named ? ["\(raw.id)"] : [])
        var event = CallEvent(
            id: EventID(connection: raw.connection, repeatKey: repeatKey), rawID: raw.id, keys: [ExternalKey(.call, name)],
            type: .updated, occurredAt: moment, receivedAt: raw.receivedAt)
        let phases: [String: LegReport.Phase] = ["ringing": .ringing, "answered": .answered, "hangup": .ended]
        if let phase = phases[word] {
            event.leg = LegReport(
                key: name, phase: phase, from: .external(number: fields.string("from")),
                to: .user(extension: fields.string("to") ?? "?", endpoint: nil))
        }
        if word == "hangup" { event.ending = EndReport(reason: .normal) }
        event.facts.direction = .inbound
        if flaw != .forgetful {
            let known: Set = ["event", "call", "from", "to", "at"]
            event.custom = fields.names.filter { !known.contains($0) }.map { CustomField($0, fields.string($0) ?? "") }
        }
        return event
    }
}

private final class Nod: WebhookAuthenticator {
    func authenticate(_ request: WebhookRequest) -> Authentication { .accept(.ok) }
}
