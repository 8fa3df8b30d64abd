import Connector
import TestSupport
import Testing

@Suite struct MappedDecoderTests {
    private static let whole = """
        vendor: shop-pbx
        format: json
        authentication: {type: token, header: X-Token}
        event: [kind, {header: X-Side}]
        call:
          key: call.id
          session: call.session
          linkedid: call.linked
          command: ref
          time: {path: at, filters: [epoch_s]}
          direction: {path: way, filters: [{map: {in: inbound}}]}
          origin: {value: click_to_call}
          line: {query: line}
        events:
          ring/a:
            type: call.ringing
            call: {external_name: who.0.name, line: our}
            leg:
              key: leg
              phase: ringing
              sequence: n
              parent: old
              handover: blind
              group: team
              from: {anyone: from}
              to: {user: to, endpoint: device}
          drop/a:
            type: call.updated
            leg: {key: leg, phase: ended, to: {queue: q}, from: {ivr: menu}, reason: {path: why, filters: [{map: {x: busy}}]}}
            repeats: [n]
          end/:
            type: call.ended
            ending:
              reason: {path: why, filters: [{map: {x: no_answer}}]}
              code: why
              text: words
              sip: sip
              q850: q
              answered: ok
              answered_at: {path: t1, filters: [epoch_ms]}
              ended_at: {path: t2, filters: [epoch_us]}
              user: agent
            recording: {key: rec, phase: failed, voicemail: true, leg: leg, problem: oops}
            digits: {digits: keys, leg: leg, menu: menu}
          hush/: ignore
        """

    private static let side = [("x-side", "a")]

    @Test func `every part of an event has its place`() throws {
        let bench = try MappedWorkbench(Self.whole)
        let ring = try bench.event(
            #"{"kind":"ring","call":{"id":7,"session":"s","linked":"l"},"ref":"cmd","at":1793603720,"way":"in","who":[{"name":"Ann"}],"our":"1","leg":"L","n":3,"old":"K","team":"700","from":"101","to":"102","device":"sip:102"}"#,
            query: "line=2", headers: Self.side)
        #expect(ring.type == .ringing)
        #expect(
            ring.keys == [
                ExternalKey(.call, "7"), ExternalKey(.session, "s"), ExternalKey(.linkedid, "l"), ExternalKey(.crmCommand, "cmd"),
            ])
        #expect(ring.occurredAt == Instant(unixSeconds: 1_793_603_720))
        #expect(ring.facts == CallFacts(direction: .inbound, origin: .clickToCall, externalName: "Ann", line: "1"))
        #expect(
            ring.leg
                == LegReport(
                    key: "L", phase: .ringing, sequence: 3, from: .user(extension: "101", endpoint: nil),
                    to: .user(extension: "102", endpoint: "sip:102"), parent: "K", handover: .blind, group: "700"))
        #expect(ring.custom == [CustomField("who", #"[{"name":"Ann"}]"#)])
        let drop = try bench.event(
            #"{"kind":"drop","call":{"id":"7"},"leg":"L","q":"700","why":"x"}"#, query: "line=2", headers: Self.side)
        #expect(drop.facts.line == "2")
        #expect(drop.occurredAt == MappedWorkbench.now)
        #expect(drop.leg == LegReport(key: "L", phase: .ended, from: .ivr(ref: nil), to: .queue(ref: "700"), reason: .busy))
    }

    @Test func `an ending, a recording and digits are read`() throws {
        let bench = try MappedWorkbench(Self.whole)
        let end = try bench.event(
            #"{"kind":"end","call":{"id":"7"},"why":"x","words":"gone","sip":486,"q":"17","ok":"No","t1":1793603720000,"t2":1793603721000000,"agent":"101","rec":"R","leg":"L","oops":"full","keys":"12#","menu":"main"}"#
        )
        #expect(
            end.ending
                == EndReport(
                    reason: .noAnswer, cause: Cause(sip: 486, q850: 17, providerCode: "x", text: "gone"), answered: false,
                    answeredAt: Instant(unixSeconds: 1_793_603_720), endedAt: Instant(unixSeconds: 1_793_603_721),
                    user: .user(extension: "101", endpoint: nil)))
        #expect(end.recording == RecordingReport(key: "R", phase: .failed, isVoicemail: true, leg: "L", problem: "full"))
        #expect(end.digits == DigitsReport(digits: "12#", leg: "L", menu: "main"))
        #expect(end.keys.contains(ExternalKey(.recording, "R")))
        #expect(end.custom == [])
    }

    @Test func `what no table knows is unknown, and stays as it came`() throws {
        let bench = try MappedWorkbench(Self.whole)
        let end = try bench.event(
            #"{"kind":"end","call":{"id":"7"},"way":"round","why":"y","sip":"soon","ok":"perhaps","t1":"noon","more":{"a":[1],"b":null,"c":true}}"#
        )
        #expect(end.facts.direction == nil)
        #expect(end.ending?.reason == .unknown)
        #expect(end.ending?.cause == Cause(providerCode: "y"))
        #expect(
            end.custom == [
                CustomField("way", "round"), CustomField("sip", "soon"), CustomField("ok", "perhaps"), CustomField("t1", "noon"),
                CustomField("more.a", "[1]"), CustomField("more.c", "true"),
            ])
    }

    @Test func `a default does not hide the word it stands for`() throws {
        let bench = try MappedWorkbench(
            MappedWorkbench.least.replacing(
                "{key: id}", with: "{key: id, direction: {path: d, filters: [{map: {i: inbound}}, {default: outbound}]}}"))
        let odd = try bench.event(#"{"event":"rang","id":"1","d":"x"}"#)
        #expect(odd.facts.direction == .outbound)
        #expect(odd.custom == [CustomField("d", "x")])
        let known = try bench.event(#"{"event":"rang","id":"1","d":"i"}"#)
        #expect(known.facts.direction == .inbound)
        #expect(known.custom == [])
    }

    @Test func `what is no event of a call is told apart`() throws {
        let bench = try MappedWorkbench(Self.whole)
        #expect(bench.decode(#"{"kind":"hush"}"#) == [.ignored(reason: "the mapping says to ignore it")])
        #expect(bench.decode(#"{"kind":"new"}"#) == [.ignored(reason: "an event that the mapping does not list")])
        #expect(bench.decode(#"{"kind":"end"}"#) == [.undecoded(reason: "the call's key is missing")])
        #expect(bench.decode("{}") == [.undecoded(reason: "the event is not named")])
        #expect(bench.decode("[1]") == [.undecoded(reason: "fields: badJSON at byte 0")])
        #expect(
            bench.decode(#"{"kind":"end","call":{"id":"\#(String(repeating: "7", count: 2049))"}}"#) == [
                .undecoded(reason: "the call's key is missing")
            ])
        let page = bench.raw("{}", source: .history)
        #expect(bench.adapter.makeDecoder().decode(page) == [.undecoded(reason: "the mapping describes no log")])
    }

    @Test func `a repeat has the same name, whatever else the request says, and news another`() throws {
        let bench = try MappedWorkbench(Self.whole)
        let first = try bench.event(#"{"kind":"end","call":{"id":"7"},"why":"x"}"#)
        #expect(try bench.event(#"{"why":"x","call":{"id":"7"},"kind":"end","try":2}"#).id == first.id)
        #expect(try bench.event(#"{"kind":"end","call":{"id":"7"},"why":"y"}"#).id != first.id)
        #expect(try bench.event(#"{"kind":"end","call":{"id":"8"},"why":"x"}"#).id != first.id)
        // With `repeats`, only what it names counts.
        let drop = try bench.event(#"{"kind":"drop","call":{"id":"7"},"leg":"L","n":1}"#, headers: Self.side)
        #expect(try bench.event(#"{"kind":"drop","call":{"id":"7"},"leg":"M","n":1}"#, headers: Self.side).id == drop.id)
        #expect(try bench.event(#"{"kind":"drop","call":{"id":"7"},"leg":"L","n":2}"#, headers: Self.side).id != drop.id)
    }

    @Test(arguments: [
        ("form", "event=rang&id=1&x=2", "", ""), ("query", "", "event=rang&id=1&x=2", ""),
        ("form_or_json", " {\"event\":\"rang\",\"id\":1,\"x\":2}", "", "application/x-www-form-urlencoded"),
        ("form_or_json", "event=rang&id=1&x=2", "", "application/json"),
        (
            "form",
            "--b\r\nContent-Disposition: form-data; name=\"event\"\r\n\r\nrang\r\n--b\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n1\r\n--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n2\r\n--b--\r\n",
            "", "multipart/form-data; boundary=b"
        ),
    ])
    func `fields are found in every format`(format: String, body: String, query: String, type: String) throws {
        let bench = try MappedWorkbench(MappedWorkbench.least.replacing("format: json", with: "format: \(format)"))
        let event = try bench.event(body, query: query, headers: [("content-type", type)])
        #expect(event.keys == [ExternalKey(.call, "1")])
        #expect(event.custom == [CustomField("x", "2")])
    }

    @Test func `a form's names are taken whole`() throws {
        let bench = try MappedWorkbench(
            MappedWorkbench.least.replacing("format: json", with: "format: form").replacing(
                "key: id", with: "key: \"call.id[0]\""))
        #expect(try bench.event("event=rang&call.id%5B0%5D=9").keys == [ExternalKey(.call, "9")])
    }

    @Test func `mutated bodies always give something, and the same thing twice`() throws {
        let bench = try MappedWorkbench(Self.whole)
        let bodies = [
            #"{"kind":"end","call":{"id":"7"},"why":"x","sip":486,"ok":"No","t1":1793603720000,"rec":"R","keys":"12#","more":{"a":[1,{"b":2}]}}"#,
            #"{"kind":"ring","call":{"id":7},"who":[{"name":"Ann"}],"leg":"L","n":3,"from":"101","to":"102"}"#,
        ]
        let form = try MappedWorkbench(MappedWorkbench.least.replacing("format: json", with: "format: form_or_json"))
        var random = SeededRandom(seed: 11)
        for round in 0..<4000 {
            let original = Array(bodies[round % 2].utf8)
            let body = random.mutated(original, alphabet: Array("{}[]\",:\\eE-0%&=".utf8))
            for bench in [bench, form] {
                var raw = bench.raw("", query: String(decoding: body.prefix(20), as: UTF8.self), headers: Self.side)
                if round % 3 != 0 { raw.query = "" }
                raw.body = body
                let decoded = bench.adapter.makeDecoder().decode(raw)
                #expect(!decoded.isEmpty)
                #expect(decoded == bench.adapter.makeDecoder().decode(raw))
                _ = raw.withRequest { bench.adapter.makeAuthenticator().authenticate($0) }
            }
        }
    }
}
