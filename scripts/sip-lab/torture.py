#!/usr/bin/env python3
"""Sends the torture set to a running PBX and compares its answers with expected.json.

    torture.py udp|tcp|bytes FOLDER SOURCE TARGET:PORT

SOURCE is an address of a trunk, so that its requests are answered; port 5060 of it must be free, for most messages have no rport. One line a
case; exit code 1 where one did not hold. Run each way against a gateway that has not seen the set lately: a message seen again is a repetition.
"""

import json
import re
import select
import socket
import sys
import time

PATIENCE = 0.7
COMPACT = {b"v": b"via", b"f": b"from", b"t": b"to", b"i": b"call-id", b"l": b"content-length"}


def fields(message):
    """Names in lower case with their values, in order, unfolded."""
    head = re.sub(rb"\r\n[ \t]+", b" ", message.split(b"\r\n\r\n", 1)[0])
    found = []
    for line in head.split(b"\r\n")[1:]:
        name, colon, value = line.partition(b":")
        if colon:
            name = name.strip().lower()
            found.append((COMPACT.get(name, name), value.strip()))
    return found


def values(message, name):
    return [value for key, value in fields(message) if key == name]


def first(message, name):
    return (values(message, name) or [b""])[0]


def status(answer):
    match = re.match(rb"SIP/2\.0 (\d{3})", answer)
    return int(match.group(1)) if match else 0


def squeezed(text):
    return re.sub(rb"\s+", b"", text)


def split(stream):
    """Whole answers of what came over a stream; the rest is dropped."""
    answers = []
    while True:
        stream = stream.lstrip(b"\r\n")
        head, end, rest = stream.partition(b"\r\n\r\n")
        if not end:
            return answers
        length = int(first(head + end, b"content-length") or 0)
        answers.append(head + end + rest[:length])
        stream = rest[length:]


class Datagrams:
    """Sockets at every port that an answer may go to."""

    def __init__(self, source, target, ports):
        self.target = target
        self.sockets = []
        for port in sorted(ports):
            one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            one.bind((source, port))
            self.sockets.append(one)
        self.seen = set()
        self.main = next(one for one in self.sockets if one.getsockname()[1] == 5060)

    def exchange(self, data, call_id, wanted):
        call_id = squeezed(call_id)
        self.main.sendto(data, self.target)
        answers, deadline = [], time.monotonic() + PATIENCE
        while (left := deadline - time.monotonic()) > 0:
            for one in select.select(self.sockets, [], [], left)[0]:
                answer = one.recv(65535)
                name = squeezed(first(answer, b"call-id"))
                if name == call_id or not call_id and name not in self.seen:
                    answers.append(answer)
            if sum(status(answer) >= 200 for answer in answers) >= wanted:
                break
        self.seen.add(call_id)
        return answers, False


class Streams:
    """A connection for each case."""

    def __init__(self, source, target, is_slow):
        self.source, self.target, self.is_slow = source, target, is_slow

    def exchange(self, data, call_id, wanted, patience=PATIENCE):
        with socket.create_connection(self.target, 2, (self.source, 0)) as one:
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            came, closed = b"", False
            try:
                if self.is_slow:
                    for place in range(len(data)):
                        one.sendall(data[place : place + 1])
                else:
                    one.sendall(data)
            except OSError:
                closed = True
            deadline = time.monotonic() + patience
            while (left := deadline - time.monotonic()) > 0:
                if not select.select([one], [], [], left)[0]:
                    break
                try:
                    chunk = one.recv(65536)
                except OSError:
                    chunk = b""
                if not chunk:
                    closed = True
                    break
                came += chunk
                if sum(status(answer) >= 200 for answer in split(came)) >= wanted:
                    # Whether it is closed now shows at once.
                    deadline = min(deadline, time.monotonic() + 0.1)
            answers = split(came)
            return (answers or ([came] if came else [])), closed


def judge(expectation, expected, answers, closed, data):
    """What is wrong; empty where all is well."""
    finals = [status(answer) for answer in answers if status(answer) >= 200]
    wish = expected["answer"]
    if wish in ("any", "policy", "stunOrNone", "n/a"):
        return ""
    if wish == "none":
        return f"{finals} where silence is right" if finals else ""
    if wish == "crlf":
        return "" if answers and answers[0] == b"\r\n" else "no CRLF"
    if wish == "waitOrClose":
        return f"{finals} before the message is whole" if finals and not closed else ""
    if wish == "twoAnswers":
        return "" if len(finals) == 2 else f"{len(finals)} answers"
    if not finals and expectation == "tcp" and b"\r\n\r\n" not in data:
        return ""  # the message is not whole
    if not finals:
        return "" if expected.get("orNone") or expected.get("mayClose") and closed else "no answer"
    if finals[0] == 400 and expectation == "tcp" and closed and not first(data, b"content-length"):
        return ""  # no length, no framing (RFC 3261 §18.3)
    if wish == "normal" and finals[0] in expected.get("not", []):
        return f"{finals[0]}"
    if isinstance(wish, list) and finals[0] not in wish + ([401, 403, 407] if finals[0] != 400 else []):
        return f"{finals[0]}, not {wish}"
    if expected.get("close") and not closed:
        return "left open"
    return echo(answers[0], data)


def echo(answer, data):
    data = data.lstrip(b"\r\n")
    if status(answer) in (400, 513):
        return ""  # of what cannot be read, what could be read is sent back
    for name in (b"call-id", b"cseq", b"from"):
        if squeezed(first(answer, name)) != squeezed(first(data, name)):
            return f"{name.decode()} is not the request's"
    if len(b",".join(values(answer, b"via")).split(b"SIP")) != len(b",".join(values(data, b"via")).split(b"SIP")):
        return "Via is not the request's"
    if b"tag=" not in squeezed(first(answer, b"to")) and status(answer) > 100:
        return "To without a tag"
    return ""


def transaction(data):
    """What a server knows a request by (RFC 3261 17.2.3)."""
    via = first(data.lstrip(b"\r\n"), b"via")
    branch = re.search(rb"branch\s*=\s*(z9hG4bK[^;,\s]*)", via, re.I)
    if not branch:
        return data
    return (data.split(b" ")[0], branch.group(1), re.sub(rb";.*", b"", via))


def ping(number, source):
    return (
        f"OPTIONS sip:lab SIP/2.0\r\nVia: SIP/2.0/UDP {source}:5060;branch=z9hG4bKlab{number};rport\r\nMax-Forwards: 70\r\n"
        f"From: <sip:lab@{source}>;tag=lab\r\nTo: <sip:lab@{source}>\r\nCall-ID: lab-{number}\r\nCSeq: 1 OPTIONS\r\n"
        "Content-Length: 0\r\n\r\n"
    ).encode()


def main(way, folder, source, target):
    host, _, port = target.rpartition(":")
    target = (host, int(port))
    with open(f"{folder}/expected.json", encoding="utf-8") as file:
        cases = json.load(file)["cases"]
    ports = {5060, 5099}
    for case in cases:
        match = re.search(r":(\d+)$", (case["topVia"] or {}).get("sentBy") or "")
        if match and 1024 < int(match.group(1)) < 65536:
            ports.add(int(match.group(1)))
    datagrams = Datagrams(source, target, ports)
    wire = datagrams if way == "udp" else Streams(source, target, way == "bytes")
    expectation = "udp" if way == "udp" else "tcp"
    held = wrong = slowest = 0
    names, rounds = set(), [[], []]
    for case in cases:
        if case[expectation]["answer"] == "n/a":
            continue
        with open(f"{folder}/{case['file']}", "rb") as file:
            data = file.read()
        # One that has an earlier one's transaction is its repetition, until that is forgotten after 32 s.
        name = transaction(data) if way == "udp" else case["name"]
        rounds[name in names].append((case, data))
        names.add(name)
    for number, (case, data) in enumerate(rounds[0] + [(None, b"")] * bool(rounds[1]) + rounds[1]):
        if case is None:
            time.sleep(33)
            continue
        expected = case[expectation]
        wanted = 2 if expected["answer"] == "twoAnswers" else 1
        answers, closed = wire.exchange(data, first(data.lstrip(b"\r\n"), b"call-id") if way == "udp" else b"", wanted)
        fault = judge(expectation, expected, answers, closed, data)
        began = time.monotonic()
        call_id = f"lab-{way}-{number}"
        good, _ = datagrams.exchange(ping(f"{way}-{number}", source), call_id.encode(), 1)
        took = (time.monotonic() - began) * 1000
        slowest = max(slowest, took)
        if [status(answer) for answer in good] != [200] or took > 100:
            fault = fault or f"the good request after it: {[status(answer) for answer in good]} in {took:.0f} ms"
        finals = [status(answer) for answer in answers if status(answer) >= 200]
        held, wrong = held + (not fault), wrong + bool(fault)
        print(f"{'FAIL' if fault else 'PASS'}  {way:5} {case['name']:34} {finals or 'silence'}{' closed' if closed else ''}  {fault}")
    print(f"{way}: {held} held, {wrong} did not; slowest good request {slowest:.0f} ms")
    return 1 if wrong else 0


if __name__ == "__main__":
    if len(sys.argv) != 5 or sys.argv[1] not in ("udp", "tcp", "bytes"):
        sys.exit(__doc__)
    sys.exit(main(*sys.argv[1:]))
