import Connector
import MappedAdapter
import Testing

/// Everything that can be wrong with a mapping, with its place and what would mend it.
@Suite struct MappingErrorTests {
    @Test func `the least mapping is without fault`() throws { _ = try MappedWorkbench() }

    static let head = "vendor: shop-pbx\nformat: json\nauthentication: {type: token, header: X-Token}\nevent: event\n"
    static let call = head + "call: {key: id}\n"
    static let body = call + "events: {rang: {type: call.ringing}}\n"

    /// Places are those of the file, in which `mapping:` is the first line, indented by two.
    static let faults: [(mapping: String, expected: String)] = [
        ("[a]", "2:3: `mapping` is a list; write `key: value` pairs under it"),
        (body + "vendr: x", "8:3: `mapping` knows no `vendr`; did you mean `vendor`?"),
        (body.replacing("shop-pbx", with: "Shop PBX"), "2:11: the vendor `Shop PBX` is no slug;"),
        (body.replacing("vendor: shop-pbx", with: "title: x"), "2:3: `vendor` is missing in `mapping`;"),
        (body.replacing("vendor: shop-pbx", with: "vendor: [a]"), "2:11: `vendor` is a list; write one value"),
        (body.replacing("format: json", with: "format: xml"), "3:11: `format`: `xml` is none of its values; known here:"),
        (body.replacing("format: json", with: "title: x"), "2:3: `format` is missing in `mapping`;"),
        (body.replacing("event: event\n", with: ""), "2:3: `event` is missing in `mapping`;"),
        // The door.
        (body.replacing("authentication: {type: token, header: X-Token}\n", with: ""), "2:3: `authentication` is missing"),
        (
            body.replacing("{type: token, header: X-Token}", with: "{header: X-Token}"),
            "4:3: `type` is missing in `authentication`;"
        ),
        (body.replacing("type: token", with: "type: tokn"), "4:26: `type`: `tokn` is none of its values; did you mean `token`?"),
        (body.replacing("header: X-Token}", with: "header: X Token}"), "4:41: `X Token` is no name of a header;"),
        (
            body.replacing("header: X-Token}", with: "header: X-T, query: t}"),
            "4:3: the token stands nowhere, or in several places;"
        ),
        (body.replacing("header: X-Token}", with: "algorithm: sha1}"), "4:33: `algorithm` means nothing to `type: token`;"),
        (
            body.replacing("{type: token, header: X-Token}", with: "{type: hmac, header: X-S, algorithm: sha256}"),
            "4:3: `encoding` is missing"
        ),
        (
            body.replacing("{type: token, header: X-Token}", with: "{type: hmac, header: X-S, algorithm: crc, encoding: hex}"),
            "4:56: `algorithm`: `crc` is none of its values;"
        ),
        (
            body.replacing("{type: token, header: X-Token}", with: "{type: hmac, algorithm: sha1, encoding: hex}"),
            "4:3: `header` is missing"
        ),
        (
            body.replacing("{type: token, header: X-Token}", with: "{type: basic}"),
            "4:3: `basic` needs the setting `webhook_user`;"
        ),
        (
            body.replacing("{type: token, header: X-Token}", with: "{type: url_token}"),
            "4:3: whoever knows the connection's name could post to it; set `url_token` under `settings:`"
        ),
        (body + "answer: {status: 500}", "8:20: `status` is none of 200 to 299;"),
        (body + "answer: {type: json}", "8:18: `json` is no content type;"),
        // Values and filters.
        (body.replacing("key: id", with: "key: a..b"), "6:15: `key` is no path;"),
        (body.replacing("key: id", with: "key: a.b.c.d.e.f.g.h.i"), "6:15: `key` is no path;"),
        (body.replacing("key: id", with: "key: [a, [b]]"), "6:15: a step of `key` is no text;"),
        (body.replacing("key: id", with: "key: {filters: [trim]}"), "6:15: `key` comes from nowhere;"),
        (body.replacing("key: id", with: "key: {path: a, query: b}"), "6:15: `key` comes from several places;"),
        (
            body.replacing("key: id", with: "key: {path: a, filters: [trimm]}"),
            "6:35: there is no filter `trimm`; did you mean `trim`?"
        ),
        (
            body.replacing("key: id", with: "key: {path: a, filters: [map]}"),
            "6:35: the filter `map` needs an argument; write {map: …}"
        ),
        (body.replacing("key: id", with: "key: {path: a, filters: [{trim: x}]}"), "6:36: the filter `trim` takes no argument;"),
        (body.replacing("key: id", with: "key: {path: a, filters: [{chop: x}]}"), "6:36: there is no filter `chop`;"),
        (body.replacing("key: id", with: "key: {path: a, filters: [[x]]}"), "6:35: a filter is a list;"),
        (body.replacing("key: id", with: "key: {path: a, filters: [{map: x}]}"), "6:41: `map` is no table;"),
        (body.replacing("key: id", with: "key: {path: a, filters: [{before: \"\"}]}"), "6:44: `before` is empty;"),
        (body.replacing("key: id", with: "key: {path: a, filters: [epoch_s]}"), "6:35: `key` is no time; take the filter away"),
        (
            body.replacing("key: id", with: "key: id, time: at"),
            "6:25: `time` does not say how the time is written; let `filters` end"
        ),
        (
            body.replacing("key: id", with: "key: id, time: {path: at, filters: [epoch_s, trim]}"),
            "6:46: nothing may follow a filter of time;"
        ),
        (
            body.replacing("key: id", with: "key: id, time: {path: at, filters: [{local_time: Mars/Base}]}"),
            "6:59: `Mars/Base` names no time zone;"
        ),
        (
            body.replacing("key: id", with: "key: id, direction: {path: d, filters: [{map: {i: inbund}}]}"),
            "6:30: `direction`: `inbund` is none of its values; did you mean `inbound`?"
        ),
        (
            body.replacing("key: id", with: "key: id, direction: {value: sideways}"),
            "6:30: `direction`: `sideways` is none of its values;"
        ),
        (body.replacing("key: id", with: "kee: id"), "6:10: `call` knows no `kee`; did you mean `key`?"),
        // Events.
        (call, "2:3: `events` is missing in `mapping`;"),
        (call + "events: {}", "7:11: `events` is no table of 1 to 256 rows;"),
        (call + "events: {rang: ignored}", "7:18: the event `rang` is a single value; write `{type: …}`, or `ignore`"),
        (call + "events: {rang: {leg: x}}", "7:12: `type` is missing in `rang`;"),
        (
            call + "events: {rang: {type: call.rings}}",
            "7:25: `type`: `call.rings` is none of its values; did you mean `call.ringing`?"
        ),
        (call + "events: {rang: {type: call.finalized}}", "7:12: `call.finalized` is said by the gateway only;"),
        (call + "events: {rang: {type: call.ended}}", "7:12: `ending` is missing in `rang`;"),
        (call + "events: {rang: {type: call.dtmf}}", "7:12: `digits` is missing in `rang`;"),
        (call + "events: {rang: {type: recording.ready}}", "7:12: `recording` is missing in `rang`;"),
        (head + "events: {rang: {type: call.ringing}}", "6:12: the event `rang` does not name its call;"),
        (call + "events: {rang: {type: call.ringing, leg: {phase: ringing}}}", "7:39: `key` is missing in `leg`;"),
        (call + "events: {rang: {type: call.ringing, leg: {key: l}}}", "7:39: `phase` is missing in `leg`;"),
        (
            call + "events: {rang: {type: call.ringing, leg: {key: l, phase: rings}}}",
            "7:60: `phase`: `rings` is none of its values; known here: `started`, `ringing`,"
        ),
        (
            call + "events: {rang: {type: call.ringing, leg: {key: l, phase: ringing, from: {user: a, ivr: b}}}}",
            "7:69: `from` is nobody, or several;"
        ),
        (
            call + "events: {rang: {type: call.ringing, leg: {key: l, phase: ringing, to: {external: a, endpoint: b}}}}",
            "7:87: only a `user` has an `endpoint`;"
        ),
        (
            call + "events: {e: {type: call.ended, ending: {reason: {value: bored}}}}",
            "7:51: `reason`: `bored` is none of its values;"
        ),
        (
            call + "events: {e: {type: recording.ready, recording: {key: r, phase: ready, voicemail: maybe}}}",
            "7:84: `voicemail` is neither true nor false;"
        ),
        // Commands.
        (body + "commands: {hangup: {method: DELETE, path: /c}}", "8:3: `commands` needs the setting `base_url`;"),
        (body + "commands: {hang_up: {}}", "8:14: `commands` knows no `hang_up`; did you mean `hangup`?"),
        (body + "commands: {hangup: {path: /c}}", "8:14: `method` is missing in `hangup`;"),
        (body + "commands: {hangup: {method: delete, path: /c}}", "8:31: `method`: `delete` is none of its values;"),
        (body + "commands: {hangup: {method: DELETE, path: \"//evil.example/c\"}}", "8:45: `path` is no path on the server"),
        (body + "commands: {hangup: {method: DELETE, path: \"https://evil.example/\"}}", "8:45: `path` is no path on the server"),
        (body + "commands: {hangup: {method: DELETE, path: \"{call}\"}}", "8:45: `path` is no path on the server"),
        (body + "commands: {hangup: {method: DELETE, path: /a?b=c}}", "8:45: `path` is no path on the server"),
        (body + "commands: {hangup: {method: DELETE, path: \"/a/../b\"}}", "8:45: `path` is no path on the server"),
        (
            body + "commands: {hangup: {method: DELETE, path: \"/c/{cal}\"}}",
            "8:45: `path`: there is no `{cal}` here; did you mean `call`?"
        ),
        (body + "commands: {hangup: {method: DELETE, path: \"/c/{to}\"}}", "8:45: `path`: there is no `{to}` here;"),
        (body + "commands: {hangup: {method: DELETE, path: \"/c/{call\"}}", "8:45: `path`: `{` is not closed;"),
        (body + "commands: {hangup: {method: DELETE, path: \"/c/call}\"}}", "8:45: `path`: `}` closes nothing;"),
        (
            body + "commands: {hangup: {method: POST, path: /c, form: {a: b}, json: {a: b}}}",
            "8:47: a command has `form` and `json`;"
        ),
        (body + "commands: {hangup: {method: GET, path: /c, json: {a: b}}}", "8:14: a GET has no body;"),
        (
            body + "commands: {hangup: {method: POST, path: /c, headers: {Host: evil}}}",
            "8:56: the header `Host` is written by the gateway;"
        ),
        (body + "commands: {hangup: {method: POST, path: /c, headers: {\"X Y\": b}}}", "8:56: `X Y` is no name of a header;"),
        (
            body + "commands: {hangup: {method: POST, path: /c, headers: {X-Y: \"ж\"}}}",
            "8:56: the header `X-Y` is no plain ASCII;"
        ),
        (body + "commands: {hangup: {method: POST, path: /c, answer: {ok: [yes]}}}", "8:56: `ok` lists codes of nothing;"),
        (body + "commands: {hangup: {method: POST, path: /c, answer: {call: {query: x}}}}", "8:62: `call` is no path;"),
        (body + "commands: {recordings: {method: POST, path: /c}}", "8:35: a recording is fetched with GET;"),
        (body + "command_headers: {X-K: \"{to}\"}", "8:26: `X-K`: there is no `{to}` here;"),
        // Examples.
        (body + "examples: {name: a}", "8:13: `examples` is no list of up to 64;"),
        (body + "examples: [{name: a}]", "8:14: `requests` is missing in `examples`;"),
        (
            body + "examples: [{name: a, requests: [{received_at: noon}]}]",
            "8:49: a request has no `received_at` that can be read;"
        ),
        (
            body + "examples: [{name: a, requests: [{received_at: 2026-11-02T07:15:20Z, form: {a: b}, body: c}]}]",
            "8:85: a request has `form` and `body`;"
        ),
        (body + "examples: [{name: a, requests: [], record: [x]}]", "8:46: `record` is a list;"),
    ]

    @Test(arguments: faults) func `a fault names its place and what would mend it`(mapping: String, expected: String) {
        let problems = MappedWorkbench.read(mapping).problems.map(\.description)
        #expect(problems.contains { $0.hasPrefix("f.yaml:\(expected)") }, "\(problems)")
    }

    @Test func `all faults are told at once`() {
        let entry = MappedWorkbench.read(
            "vendor: X\nformat: xml\nauthentication: {type: nose}\nevent: a..b\nevents: {a: {type: b}}")
        #expect(entry.problems.map(\.line) == [2, 3, 4, 5, 6])
    }

    @Test func `a mapping is needed`() {
        #expect(MappedWorkbench.read("~").problems.map(\.problem) == ["`mapping` is nothing"])
        #expect(throws: SettingsError.self) {
            try MappedAdapter(settings: AdapterSettings(connection: ConnectionID("shop"), values: [:]))
        }
    }

    @Test func `no fault tells a secret`() {
        let entry = MappedWorkbench.read("vendor: X", settings: "webhook_secret: env:SECRET, api_key: env:KEY")
        #expect(!entry.problems.isEmpty)
        #expect(!entry.problems.contains { $0.description.contains("0001") })
    }

    @Test func `aliases of aliases do not grow without bound`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x]\n"
        for level in 1...8 {
            text += "a\(level): &a\(level) [\(Array(repeating: "*a\(level - 1)", count: 8).joined(separator: ", "))]\n"
        }
        let problems = MappedWorkbench.read(text).problems.map(\.problem)
        #expect(problems.contains("`mapping` has too many values"))
    }
}
