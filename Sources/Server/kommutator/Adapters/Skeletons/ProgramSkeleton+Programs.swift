// The programs, word for word as they are in examples/program; a test compares them.

extension ProgramSkeleton {
    /// `examples/program/python/my_pbx.py`.
    // swift-format-ignore
    static let python = ##"""
        #!/usr/bin/env python3
        """Reads the webhooks of an invented telephone system for Kommutator: one JSON object a line in, one out.

        "My PBX" posts JSON such as
            {"event": "ringing", "call": "c-1", "direction": "in", "at": "2026-11-02T07:15:20Z",
             "from": "79000000101", "to": "101", "line": "74950000001"}
        with events ringing, answered, hangup, transferred, recorded. Its log is a list of calls such as
            {"call": "c-1", "direction": "in", "from": "79000000101", "to": "101", "started": "2026-11-02T07:15:20Z",
             "ended": "2026-11-02T07:16:30Z", "reason": "normal", "answered": true, "file": "r-1"}
        Copy this file and change `read`, `read_log`, and what asks the telephone system: `carry_out`, `find_recording`, `ask_log`.
        What is printed to standard error is in the gateway's log; standard output belongs to the answers.
        """

        import base64
        import json
        import sys
        from urllib.parse import quote

        REASONS = {
            "normal": "normal",
            "no_answer": "no_answer",
            "busy": "busy",
            "caller_gone": "caller_hung_up",
            "transferred": "transferred",
        }
        DIRECTIONS = {"in": "inbound", "out": "outbound", "internal": "internal"}
        KNOWN = {"event", "call", "leg", "direction", "at", "from", "to", "line", "reason", "last", "transferred_from", "file"}


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


        def rest(message, known):
            """What this program does not know is kept with the call."""
            found = {name: value for name, value in message.items() if name not in known and value is not None}
            return {
                name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
                for name, value in list(found.items())[:64]
            }


        def read(request):
            """What one webhook says: events, or why there are none. It must depend on nothing but the request."""
            body = request["body"] if "body" in request else base64.b64decode(request["body_base64"]).decode("utf-8")
            message = json.loads(body)
            if not isinstance(message, dict):
                raise ValueError("the body is no object")
            if request["source"] == "history":
                return read_log(message)
            kind, call = text(message, "event"), text(message, "call")
            leg = message.get("leg") or call
            event = {
                "repeat_key": [call, leg, kind, text(message, "at")],
                "external_ids": [{"kind": "call", "value": call}],
                "occurred_at": text(message, "at"),
                "custom": rest(message, KNOWN),
            }
            if kind == "recorded":
                event["type"] = "recording.ready"
                event["recording"] = {"key": text(message, "file"), "phase": "ready", "leg": leg}
                return {"events": [event]}
            if kind not in ("ringing", "answered", "hangup", "transferred"):
                return {"ignored": "a kind of event this program does not know"}
            event["facts"] = {"direction": DIRECTIONS.get(message.get("direction")), "line": message.get("line")}
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


        def read_log(page):
            """What a page of the log says, as `ask_log` handed it over: the calls as they ended, and their recordings."""
            events = []
            for row in page.get("calls") or []:
                call = text(row, "call")
                outside, inside = ("to", "from") if row.get("direction") == "out" else ("from", "to")
                names = [{"kind": "call", "value": call}]
                end = {
                    "reason": REASONS.get(row.get("reason"), "unknown"),
                    "answered": bool(row.get("answered")),
                    "ended_at": text(row, "ended"),
                    "user": party(text(row, inside)),
                }
                facts = {
                    "direction": DIRECTIONS.get(row.get("direction")),
                    "started": text(row, "started"),
                    "external_number": text(row, outside) if row.get("direction") in ("in", "out") else None,
                }
                events.append({
                    "repeat_key": [call, "log", end["ended_at"]], "type": "call.ended", "external_ids": names,
                    "occurred_at": end["ended_at"], "facts": facts, "end": end,
                })
                if row.get("file"):
                    events.append({
                        "repeat_key": [call, "log", text(row, "file")], "type": "recording.ready", "external_ids": names,
                        "occurred_at": end["ended_at"], "recording": {"key": text(row, "file"), "phase": "ready"},
                    })
            return {"events": events} if events else {"ignored": "a page of the log without calls"}


        def carry_out(order):
            """Carries out one command: here the request to your telephone system would be."""
            action = order["action"]
            if action["type"] == "originate":
                return {"done": {"code": "ok", "call": {"kind": "call", "value": "c-" + order["command"]}}}
            return {"failed": {"kind": "unsupported", "code": "action", "text": "My PBX cannot do that"}}


        def find_recording(reference):
            """Where the file of `recording.key` can be fetched now, and what must be sent along: a real one has a key there."""
            return {"fetch": {"url": "http://127.0.0.1:9/recordings/" + quote(reference, safe="") + ".mp3", "headers": {"x-key": "made-up"}}}


        def ask_log(question):
            """Pages of the telephone system's log of calls that began between `from` and `to`: here it would be asked."""
            return {"bodies": [json.dumps({"calls": []})], "more": False}


        def answer(question):
            if question["do"] == "hello":
                return {"protocol": 1, "name": "my-pbx", "version": "1"}
            if question["do"] == "perform":
                return carry_out(question)
            if question["do"] == "recording":
                return find_recording(question["reference"])
            if question["do"] == "history":
                return ask_log(question)
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

    /// `examples/program/php/my_pbx.php`.
    // swift-format-ignore
    static let php = ##"""
        <?php
        // Reads the webhooks of an invented telephone system for Kommutator: one JSON object a line in, one out.
        // The same system as in ../python/my_pbx.py. What goes to STDERR is in the gateway's log; STDOUT belongs to the answers.
        declare(strict_types=1);
        ini_set('display_errors', 'stderr');

        const REASONS = [
            'normal' => 'normal',
            'no_answer' => 'no_answer',
            'busy' => 'busy',
            'caller_gone' => 'caller_hung_up',
            'transferred' => 'transferred',
        ];
        const KNOWN = [
            'event', 'call', 'leg', 'direction', 'at', 'from', 'to', 'line', 'reason', 'last', 'transferred_from', 'file',
        ];
        const DIRECTIONS = ['in' => 'inbound', 'out' => 'outbound', 'internal' => 'internal'];

        /** An employee has a short number; everybody else is outside. */
        function party(string $number): array
        {
            return strlen($number) <= 4 ? ['kind' => 'user', 'extension' => $number] : ['kind' => 'external', 'number' => $number];
        }

        function text(array $message, string $name): string
        {
            $value = $message[$name] ?? null;
            if (!is_string($value) || $value === '') {
                throw new UnexpectedValueException("$name is missing");
            }
            return $value;
        }

        function word(array $table, mixed $key, ?string $otherwise): ?string
        {
            return is_string($key) ? ($table[$key] ?? $otherwise) : $otherwise;
        }

        /** What this program does not know is kept with the call. */
        function rest(array $message, array $known): object
        {
            $found = array_filter($message, fn ($value, $name) => !in_array($name, $known, true) && $value !== null, ARRAY_FILTER_USE_BOTH);
            $flags = JSON_UNESCAPED_SLASHES | JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE;
            return (object) array_map(fn ($value) => is_string($value) ? $value : json_encode($value, $flags), array_slice($found, 0, 64, true));
        }

        /** What one webhook says: events, or why there are none. It must depend on nothing but the request. */
        function read(array $request): array
        {
            $body = $request['body'] ?? base64_decode($request['body_base64']);
            $message = json_decode($body, true, 32, JSON_THROW_ON_ERROR);
            if (!is_array($message)) {
                throw new UnexpectedValueException('the body is no object');
            }
            if ($request['source'] === 'history') {
                return readLog($message);
            }
            $kind = text($message, 'event');
            $call = text($message, 'call');
            $leg = ($message['leg'] ?? '') ?: $call;
            $event = [
                'repeat_key' => [$call, $leg, $kind, text($message, 'at')],
                'external_ids' => [['kind' => 'call', 'value' => $call]],
                'occurred_at' => text($message, 'at'),
                'custom' => rest($message, KNOWN),
            ];
            if ($kind === 'recorded') {
                $event['type'] = 'recording.ready';
                $event['recording'] = ['key' => text($message, 'file'), 'phase' => 'ready', 'leg' => $leg];
                return ['events' => [$event]];
            }
            if (!in_array($kind, ['ringing', 'answered', 'hangup', 'transferred'], true)) {
                return ['ignored' => 'a kind of event this program does not know'];
            }
            $event['facts'] = ['direction' => word(DIRECTIONS, $message['direction'] ?? null, null), 'line' => $message['line'] ?? null];
            $event['leg'] = ['key' => $leg, 'from' => party(text($message, 'from')), 'to' => party(text($message, 'to'))];
            if ($kind === 'ringing') {
                $event['type'] = 'call.ringing';
                $event['leg']['phase'] = 'ringing';
                if (!empty($message['transferred_from'])) {
                    $event['leg']['parent'] = $message['transferred_from'];
                    $event['leg']['handover'] = 'blind';
                }
            } elseif ($kind === 'answered') {
                $event['type'] = 'call.answered';
                $event['leg']['phase'] = 'answered';
            } else {
                $reason = $kind === 'transferred' ? 'transferred' : word(REASONS, $message['reason'] ?? null, 'unknown');
                $event['type'] = 'call.updated';
                $event['leg']['phase'] = 'ended';
                $event['leg']['reason'] = $reason;
                if (!empty($message['last'])) {
                    $event['type'] = 'call.ended';
                    $event['end'] = [
                        'reason' => $reason, 'provider_code' => $message['reason'] ?? null, 'ended_at' => $event['occurred_at'],
                    ];
                }
            }
            return ['events' => [$event]];
        }

        /** What a page of the log says, as `askLog` handed it over: the calls as they ended, and their recordings. */
        function readLog(array $page): array
        {
            $events = [];
            foreach ($page['calls'] ?? [] as $row) {
                $call = text($row, 'call');
                $direction = word(DIRECTIONS, $row['direction'] ?? null, null);
                [$outside, $inside] = $direction === 'outbound' ? ['to', 'from'] : ['from', 'to'];
                $names = [['kind' => 'call', 'value' => $call]];
                $ended = text($row, 'ended');
                $events[] = [
                    'repeat_key' => [$call, 'log', $ended], 'type' => 'call.ended', 'external_ids' => $names, 'occurred_at' => $ended,
                    'facts' => [
                        'direction' => $direction, 'started' => text($row, 'started'),
                        'external_number' => in_array($direction, ['inbound', 'outbound'], true) ? text($row, $outside) : null,
                    ],
                    'end' => [
                        'reason' => word(REASONS, $row['reason'] ?? null, 'unknown'), 'answered' => !empty($row['answered']),
                        'ended_at' => $ended, 'user' => party(text($row, $inside)),
                    ],
                ];
                if (!empty($row['file'])) {
                    $events[] = [
                        'repeat_key' => [$call, 'log', text($row, 'file')], 'type' => 'recording.ready', 'external_ids' => $names,
                        'occurred_at' => $ended, 'recording' => ['key' => text($row, 'file'), 'phase' => 'ready'],
                    ];
                }
            }
            return $events ? ['events' => $events] : ['ignored' => 'a page of the log without calls'];
        }

        /** Carries out one command: here the request to your telephone system would be. */
        function carryOut(array $order): array
        {
            if ($order['action']['type'] === 'originate') {
                return ['done' => ['code' => 'ok', 'call' => ['kind' => 'call', 'value' => 'c-' . $order['command']]]];
            }
            return ['failed' => ['kind' => 'unsupported', 'code' => 'action', 'text' => 'My PBX cannot do that']];
        }

        /** Where the file of `recording.key` can be fetched now, and what must be sent along: a real one has a key there. */
        function findRecording(string $reference): array
        {
            $url = 'http://127.0.0.1:9/recordings/' . rawurlencode($reference) . '.mp3';
            return ['fetch' => ['url' => $url, 'headers' => ['x-key' => 'made-up']]];
        }

        /** Pages of the telephone system's log of calls that began between `from` and `to`: here it would be asked. */
        function askLog(array $question): array
        {
            return ['bodies' => [json_encode(['calls' => []])], 'more' => false];
        }

        function answer(array $question): array
        {
            if ($question['do'] === 'hello') {
                return ['protocol' => 1, 'name' => 'my-pbx', 'version' => '1'];
            }
            if ($question['do'] === 'perform') {
                return carryOut($question);
            }
            if ($question['do'] === 'recording') {
                return findRecording($question['reference']);
            }
            if ($question['do'] === 'history') {
                return askLog($question);
            }
            try {
                return read($question['request']);
            } catch (Throwable) {
                // The reason is shown to people: it must carry neither the body nor a number.
                return ['undecoded' => 'the body is not as My PBX writes it'];
            }
        }

        while (($line = fgets(STDIN)) !== false) {
            $question = json_decode($line, true, 64, JSON_THROW_ON_ERROR);
            $answer = ['id' => $question['id']] + answer($question);
            fwrite(STDOUT, json_encode($answer, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n");
        }

        """##
}
