import Connector
import TestSupport
import Testing

@testable import ProgramAdapter

@Suite struct ProgramEventTests {
    private static let raw = RawRecord(
        id: RawID(bits: 7), connection: ConnectionID("pbx"), receivedAt: Instant(unixSeconds: 1_793_603_721), body: [])

    private func decoded(_ answer: String) throws -> [Decoded] {
        try ProgramEvent.decoded(try JSONText(answer).root, of: Self.raw.stamp)
    }

    private func event(_ members: String) throws -> CallEvent? {
        let usual = #""repeat_key": ["c", 1], "external_ids": [{"kind": "call", "value": "c"}], "type": "call.ringing""#
        guard case .call(let event)? = try decoded(#"{"id": 1, "events": [{\#(usual)\#(members)}]}"#).first else { return nil }
        return event
    }

    @Test func `the least that an event needs`() throws {
        let event = try #require(try event(""))
        #expect(event.id == EventID(connection: ConnectionID("pbx"), repeatKey: ["c", "1"]))
        #expect(event.rawID == Self.raw.id)
        #expect(event.occurredAt == Self.raw.receivedAt)
        #expect(event.keys == [ExternalKey(.call, "c")])
        #expect(event.type == .ringing)
        #expect(event.facts == CallFacts())
    }

    @Test func `everything that an event may say comes back as events show it`() throws {
        let event = try #require(
            try event(
                #"""
                , "occurred_at": "2026-11-02T07:15:20Z",
                "leg": {"key": "l", "phase": "ended", "sequence": 2, "from": {"kind": "external", "number": "79000000101"},
                  "to": {"kind": "user", "extension": "101", "endpoint": "sip"}, "parent": "k", "handover": "blind", "group": "700",
                  "transferred_away": true, "reason": "busy"},
                "facts": {"direction": "inbound", "origin": "trunk", "started": 1793603720000, "external_number": "79000000101",
                  "external_name": "N", "line": "74950000001", "tracking": {"number": "74950000002", "method": "dynamic"},
                  "time_zone": "Europe/Moscow"},
                "end": {"reason": "normal", "sip": 200, "q850": 16, "provider_code": "1100", "text": "t", "answered": true,
                  "answered_at": "2026-11-02T07:15:21Z", "ended_at": "2026-11-02T10:15:22+03:00",
                  "user": {"kind": "user", "extension": "101"}},
                "recording": {"key": "r", "phase": "ready", "voicemail": true, "leg": "l", "problem": "p"},
                "dtmf": {"digits": "12#", "leg": "l", "menu": "m"}, "custom": {"a": "b", "n": 1}
                """#))
        // What is written for the journal is the form that /events shows.
        let known = try JSONValue(parsing: try PackedJSON.expand(event.encoded()))
        #expect(event.occurredAt == Instant(unixSeconds: 1_793_603_720))
        #expect(known["leg"]?["to"]?["endpoint"]?.string == "sip")
        #expect(known["leg"]?["transferred_away"]?.bool == true)
        #expect(known["facts"]?["tracking"]?["method"]?.string == "dynamic")
        #expect(known["facts"]?["started"]?.int == 1_793_603_720_000)
        #expect(known["end"]?["ended_at"]?.int == 1_793_603_722_000)
        #expect(known["end"]?["q850"]?.int == 16)
        #expect(known["recording"]?["voicemail"]?.bool == true)
        #expect(known["dtmf"]?["menu"]?.string == "m")
        #expect(event.custom == [CustomField("a", "b"), CustomField("n", "1")])
    }

    @Test func `a repeat has the same name, another event of the request another`() throws {
        let one = #"{"repeat_key": ["c"], "external_ids": [{"kind": "call", "value": "c"}], "type": "call.ringing"}"#
        let events = try decoded(#"{"id": 1, "events": [\#(one), \#(one)]}"#)
        #expect(events.count == 2)
        #expect(events[0] != events[1])
        #expect(try decoded(#"{"id": 2, "events": [\#(one), \#(one)]}"#) == events)
    }

    @Test func `a program may have nothing to say, and must say so`() throws {
        #expect(try decoded(#"{"id": 1, "ignored": "why"}"#) == [.ignored(reason: "why")])
        #expect(try decoded(#"{"id": 1, "undecoded": "why"}"#) == [.undecoded(reason: "why")])
        #expect(
            try decoded(#"{"id": 1, "reports": [{"key": "k", "succeeded": true, "code": "200"}]}"#)
                == [.command(CommandReport(key: "k", succeeded: true, code: "200"))])
    }

    @Test(arguments: [
        (#"{"id": 1}"#, "the answer says nothing: neither events nor ignored nor undecoded"),
        (#"{"id": 1, "events": []}"#, "the answer says nothing: neither events nor ignored nor undecoded"),
        (#"{"id": 1, "evnets": []}"#, "the answer has an unknown member"),
        (#"{"id": 1, "events": [], "events": []}"#, "the answer's `events` stands there twice"),
        (#"{"id": 1, "events": {}}"#, "the answer's `events` is no list"),
        (#"{"id": 1, "events": [7]}"#, "the answer's `events[0]` is no object"),
        (#"{"id": 1, "ignored": 7}"#, "the answer's `ignored` is no text"),
    ])
    func `an answer of the wrong shape is refused`(answer: String, expected: String) {
        let error = #expect(throws: ProgramShapeError.self) { _ = try decoded(answer) }
        #expect(error?.description == expected)
    }

    @Test(arguments: [
        (#", "typ": 1"#, "events[0]", "has an unknown member"),
        (#", "occurred_at": "yesterday""#, "events[0].occurred_at", "is no time"),
        (#", "occurred_at": 1e99"#, "events[0].occurred_at", "is no time"),
        (#", "occurred_at": 9223372036854775807"#, "events[0].occurred_at", "is no time"),
        (#", "leg": []"#, "events[0].leg", "is no object"),
        (#", "leg": {"phase": "ringing"}"#, "events[0].leg.key", "is missing"),
        (
            #", "leg": {"key": "l", "phase": "flying"}"#, "events[0].leg.phase",
            "is none of started, ringing, answered, held, ended"
        ),
        (#", "leg": {"key": "l", "phase": "held", "from": {"kind": "user"}}"#, "events[0].leg.from.extension", "is missing"),
        (#", "leg": {"key": "l", "phase": "held", "sequence": -1}"#, "events[0].leg.sequence", "is no whole number"),
        (#", "end": {"reason": "normal", "answered": "yes"}"#, "events[0].end.answered", "is neither true nor false"),
        (#", "end": {"reason": "normal", "stale": true}"#, "events[0].end", "has an unknown member"),
        (#", "custom": {"a": {}}"#, "events[0].custom", "has a member that is no text"),
        (#", "facts": {"line": 74950000001}"#, "events[0].facts.line", "is no text"),
    ])
    func `an event of the wrong shape is refused, and its place is named`(members: String, place: String, problem: String) {
        let error = #expect(throws: ProgramShapeError.self) { _ = try event(members) }
        #expect(error?.place == place)
        #expect(error?.problem.hasPrefix(problem) == true, "\(error?.problem ?? "")")
    }

    @Test(arguments: [
        (#"{"external_ids": [{"kind": "call", "value": "c"}], "type": "call.ringing"}"#, "repeat_key"),
        (#"{"repeat_key": [], "external_ids": [{"kind": "call", "value": "c"}], "type": "call.ringing"}"#, "repeat_key"),
        (#"{"repeat_key": [{}], "external_ids": [{"kind": "call", "value": "c"}], "type": "call.ringing"}"#, "repeat_key[0]"),
        (#"{"repeat_key": ["c"], "type": "call.ringing"}"#, "external_ids"),
        (#"{"repeat_key": ["c"], "external_ids": [{"kind": "leg", "value": "c"}], "type": "call.ringing"}"#, "external_ids"),
        (
            #"{"repeat_key": ["c"], "external_ids": [{"kind": "call", "value": ""}], "type": "call.ringing"}"#,
            "external_ids[0].value"
        ),
        (#"{"repeat_key": ["c"], "external_ids": [{"kind": "call", "value": "c"}], "type": "call.merged"}"#, "type"),
        (#"{"repeat_key": ["c"], "external_ids": [{"kind": "call", "value": "c"}]}"#, "type"),
    ])
    func `what an event must have is asked for`(event: String, place: String) {
        let error = #expect(throws: ProgramShapeError.self) { _ = try decoded(#"{"id": 1, "events": [\#(event)]}"#) }
        #expect(error?.place == "events[0].\(place)")
    }

    @Test func `texts and lists have bounds`() {
        let long = String(repeating: "x", count: 1025)
        #expect(throws: ProgramShapeError.self) { _ = try event(#", "facts": {"line": "\#(long)"}"#) }
        let many = Array(repeating: "7", count: 65).joined(separator: ",")
        #expect(throws: ProgramShapeError.self) { _ = try decoded(#"{"id": 1, "events": [\#(many)]}"#) }
        let fields = (0..<65).map { "\"f\($0)\": \"x\"" }.joined(separator: ",")
        #expect(throws: ProgramShapeError.self) { _ = try event(#", "custom": {\#(fields)}"#) }
    }

    @Test func `ruined answers never trap`() {
        let whole = Array(
            #"{"id": 1, "events": [{"repeat_key": ["c"], "external_ids": [{"kind": "call", "value": "c"}], "type": "call.ringing", "leg": {"key": "l", "phase": "ringing", "from": {"kind": "external", "number": "1"}}, "end": {"reason": "busy", "sip": 486}}]}"#
                .utf8)
        var random = SeededRandom(seed: 12)
        var outcomes = 0
        for _ in 0..<5000 {
            var bytes = whole
            for _ in 0..<Int.random(in: 1...3, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
            }
            guard let text = try? JSONText(bytes) else { continue }
            outcomes += (try? ProgramEvent.decoded(text.root, of: Self.raw.stamp))?.count ?? 1
        }
        #expect(outcomes > 0)
    }
}
