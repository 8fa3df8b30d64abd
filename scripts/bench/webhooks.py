"""Signed webhooks of Mango and Zadarma with fresh identifiers, as ready HTTP requests.

The calls are those of Tests/Fixtures, told again and again under new names, numbers and times, and signed anew. Many calls
are under way at once, as on a real line: two requests of one call are always far apart, so they arrive in their order.

A file of requests is a row of `LENGTH (8 hex digits) REQUEST`; `requests.lua` reads it.
"""

import base64
import hashlib
import hmac
import json
import multiprocessing
import os
import random
import re
import time
from urllib.parse import parse_qsl, quote_plus

MANGO = {"api_key": "bench0mango0key0" * 2, "api_salt": "bench0mango0salt" * 2}
ZADARMA = {"key": "bench0zadarma0key00" , "secret": "bench0zadarma0secre"}

MANGO_CALLS = ["inbound-answered", "inbound-group-ring-several", "inbound-missed-caller-hangup", "inbound-group-missed",
               "inbound-blind-transfer", "outbound-answered"]
ZADARMA_CALLS = ["inbound-answered", "inbound-group", "inbound-missed", "inbound-transferred", "outbound-answered"]
"""Two calls in three are Mango's."""
MANGO_SHARE = 2 / 3
"""Calls that one file has under way at once."""
CALLS_UNDER_WAY = 1024

MANGO_NAMES = ("entry_id", "call_id", "taken_from_call_id", "recording_id", "sip_call_id", "command_id")
ZADARMA_SIGNED = {
    "NOTIFY_START": ("caller_id", "called_did", "call_start"), "NOTIFY_INTERNAL": ("caller_id", "called_did", "call_start"),
    "NOTIFY_END": ("caller_id", "called_did", "call_start"), "NOTIFY_ANSWER": ("caller_id", "destination", "call_start"),
    "NOTIFY_OUT_START": ("internal", "destination", "call_start"),
    "NOTIFY_OUT_END": ("internal", "destination", "call_start"), "NOTIFY_RECORD": ("pbx_call_id", "call_id_with_rec"),
}
FICTIONAL_NUMBER = re.compile(r"7900000\d{4}")


def http_request(path, body, headers=()):
    """One POST as it goes over the wire."""
    lines = [f"POST {path} HTTP/1.1", "Host: bench.example", "User-Agent: bench", "Accept: */*",
             "Content-Type: application/x-www-form-urlencoded", f"Content-Length: {len(body)}", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


def sign_mango(text):
    return hashlib.sha256((MANGO["api_key"] + text + MANGO["api_salt"]).encode()).hexdigest()


def sign_zadarma(text):
    digest = hmac.new(ZADARMA["secret"].encode(), text.encode(), hashlib.sha1).hexdigest()
    return base64.b64encode(digest.encode()).decode()


def mango_request(path, text):
    body = f"vpbx_api_key={MANGO['api_key']}&sign={sign_mango(text)}&json={quote_plus(text)}"
    return http_request("/hooks/mango/" + path.strip("/"), body)


def zadarma_request(fields):
    body = "&".join(f"{name}={quote_plus(value)}" for name, value in fields.items())
    signed = "".join(fields.get(name, "") for name in ZADARMA_SIGNED[fields["event"]])
    return http_request("/hooks/zadarma", body, [f"Signature: {sign_zadarma(signed)}"])


def fresh_number(chance):
    """One of ten thousand numbers that nobody has."""
    return f"7900000{chance.randrange(10_000):04d}"


class MangoCall:
    """The JSON texts of one recorded contact, ready to be told under other names."""

    def __init__(self, folder):
        with open(os.path.join(folder, "requests.json")) as file:
            requests = json.load(file)
        self.messages = []
        names, numbers, times = set(), set(), []
        for request in requests:
            if not request["path"].startswith("/events/"):
                continue
            text = dict(parse_qsl(request["body"]))["json"]
            self.messages.append((request["path"], text))
            names |= {value for key, value in re.findall(r'"(\w+)":"([^"]+)"', text) if key in MANGO_NAMES}
            numbers |= set(FICTIONAL_NUMBER.findall(text))
            times += [int(value) for value in re.findall(r"\b(1[67]\d{8})\b", text)]
        self.names, self.numbers, self.end = sorted(names), sorted(numbers), max(times)
        self.varying = re.compile("|".join(map(re.escape, self.names + self.numbers)) + r"|\b1[67]\d{8}\b")

    def tell(self, serial, now, chance):
        names = {name: base64.b64encode(f"{serial}:{index}".encode()).decode() for index, name in enumerate(self.names)}
        names.update({number: fresh_number(chance) for number in self.numbers})
        shift = now - self.end

        def replaced(match):
            word = match.group()
            return names.get(word) or str(int(word) + shift)

        for path, text in self.messages:
            yield mango_request(path, self.varying.sub(replaced, text))


class ZadarmaCall:
    """The fields of one recorded call, ready to be told under other names."""

    def __init__(self, folder):
        with open(os.path.join(folder, "requests.json")) as file:
            requests = json.load(file)
        self.messages = [dict(parse_qsl(request["body"])) for request in requests]
        self.direction = self.messages[0]["pbx_call_id"].split("_")[0]

    def tell(self, serial, now, chance):
        number = fresh_number(chance)
        start = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now - 120 + 3 * 3600))
        other = "destination" if self.direction == "out" else "caller_id"
        call = f"{self.direction}_{hashlib.sha1(serial.encode()).hexdigest()}"
        for message in self.messages:
            fields = dict(message)
            fields["pbx_call_id"] = call
            if "call_start" in fields:
                fields["call_start"] = start
            if len(fields.get(other, "")) > 5:
                fields[other] = number
            if "call_id_with_rec" in fields:
                fields["call_id_with_rec"] = f"{now}.{serial}"
            yield zadarma_request(fields)


def calls_without_end(fixtures, seed):
    """Requests of many calls, interleaved."""
    chance = random.Random(seed)
    mango = [MangoCall(os.path.join(fixtures, "mango", name)) for name in MANGO_CALLS]
    zadarma = [ZadarmaCall(os.path.join(fixtures, "zadarma", name)) for name in ZADARMA_CALLS]
    now, count = int(time.time()), 0

    def begin():
        nonlocal count
        count += 1
        kind = chance.choice(mango if chance.random() < MANGO_SHARE else zadarma)
        return kind.tell(f"{seed}-{now}-{count}", now, chance)

    under_way = [begin() for _ in range(CALLS_UNDER_WAY)]
    for call in under_way:  # so that not all are in the same place of their story
        for _ in range(chance.randrange(8)):
            next(call, None)
    while True:
        for index in range(CALLS_UNDER_WAY):
            request = next(under_way[index], None)
            if request is None:
                under_way[index] = begin()
                request = next(under_way[index])
            yield request


def write_file(path, fixtures, count, seed):
    """Writes `count` requests."""
    requests = calls_without_end(fixtures, seed)
    with open(path, "wb", buffering=1 << 20) as file:
        for _ in range(count):
            request = next(requests)
            file.write(b"%08x" % len(request))
            file.write(request)


def write_files(folder, fixtures, count, files):
    """Writes `count` requests into `files` files, one for each thread of the client, one process a file."""
    paths = [os.path.join(folder, f"requests.{index}") for index in range(files)]
    work = [multiprocessing.Process(target=write_file, args=(path, fixtures, count // files, index))
            for index, path in enumerate(paths)]
    for one in work:
        one.start()
    for one in work:
        one.join()
        if one.exitcode:
            raise SystemExit("bench: the requests could not be written")
    return paths


def write_pings(folder, files):
    """Files with one request that is verified and answered but not kept: Mango's connection check."""
    request = mango_request("ping", '{"check":"' + "x" * 300 + '"}')
    for index in range(files):
        with open(os.path.join(folder, f"pings.{index}"), "wb") as file:
            file.write(b"%08x" % len(request) + request)
