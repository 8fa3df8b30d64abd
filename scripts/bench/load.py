"""Load by wrk, and a plain client for everything that must be seen answer by answer."""

import json
import os
import re
import socket
import ssl
import subprocess
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
THREADS = 2


def wrk(port, requests, connections, seconds, pause=0.0, tls=False):
    """Runs wrk with its share of the machine; the summary of `requests.lua`, and `rate` in answers a second."""
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/"
    done = subprocess.run(
        ["wrk", f"-t{THREADS}", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", f"{HERE}/requests.lua", url],
        env=dict(os.environ, REQUESTS=requests, PAUSE=str(pause)), capture_output=True, text=True)
    lines = done.stdout.strip().splitlines()
    if done.returncode or not lines or not lines[-1].startswith("{"):
        raise SystemExit(f"bench: wrk failed\n{done.stdout}{done.stderr}")
    summary = json.loads(lines[-1])
    summary["rate"] = (summary["requests"] - summary["refused"]) / summary["seconds"]
    return summary


def metrics(port, tls=False):
    """Positions of the gateway, from /metrics: `raw`, `lag`, `change`."""
    context = ssl._create_unverified_context() if tls else None
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/metrics"
    with urllib.request.urlopen(url, timeout=10, context=context) as answer:
        text = answer.read().decode()
    names = {"raw": "kommutator_raw_position", "lag": "kommutator_ledger_lag_records", "change": "kommutator_change_position"}
    return {short: int(float(re.search(rf"^{name} (\S+)$", text, re.M).group(1))) for short, name in names.items()}


class Client:
    """One keep-alive connection; `exchange` sends bytes and gives status and body of the answer."""

    def __init__(self, port, key=None, timeout=60):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.key, self.buffer = key, bytearray(1 << 20)

    def get(self, path):
        head = f"GET {path} HTTP/1.1\r\nHost: bench.example\r\nAuthorization: Bearer {self.key}\r\n\r\n"
        return self.exchange(head.encode())

    def exchange(self, request):
        self.socket.sendall(request)
        have, length, start = 0, None, 0
        while length is None or have < start + length:
            if have == len(self.buffer):
                self.buffer.extend(bytes(len(self.buffer)))
            with memoryview(self.buffer) as view:
                count = self.socket.recv_into(view[have:])
            if not count:
                raise SystemExit("bench: the server hung up")
            have += count
            if length is None and (end := self.buffer.find(b"\r\n\r\n", 0, have)) >= 0:
                head, start = bytes(self.buffer[:end]).decode("latin-1"), end + 4
                length = int(re.search(r"content-length: *(\d+)", head, re.I).group(1))
        status = int(self.buffer[9:12])
        return status, bytes(self.buffer[start:start + length])


def next_cursor(page):
    """The cursor at the end of a page of /changes, without reading all of it."""
    return re.search(rb'"next_cursor":"(\w+)"', page[-200:]).group(1).decode()
