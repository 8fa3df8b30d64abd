"""At half of the saturated rate: latency of the acknowledgement, and from a webhook to the long poll that tells of it."""

import re
import threading
import time

import load
import saturation
import webhooks

CONNECTIONS = 128


def probe_request(serial):
    """A call of its own, known by its name when it comes out again."""
    fields = {"event": "NOTIFY_START", "call_start": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(time.time() + 3 * 3600)),
              "pbx_call_id": f"in_feed{serial:036x}", "caller_id": "79000000000", "called_did": "79000000010"}
    return webhooks.zadarma_request(fields)


class FeedWatch(threading.Thread):
    """Reads the whole feed by long poll and notes when each probe came out."""

    def __init__(self, port, key):
        super().__init__(daemon=True)
        self.client, self.seen, self.changes, self.ending = load.Client(port, key), {}, 0, False
        self.cursor = None
        while True:  # from the end of what is there
            page = self.page(0)
            if b'"has_more":false' in page[-40:]:
                break

    def page(self, wait):
        cursor = f"&cursor={self.cursor}" if self.cursor else ""
        status, page = self.client.get(f"/api/v1/changes?limit=1000&wait={wait}{cursor}")
        if status != 200:
            raise SystemExit(f"bench: /changes answered {status}")
        self.cursor = load.next_cursor(page)
        return page

    def run(self):
        while not self.ending:
            page = self.page(1)
            now = time.monotonic()
            self.changes += page.count(b'{"cursor":')
            for name in re.findall(rb'"in_feed([0-9a-f]{36})"', page):
                self.seen.setdefault(int(name, 16), now)


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else None


def measure(gateway, key, requests, rate, seconds, typical_latency_us):
    """wrk with pauses makes the load; one probe each 20 ms is timed from its first byte to the feed's answer."""
    watch = FeedWatch(gateway.port, key)
    watch.start()
    pause = max(1.0, CONNECTIONS / rate * 1000 - typical_latency_us / 1000)
    result = {}

    def run_load():
        result.update(load.wrk(gateway.port, requests, CONNECTIONS, seconds, pause=pause))

    background = threading.Thread(target=run_load)
    sender, sent, acks = load.Client(gateway.port), {}, []
    before = gateway.cpu()
    background.start()
    serial = 0
    while background.is_alive():
        serial += 1
        sent[serial] = begin = time.monotonic()
        sender.exchange(probe_request(serial))
        acks.append(time.monotonic() - begin)
        time.sleep(max(0, 0.02 - (time.monotonic() - begin)))
    used = sum(saturation.spent(before, gateway.cpu()).values())
    deadline = time.monotonic() + 3
    while len(watch.seen) < len(sent) and time.monotonic() < deadline:
        time.sleep(0.05)
    watch.ending = True
    delays = [watch.seen[serial] - moment for serial, moment in sent.items() if serial in watch.seen]
    result.update(
        cpu_us=used / result["requests"] * 1e6, wanted_rate=rate, probes=len(sent), probes_unseen=len(sent) - len(delays), feed_changes=watch.changes,
        feed_p50_ms=percentile(delays, 0.5) * 1e3 if delays else None,
        feed_p99_ms=percentile(delays, 0.99) * 1e3 if delays else None,
        probe_ack_p99_ms=percentile(acks, 0.99) * 1e3, lag_at_end=load.metrics(gateway.port)["lag"])
    return result
