import AdapterConformance
import AdapterKit
import Connector
import TestSupport
import Testing

@testable import AsteriskAdapter

/// What the dialplan posts, alone and beside the manager interface.
struct DialplanTests {
    @Test(arguments: [
        "inbound-answered", "inbound-no-answer", "inbound-caller-hangs-up-ringing", "outbound-answered", "internal-call",
    ])
    func `posts of the server whose events are heard make no second call, and change nothing of the first`(name: String) throws {
        let trace = try Trace(name)
        var player = TracePlayer(trace)
        try player.play(trace)
        let alone = RecordShape.standing(try Self.records(player.records))
        #expect(alone.count == 1)
        let posts = Self.posts(of: trace)
        #expect(posts.count >= 2)
        for records in [posts + player.records, player.records + posts] {
            let inOrder = records.sorted { $0.receivedAt < $1.receivedAt }
            for arrivals in [records, inOrder] {
                let both = RecordShape.standing(try Self.records(arrivals))
                #expect(both.count == 1)
                #expect(both.map(Self.withoutSources) == alone.map(Self.withoutSources), "\(name)")
                #expect(both.first?["sources"]?.elements.compactMap(\.string) == ["ami", "webhook"])
            }
        }
    }

    @Test func `a call of which the manager interface missed everything is known by the posts`() throws {
        let posts = Self.posts(of: try Trace("inbound-answered"))
        let record = try #require(RecordShape.standing(try Self.records(posts)).first)
        #expect(record["state"] == "ended")
        #expect(record["disposition"] == "answered")
        #expect(record["completeness"]?["missing"]?.elements.compactMap(\.string) == ["answer_time", "agent"])
    }

    @Test func `without a token in the address nobody may post`() throws {
        let values = ["host": "127.0.0.1", "username": "gateway", "secret": "hush"]
        let adapter = try AsteriskAdapter(settings: AdapterSettings(connection: TracePlayer.connection, values: values))
        let post = Self.raw("{\"stage\":\"ringing\",\"call_id\":\"1.2\"}", at: Instant(unixSeconds: 1_793_603_720))
        #expect(
            post.withRequest { adapter.makeAuthenticator().authenticate($0) }
                == .refuse(status: 403, reason: "url_token is not set, so the dialplan may not post"))
    }

    @Test(arguments: [
        ("NOANSWER", 16, 0, EndReason.noAnswer, Bool?.some(false)), ("NOANSWER", 21, 0, .rejected, false),
        ("ANSWER", 16, 60, .normal, true), ("answer", 16, 60, .normal, true), ("CANCEL", 127, 0, .callerHungUp, false),
        ("CHANUNAVAIL", 20, 0, .unreachable, false), ("BUSY", 17, 0, .busy, false), ("TIMEOUT", 16, 30, .queueTimeout, nil),
        ("", 127, 0, .callerHungUp, false), ("", 16, 30, .unknown, nil), ("WORMHOLE", 999, 0, .unknown, false),
    ])
    func `how a call ended is told by Dial and the cause`(
        status: String, cause: Int, talk: Int, reason: EndReason, isAnswered: Bool?
    ) {
        let outcome = DialplanOutcome(status: status.isEmpty ? nil : status, cause: cause)
        #expect(outcome.reason == reason)
        #expect(outcome.isAnswered(talk: .seconds(talk)) == isAnswered)
    }

    @Test(arguments: [
        ("12", Int64?.some(12_000)), ("12.5", 12_500), ("0.000000", 0), ("69.250000", 69_250), ("1793603720", 1_793_603_720_000),
        ("", nil), ("-1", nil), ("1e3", nil), (".5", nil), ("5.", nil), ("9999999999999", nil), ("1.1234567890", nil), ("١", nil),
    ])
    func `numbers are read with their fractions, and nothing else is`(text: String, expected: Int64?) {
        #expect(DialplanNumber.milliseconds(text) == expected)
    }

    @Test func `random bodies are read without a trap`() {
        var chance = SeededRandom(seed: 3)
        let words = [
            "\"stage\":", "\"call_id\":", "\"ended\"", "\"ringing\"", "\"1.2\"", ",", "{", "}", "\"time\":", "9e99",
            "\"\\u0000\"", "\"caller\":", "null", "-1", "\"employee\":", "\"&&/@,\"",
        ]
        for _ in 0..<3000 {
            let body =
                "{" + (0..<Int.random(in: 0..<16, using: &chance)).map { _ in words.randomElement(using: &chance) ?? "" }.joined()
                + "}"
            let decoded = AsteriskDecoder(plan: PhonePlan(), hasManager: false).decode(
                Self.raw(body, at: Instant(unixSeconds: 1)))
            #expect(!decoded.isEmpty)
        }
    }

    // MARK: Posts

    /// What the snippet would have posted of the story's only call.
    private static func posts(of trace: Trace) -> [RawRecord] {
        guard let call = trace.story.expected_calls.first else { return [] }
        func post(_ seconds: Double, _ words: String) -> RawRecord {
            let moment = trace.moment(seconds)
            return raw(
                "{\"call_id\":\"\(call.ami_linkedid)\",\"time\":\(moment.milliseconds / 1000),\(words)}", at: moment)
        }
        var posts = [
            post(
                call.start_at + 0.02,
                #""stage":"ringing","caller":"\#(call.caller)","callee":"\#(call.callee)","employee":"\#(call.answered_by ?? "")""#
            )
        ]
        if let answer = call.answer_at {
            let who = call.direction == "outbound" ? call.callee : call.answered_by ?? call.callee
            posts.append(post(answer - 0.02, #""stage":"answered","caller":"\#(call.caller)","callee":"","employee":"\#(who)""#))
        }
        let talk = call.answer_at.map { call.end_at - $0 } ?? 0
        posts.append(
            post(
                call.end_at + 0.01,
                #""stage":"ended","dialstatus":"\#(call.answered ? "ANSWER" : "NOANSWER")","cause":"\#(call.hangup_cause ?? 16)","duration":"\#(call.end_at - call.start_at)","talk":"\#(talk)""#
            ))
        return posts
    }

    private static func raw(_ body: String, at moment: Instant) -> RawRecord {
        RawRecord(
            id: RawID(time: moment, rest: 7), position: 0, connection: TracePlayer.connection, receivedAt: moment,
            method: "POST", path: "", body: Array(body.utf8))
    }

    /// The calls of records in the order of their arrival.
    private static func records(_ raws: [RawRecord]) throws -> [JSONValue] {
        var play = RecordPlay(
            profile: ConnectionProfile(id: TracePlayer.connection, provider: "asterisk"), numbering: PlainNumbering())
        for (place, raw) in raws.enumerated() {
            var raw = raw
            raw.position = Int64(place) + 1
            try play.take(AsteriskDecoder(plan: PhonePlan()).decode(raw), of: raw)
        }
        return try play.records()
    }

    /// What both sources may differ in: who told, and the cause that the dialplan's word adds nothing to.
    private static func withoutSources(_ record: JSONValue) -> JSONValue {
        .object(record.members.filter { !["sources", "finalized_at"].contains($0.name) })
    }
}
