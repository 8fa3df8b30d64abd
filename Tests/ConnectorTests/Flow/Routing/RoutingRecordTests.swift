import TestSupport
import Testing

@testable import Connector

/// The decision as a raw record of its own, and in the call's `route[]`.
@Suite struct RoutingRecordTests {
    private static let question = RoutingQuestion(call: ExternalKey(.session, "s1"), number: "79000001234")

    private func record(_ decision: RoutingDecision, at seconds: Int64 = 1, id: UInt128 = 1) -> RawRecord {
        let now = Instant.base.advanced(by: .seconds(seconds))
        return SystemRecord.routing(
            decision, of: Self.question, in: ConnectionProfile.test.id, id: RawID(time: now, rest: id), at: now)
    }

    private func event(_ record: RawRecord) throws -> CallEvent {
        guard case .call(let event)? = SystemRecord.decode(record).first else {
            throw UnreadableRecord()
        }
        return event
    }

    private struct UnreadableRecord: Error {}

    private func route(_ events: [CallEvent]) throws -> (steps: [RouteStep], json: JSONValue) {
        let call = CallFold.record(
            of: CallHistory(events), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
        return (call.route, try JSONValue(parsing: call.json())["route"] ?? .null)
    }

    private static let ring = CallEvent.make(
        "ring", type: .ringing, at: 3,
        leg: LegReport(
            key: "L", phase: .ringing, from: .external(number: "79000001234"), to: .user(extension: "101", endpoint: nil)))

    @Test func `the employee, his name, how it came about and how long it took stand before his ringing`() throws {
        let decision = RoutingDecision(.asked, target: .user("101"), callerName: "Romashka", took: .milliseconds(42))
        let raw = record(decision)
        #expect(raw.source == .system)
        let event = try event(raw)
        #expect(event.type == .routeStep)
        #expect(event.keys == [ExternalKey(.session, "s1")])
        let (steps, json) = try route([Self.ring, event])
        #expect(steps.map(\.kind) == [.user, .user])
        let step = try #require(json.elements.first)
        #expect(step["at"]?.string == "2026-11-02T07:15:21.000Z")
        #expect(step["kind"]?.string == "user")
        #expect(step["ref"]?.string == "101")
        #expect(step["label"]?.string == "Anna")
        #expect(step["result"]?.string == "asked")
        #expect(step["decided_by"]?.string == "crm")
        #expect(step["took_ms"]?.int == 42)
        #expect(json.elements[1]["took_ms"] == nil)
    }

    @Test(arguments: [
        (RoutingDecision(.cached, target: .group("700")), RouteStep.Kind.ringGroup, "700" as String?),
        (RoutingDecision(.asked, target: .number("+79000000101")), .external, "+79000000101"),
        (RoutingDecision(.asked, rejects: true), .rejection, nil), (RoutingDecision(.late), .provider, nil),
        (RoutingDecision(.unknownCaller), .provider, nil),
    ])
    func `every kind of decision has its step`(decision: RoutingDecision, kind: RouteStep.Kind, ref: String?) throws {
        let step = try #require(try route([try event(record(decision))]).steps.first)
        #expect(step.kind == kind)
        #expect(step.ref == ref)
        #expect(step.result == decision.result.rawValue)
    }

    @Test func `the CRM's name stands in the record where the vendor has none`() throws {
        let decided = try event(record(RoutingDecision(.asked, callerName: "Romashka")))
        let call = CallFold.record(
            of: CallHistory([Self.ring, decided]), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
        #expect(call.externalParty?.name == "Romashka")
        #expect(call.sources == [.system, .webhook])
    }

    @Test func `a question that came twice has one step, the first`() throws {
        let first = try event(record(RoutingDecision(.asked, target: .user("101")), at: 1, id: 1))
        let second = try event(record(RoutingDecision(.cached, target: .user("101")), at: 2, id: 2))
        #expect(first.id == second.id)
        for events in [[first, second], [second, first]] {
            #expect(try route(events).steps.map(\.result) == ["asked"])
        }
    }

    @Test func `an event is read back as it was kept`() throws {
        let event = try event(record(RoutingDecision(.asked, target: .user("101"), callerName: "Romashka", took: .seconds(1))))
        #expect(CallEvent(encoded: event.encoded()) == event)
        #expect(event.route?.tookMilliseconds == 1000)
    }

    @Test func `through the ledger, live and replayed, the step is the same`() throws {
        let raw = record(RoutingDecision(.asked, target: .user("101"), took: .milliseconds(5)))
        let ledger = CallLedger(reader: try MemoryJournal().makeReader(), numbering: PlainNumbering())
        var batch = DerivedBatch()
        try ledger.apply([Self.ring], of: .telling(Self.ring), profile: .test, into: &batch)
        let applied = try ledger.apply([try event(raw)], of: raw, profile: .test, into: &batch)
        #expect(applied.calls.count == 1)
        #expect(batch.changes.map(\.type) == [.created, .routeStep])
        let live = try #require(batch.changes.last).body
        var again = DerivedBatch()
        _ = try ledger.replay([try event(raw)], of: raw, formerly: applied.calls, profile: .test, into: &again)
        #expect(again.changes.isEmpty, "replaying it changes nothing")
        #expect(!live.isEmpty)
    }

    @Test(arguments: [#"{"kind":"session","value":"s1","route":{"kind":"user"}}"#, #"{"kind":"session","value":"s1","route":7}"#])
    func `a record that says nothing we know is undecoded`(body: String) {
        var raw = record(RoutingDecision(.asked))
        raw.body = Array(body.utf8)
        #expect(SystemRecord.decode(raw) == [.undecoded(reason: "unknown system record")])
    }
}
