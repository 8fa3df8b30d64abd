/// A program adapter that works: what `kommutator adapter new` writes.
///
/// The program is `examples/program/python/my_pbx.py`, word for word; a test compares them.
struct ProgramSkeleton {
    let name: String

    /// Paths below the new folder, and what stands there.
    var files: [(path: String, text: String)] {
        [
            ("my_pbx.py", Self.program), ("\(name).yaml", connection), ("README.md", readme),
            ("cases/inbound-answered/requests.json", Self.requests), ("cases/inbound-answered/settings.yaml", Self.settings),
            ("cases/inbound-answered/source.md", "Made up with the skeleton: replace it by what your telephone system sends.\n"),
            ("cases/rejected/requests.json", Self.rejectedRequests), ("cases/rejected/settings.yaml", Self.settings),
            ("cases/rejected/error.txt", "401\n"), ("cases/rejected/source.md", "A webhook without the token.\n"),
        ]
    }

    private var connection: String {
        """
        # Copy this file and my_pbx.py into adapters.d, put the token into secrets/\(name)-token there, and set `enabled: true`.
        # It then listens on /hooks/\(name).
        adapter: program
        enabled: false
        settings:
          command: [python3, my_pbx.py]
          auth: header
          auth_name: x-my-pbx-token
          auth_secret: file:secrets/\(name)-token

        """
    }

    private var readme: String {
        """
        # \(name)

        A program adapter for Kommutator: `my_pbx.py` is asked one JSON object a line, and answers with one.

        1. Put what your telephone system really sends into `cases/<name>/requests.json`, with the numbers made up.
        2. Change `read` in `my_pbx.py` until it says what happened, and `carry_out` if it shall make calls.
        3. `kommutator adapter test .` tries all cases: genuine, changed, repeated, ruined.
        4. Copy `my_pbx.py` and `\(name).yaml` into `adapters.d`, and `kommutator check`.

        What the lines say is in "Program adapters" of Kommutator's documentation.

        """
    }

    private static let settings = """
        command: ["python3","my_pbx.py"]
        auth: header
        auth_name: x-my-pbx-token
        auth_secret: made-up-token-1
        answer_within: 10s

        """

    private static let requests = #"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-My-PBX-Token": "made-up-token-1"},
          "body": "{\"event\":\"ringing\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:15:20Z\",\"from\":\"79000000101\",\"to\":\"101\"}",
          "received_at": "2026-11-02T07:15:20.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-My-PBX-Token": "made-up-token-1"},
          "body": "{\"event\":\"answered\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:15:27Z\",\"from\":\"79000000101\",\"to\":\"101\"}",
          "received_at": "2026-11-02T07:15:27.300Z"}
        ]

        """#

    private static let rejectedRequests = #"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json"}, "body": "{}",
          "received_at": "2026-11-02T07:15:20.300Z"}
        ]

        """#

    // swift-format-ignore
    static let program = ##"""
        #!/usr/bin/env python3
        """Reads the webhooks of an invented telephone system for Kommutator: one JSON object a line in, one out.

        "My PBX" posts JSON such as
            {"event": "ringing", "call": "c-1", "direction": "in", "at": "2026-11-02T07:15:20Z",
             "from": "79000000101", "to": "101", "line": "74950000001"}
        with events ringing, answered, hangup, transferred, recorded. Copy this file and change `read` and `carry_out`.
        What is printed to standard error is in the gateway's log; standard output belongs to the answers.
        """

        import base64
        import json
        import sys

        REASONS = {
            "normal": "normal",
            "no_answer": "no_answer",
            "busy": "busy",
            "caller_gone": "caller_hung_up",
            "transferred": "transferred",
        }


        def party(number):
            """An employee has a short number; everybody else is outside."""
            if len(number) <= 4:
                return {"kind": "user", "extension": number}
            return {"kind": "external", "number": number}


        def text(message, name):
            value = message.get(name)
            if not isinstance(value, str) or not value:
                raise ValueError(f"{name} is missing")
            return value


        def read(request):
            """What one webhook says: events, or why there are none. It must depend on nothing but the request."""
            body = request["body"] if "body" in request else base64.b64decode(request["body_base64"]).decode("utf-8")
            message = json.loads(body)
            if not isinstance(message, dict):
                raise ValueError("the body is no object")
            kind, call = text(message, "event"), text(message, "call")
            leg = message.get("leg") or call
            event = {
                "repeat_key": [call, leg, kind, text(message, "at")],
                "external_ids": [{"kind": "call", "value": call}],
                "occurred_at": text(message, "at"),
            }
            if kind == "recorded":
                event["type"] = "recording.ready"
                event["recording"] = {"key": text(message, "file"), "phase": "ready", "leg": leg}
                return {"events": [event]}
            if kind not in ("ringing", "answered", "hangup", "transferred"):
                return {"ignored": "a kind of event this program does not know"}
            direction = {"in": "inbound", "out": "outbound", "internal": "internal"}.get(message.get("direction"))
            event["facts"] = {"direction": direction, "line": message.get("line")}
            event["leg"] = {"key": leg, "from": party(text(message, "from")), "to": party(text(message, "to"))}
            if kind == "ringing":
                event["type"] = "call.ringing"
                event["leg"]["phase"] = "ringing"
                if message.get("transferred_from"):
                    event["leg"]["parent"] = message["transferred_from"]
                    event["leg"]["handover"] = "blind"
            elif kind == "answered":
                event["type"] = "call.answered"
                event["leg"]["phase"] = "answered"
            else:
                reason = "transferred" if kind == "transferred" else REASONS.get(message.get("reason"), "unknown")
                event["type"] = "call.updated"
                event["leg"]["phase"] = "ended"
                event["leg"]["reason"] = reason
                if message.get("last"):
                    event["type"] = "call.ended"
                    event["end"] = {"reason": reason, "provider_code": message.get("reason"), "ended_at": event["occurred_at"]}
            return {"events": [event]}


        def carry_out(order):
            """Carries out one command: here the request to your telephone system would be."""
            action = order["action"]
            if action["type"] == "originate":
                return {"done": {"code": "ok", "call": {"kind": "call", "value": "c-" + order["command"]}}}
            return {"failed": {"kind": "unsupported", "code": "action", "text": "My PBX cannot do that"}}


        def answer(question):
            if question["do"] == "hello":
                return {"protocol": 1, "name": "my-pbx", "version": "1"}
            if question["do"] == "perform":
                return carry_out(question)
            try:
                return read(question["request"])
            except (ValueError, TypeError, AttributeError):
                # The reason is shown to people: it must carry neither the body nor a number.
                return {"undecoded": "the body is not as My PBX writes it"}


        def main():
            for line in sys.stdin:
                question = json.loads(line)
                print(json.dumps({"id": question["id"], **answer(question)}), flush=True)


        if __name__ == "__main__":
            main()

        """##
}
