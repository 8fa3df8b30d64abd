"""Measures the gateway against what else one could run. Started by scripts/bench.sh; see README.md beside this file."""

import argparse
import datetime
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import changes
import halfload
import idle
import load
import memory
import report
import routing
import rtp
import saturation
import sip
import webhooks
from contenders import Gateway, Nginx, PHP, make_certificate, raise_file_limit

SCENARIOS = ["saturation", "half", "changes", "answers", "routing", "idle", "start", "sip", "rtp", "micro"]
# Only where they are asked for: they take long.
LONG = ["memory"]


class Plan:
    """How much is done; `quick` is for looking, not for the baseline."""

    def __init__(self, quick):
        self.limit = 180 if quick else 720
        self.rounds = 1 if quick else 3
        self.seconds = 4 if quick else 8
        self.drain = 5 if quick else 15
        self.requests = 300_000 if quick else 700_000
        self.half_rounds = 1 if quick else 3
        self.half_seconds = 5 if quick else 10
        self.calls = 100_000 if quick else 1_250_000
        self.caught_up_calls = 100_000 if quick else 1_000_000
        self.pages = 500 if quick else 2000
        self.routing_rounds = 1 if quick else 3
        self.questions = 600 if quick else 2000
        self.sip_rounds = 1 if quick else 3
        self.sip_calls = 500 if quick else 2000
        self.rtp_rounds = 1 if quick else 3
        self.rtp_seconds = 3 if quick else 6
        self.options = 5000 if quick else 20_000
        self.idle = 2000 if quick else 10_000
        self.starts = 5 if quick else 20
        self.memory_calls = 100_000 if quick else 1_000_000


class Bench:
    def __init__(self, options, plan, folder):
        self.options, self.plan, self.folder = options, plan, folder
        self.requests, self.pings = f"{folder}/requests", f"{folder}/pings"
        self.results = {"date": datetime.date.today().isoformat(), "quick": options.quick}
        self.fixtures = os.path.join(options.root, "Tests/Fixtures")

    def say(self, text):
        print(f"[{time.monotonic() - self.begin:5.0f} s] {text}", file=sys.stderr, flush=True)

    def run(self):
        self.begin = time.monotonic()
        raise_file_limit()
        self.certificate = make_certificate(self.folder)
        self.results["machine"] = report.machine()
        self.say(f"writing {self.plan.requests:,} signed requests")
        webhooks.write_files(self.folder, self.fixtures, self.plan.requests, load.THREADS)
        webhooks.write_pings(self.folder, load.THREADS)
        for name in SCENARIOS + LONG:
            if name in self.options.only:
                getattr(self, name)()
        return self.results

    def gateway(self, name, **options):
        return Gateway(self.options.binary, f"{self.folder}/{name}", **options)

    def note(self, name, run):
        extra = f", catch-up {run['catch_up_rate']:,.0f}/s" if run.get("catch_up_rate") else ""
        self.say(f"{name}: {run['rate']:,.0f}/s, CPU {run.get('cpu_us', 0):.1f} µs, p99 {run['p99_us'] / 1e3:.1f} ms{extra}")
        if run["rounds"] and name.startswith("kommutator") and "answers" not in name:
            raise SystemExit("bench: there were too few requests for the time; some went twice")

    # Scenarios

    def saturation(self):
        runs = self.results["saturation"] = {}
        with Nginx(f"{self.folder}/nginx", *self.certificate) as nginx, PHP(f"{self.folder}/php", *self.certificate) as php:
            nginx.start(), php.start()
            for _ in range(self.plan.rounds):
                for connections in (64, 512):
                    for name, measure in (("nginx", self.static(nginx)), ("kommutator", self.durable), ("php", self.php(php))):
                        run = measure(connections)
                        runs.setdefault(f"{name} {connections}", []).append(run)
                        self.note(f"{name} {connections}", run)

    def static(self, nginx):
        return lambda connections: saturation.measure(nginx, self.requests, connections, self.plan.seconds)[0]

    def php(self, php):
        def measure(connections):
            before = php.stored()
            run = saturation.measure(php, self.requests, connections, self.plan.seconds)[0]
            run["stored"] = php.stored() - before
            return run
        return measure

    def durable(self, connections):
        with self.gateway("gateway") as gateway:
            gateway.start()
            return saturation.measure_gateway(gateway, self.requests, connections, self.plan.seconds, self.plan.drain)

    def half(self):
        saturated = self.results.get("saturation", {}).get("kommutator 64")
        if not saturated:
            with self.gateway("gateway") as gateway:
                gateway.start()
                saturated = [load.wrk(gateway.port, self.requests, 64, self.plan.seconds)]
        rate, latency = report.median(saturated, "rate") / 2, 1000
        self.results["half_load"] = []
        for _ in range(self.plan.half_rounds):
            with self.gateway("gateway") as gateway:
                gateway.start()
                run = halfload.measure(gateway, gateway.make_key(), self.requests, rate, self.plan.half_seconds, latency)
            self.results["half_load"].append(run)
            self.note("kommutator half load", run)
            self.say(f"webhook to long poll: p99 {run['feed_p99_ms'] or -1:.1f} ms, {run['probes_unseen']} unseen")

    def changes(self):
        with self.gateway("feed") as gateway:
            gateway.start()
            key = gateway.make_key()
            load.wrk(gateway.port, self.requests, 64, 2)
            saturation.drain(gateway, 30)
        data = f"{self.folder}/feed/data"
        self.say(f"filling a journal with {self.plan.calls:,} calls")
        filled = changes.fill(f"{data}/journal.sqlite", self.plan.calls, 8)
        self.say(f"filled: {filled['file_megabytes']:,.0f} MB")
        with self.gateway("feed", data=data) as gateway:
            gateway.start()
            caught, cursors = changes.catch_up(gateway.port, key, self.plan.caught_up_calls)
            pages = changes.random_pages(gateway.port, key, cursors, self.plan.pages)
        shutil.rmtree(data)
        self.results["changes"] = {"fill": filled, "catch_up": caught, "pages": pages}
        self.say(f"catch-up {caught['rate']:,.0f} calls/s, page p99 {pages['p99_ms']:.2f} ms")

    def answers(self):
        """Requests that are verified and answered but not kept, plain and over TLS; and over TLS the durable ones."""
        runs = self.results["answers"] = {}
        with Nginx(f"{self.folder}/nginx", *self.certificate) as nginx, self.gateway("plain") as plain, \
                self.gateway("tls", tls=self.certificate) as secured:
            nginx.start(), plain.start(), secured.start()
            contenders = [
                ("nginx", nginx, self.pings, False), ("kommutator", plain, self.pings, False),
                ("nginx, TLS", nginx, self.pings, True), ("kommutator, TLS", secured, self.pings, True),
                ("kommutator durable, TLS", secured, self.requests, True)]
            for _ in range(self.plan.rounds):
                for name, server, requests, tls in contenders:
                    run = saturation.measure(server, requests, 64, self.plan.seconds, tls=tls)[0]
                    runs.setdefault(name, []).append(run)
                    self.note(f"{name} (answers)", run)

    def routing(self):
        runs = self.results["routing"] = []
        for _ in range(self.plan.routing_rounds):
            with routing.CRM() as crm, self.gateway("routing", lookup=f"http://127.0.0.1:{crm.port}/") as gateway:
                gateway.start()
                run = routing.measure(gateway, crm, self.plan.questions)
            runs.append(run)
            self.say(f"routing: added to the CRM's {run['crm_p50_ms']:.1f} ms: p50 {run['added_p50_ms']:.2f} ms, "
                     f"p99 {run['added_p99_ms']:.2f} ms; cached p99 {run['cached_p99_ms']:.2f} ms")

    def idle(self):
        self.results["idle"] = {}
        for kind, tls in (("plain", None), ("TLS", self.certificate)):
            with self.gateway("idle", tls=tls) as gateway:
                gateway.start()
                found = self.results["idle"][kind] = idle.bytes_each(gateway, self.plan.idle, bool(tls))
            self.say(f"idle connection, {kind}: {found['bytes']:,.0f} bytes")

    def start(self):
        found = self.results["start"] = idle.starts(self.options.binary, f"{self.folder}/start", self.plan.starts)
        self.say(f"start: {found['median_ms']:.1f} ms, {found['resident_megabytes']:.1f} MB at rest")

    def sip(self):
        runs = self.results["sip"] = {}
        for _ in range(self.plan.sip_rounds):
            for name in ("kamailio", "kommutator"):
                called = sip.Called(f"{self.folder}/called")
                server = (sip.Kamailio(f"{self.folder}/kamailio", called.port) if name == "kamailio"
                          else sip.PBX(self.options.binary, f"{self.folder}/pbx", called.port))
                with server, called:
                    server.start(), called.start()
                    run = {"options": sip.measure_options(server, self.plan.options, 1000),
                           "call": sip.measure_calls(server, self.plan.sip_calls, 100)}
                runs.setdefault(name, []).append(run)
                parts = ", ".join(f"{part} {us:.0f}" for part, us in sorted(run["call"]["parts"].items(), key=lambda one: -one[1])[:5])
                self.say(f"{name}: OPTIONS {run['options']['us']:.1f} µs ({run['options']['done']} of {run['options']['wanted']}), "
                         f"call {run['call']['us']:.0f} µs ({run['call']['done']} of {run['call']['wanted']}; {parts})")

    def rtp(self):
        """Relays of 500 calls in turn, ours with recordings, too, then 1,000 calls on two loops: the load is on the same cores."""
        binary = self.options.micro
        if not binary:
            return
        runs, seconds = self.results.setdefault("rtp", {}), self.plan.rtp_seconds
        for _ in range(self.plan.rtp_rounds):
            with rtp.RTPEngine(f"{self.folder}/rtpengine").start() as engine:
                found = {"rtpengine": rtp.measure_engine(binary, engine, 500, seconds)}
            found["kommutator"] = rtp.measure_ours(binary, self.folder, 500, seconds)
            found["recorded"] = rtp.measure_ours(binary, self.folder, 500, seconds, "recorded")
            found["1000 calls"] = rtp.measure_ours(binary, self.folder, 1000, seconds, "two-loops")
            for name, run in found.items():
                runs.setdefault(name, []).append(run)
                self.say(f"RTP, {name}: {run['us']:.2f} µs a packet, {run['lost']:.3f} % lost, p99 {run['p99_us']} µs")

    def memory(self):
        with self.gateway("memory") as gateway:
            gateway.start()
            found = self.results["memory"] = memory.measure(gateway, self.options.binary, self.plan.memory_calls, self.say)
        shutil.rmtree(f"{self.folder}/memory")
        sizes = ", ".join(f"{size:.0f} MB after {share}" for share, size in found["megabytes"].items())
        self.say(f"memory: {sizes} of {found['calls']:,} calls in {found['seconds']:.0f} s")

    def micro(self):
        if self.options.micro:
            done = subprocess.run([self.options.micro], capture_output=True, text=True, check=True)
            self.results["micro"] = done.stdout.strip().splitlines()


def read_options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", required=True, help="the clone")
    parser.add_argument("--binary", required=True, help="kommutator, built for release")
    parser.add_argument("--micro", help="the product `benchmarks`, built for release")
    parser.add_argument("--quick", action="store_true", help="three minutes at most, one round")
    parser.add_argument("--only", type=lambda text: text.split(","), default=SCENARIOS, help=",".join(SCENARIOS + LONG))
    parser.add_argument("--baseline", action="store_true", help="write Tests/Benchmarks/Baseline.md")
    return parser.parse_args()


def save(results, options):
    folder = os.path.join(options.root, "bench-results")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, datetime.datetime.now().strftime("%Y-%m-%d-%H%M%S.json"))
    with open(path, "w") as file:
        json.dump({**results, "goals": report.goals(results)}, file, indent=1)
    text = report.document(results, "make bench")
    if options.baseline:
        with open(os.path.join(options.root, "Tests/Benchmarks/Baseline.md"), "w") as file:
            file.write(text)
    print(text)
    print(f"figures: {os.path.relpath(path, options.root)}", file=sys.stderr)


def give_up(*_):
    raise SystemExit("bench: the time is up")


def main():
    options = read_options()
    plan = Plan(options.quick)
    signal.signal(signal.SIGALRM, give_up)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    # A million calls take as long as they take.
    signal.alarm(plan.limit + (7200 if set(LONG) & set(options.only) else 0))
    folder = tempfile.mkdtemp(prefix="kommutator-bench-", dir=os.environ.get("BENCH_FOLDER"))
    bench = Bench(options, plan, folder)
    try:
        save(bench.run(), options)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
