"""What asking the CRM adds: a provider's question that waits for the CRM's word, against the CRM's own time for the same question."""

import json
import multiprocessing
import socket
import statistics
import threading
import time

import load
import webhooks

CLIENTS = 4
"""Seconds that the CRM thinks."""
THINKING = 0.02


class CRM:
    """A CRM in a process of its own: knows everybody, thinks for a fixed while, and notes how long each question really took."""

    def __enter__(self):
        self.pipe, other = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=self.serve, args=(other,), daemon=True)
        self.process.start()
        self.port = self.pipe.recv()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.join()

    def times(self):
        """Seconds by number, from the last byte of the question to the first of the answer's sending."""
        self.pipe.send("times")
        return self.pipe.recv()

    @staticmethod
    def serve(pipe):
        listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        took = {}
        threading.Thread(target=CRM.accept, args=(listener, took), daemon=True).start()
        pipe.send(listener.getsockname()[1])
        while pipe.recv():
            pipe.send(dict(took))

    @staticmethod
    def accept(listener, took):
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=CRM.answer, args=(connection, took), daemon=True).start()

    @staticmethod
    def answer(connection, took):
        body = b'{"name":"Bench","responsible":{"extension":"101"}}'
        reply = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        received = b""
        while True:
            chunk = connection.recv(65536)
            begin = time.monotonic()
            if not chunk:
                return
            received += chunk
            head, separator, rest = received.partition(b"\r\n\r\n")
            if not separator:
                continue
            length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
            if len(rest) < length:
                continue
            number = json.loads(rest[:length])["number"]["raw"]
            received = rest[length:]
            time.sleep(THINKING)
            took[number] = time.monotonic() - begin
            connection.sendall(reply)


def question(number):
    """The start of a call from a number that is asked about for the first time."""
    return webhooks.zadarma_request({
        "event": "NOTIFY_START", "call_start": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 3 * 3600)),
        "pbx_call_id": f"in_ask{number}", "caller_id": number, "called_did": "79000000010"})


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def ask(port, numbers, waited, strange):
    client = load.Client(port)
    requests = [(number, question(number)) for number in numbers]
    for number, request in requests:
        begin = time.monotonic()
        status, body = client.exchange(request)
        waited[number] = time.monotonic() - begin
        if status != 200 or b'"redirect":"101"' not in body:
            strange.append((status, bytes(body)))


def measure(gateway, crm, count):
    """`count` questions by a few clients at once; the cached ones are asked again."""
    numbers = [f"7900000{serial:04d}" for serial in range(count)]
    for number in numbers[:50]:  # connections, pages and code that is used for the first time
        load.Client(gateway.port).exchange(question(number))
    numbers = numbers[50:]
    waited, again, strange = {}, {}, []
    for results in (waited, again):
        threads = [threading.Thread(target=ask, args=(gateway.port, numbers[start::CLIENTS], results, strange))
                   for start in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    if strange:
        raise SystemExit(f"bench: {len(strange)} answers were others, as {strange[0]}")
    own = crm.times()
    added = [waited[number] - own[number] for number in numbers]
    return {
        "questions": len(numbers), "crm_p50_ms": statistics.median(own[number] for number in numbers) * 1e3,
        "added_p50_ms": statistics.median(added) * 1e3, "added_p99_ms": percentile(added, 0.99) * 1e3,
        "added_max_ms": max(added) * 1e3, "cached_p50_ms": statistics.median(again.values()) * 1e3,
        "cached_p99_ms": percentile(list(again.values()), 0.99) * 1e3}
