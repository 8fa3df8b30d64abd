"""From measurements to tables: what was wanted, what was measured, whether it is enough."""

import os
import platform
import re
import statistics
import subprocess


def machine():
    """What the figures were taken on."""
    def output(*command):
        try:
            done = subprocess.run(command, capture_output=True, text=True)
            return (done.stdout + done.stderr).strip().splitlines()[0]
        except (OSError, IndexError):
            return "unknown"

    with open("/proc/cpuinfo") as file:
        model = next((line.split(":", 1)[1].strip() for line in file if line.startswith("model name")), "unknown")
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1024
    commit = output("git", "rev-parse", "--short", "HEAD")
    dirty = subprocess.run(["git", "diff", "--quiet", "HEAD", "--", "Sources"], capture_output=True).returncode != 0
    return {
        "processor": f"{model}, {os.cpu_count()} cores", "memory": f"{memory} MB", "system": f"Linux {platform.release()}",
        "file system": output("findmnt", "-n", "-o", "FSTYPE,OPTIONS", "-T", os.environ.get("BENCH_FOLDER", "/tmp")),
        "swift": output(os.environ.get("SWIFT", "swift"), "--version"),
        "sqlite": output("php", "-r", "echo SQLite3::version()['versionString'];"), "openssl": output("openssl", "version"),
        "nginx": output("/usr/sbin/nginx", "-v"), "php": output("php", "-v"), "commit": commit + (" with changes" if dirty else ""),
    }


def median(runs, *path):
    """The median of a figure over runs; `path` leads into each. None where none has it."""
    values = []
    for run in runs or []:
        for step in path:
            run = run.get(step) if run is not None else None
        if run is not None:
            values.append(run)
    return statistics.median(values) if values else None


def spread(runs, name):
    values = [run[name] for run in runs]
    return f"{min(values):,.0f}–{max(values):,.0f}"


def ratio(one, other):
    return one / other if one is not None and other else None


class Goals:
    """Rows of the first table."""

    def __init__(self):
        self.rows = []

    def add(self, name, measured, limit, text, note="", at_most=False):
        """A goal: `measured` must reach `limit`, or stay within it. None was not measured."""
        verdict = "–" if measured is None else "pass" if (measured <= limit if at_most else measured >= limit) else "MISS"
        self.rows.append({
            "name": name, "goal": ("≤ " if at_most else "≥ ") + text.format(limit),
            "measured": "not measured" if measured is None else text.format(measured), "note": note,
            "of_goal": None if measured is None else round(measured / limit, 3), "verdict": verdict})


def goals(results):
    """All goals of the gateway's figures."""
    rows, saturation, answers = Goals(), results.get("saturation", {}), results.get("answers", {})

    def of(contender, connections):
        return saturation.get(f"{contender} {connections}")

    for connections, share in ((64, 45), (512, 70)):
        ours, static = median(of("kommutator", connections), "rate"), median(of("nginx", connections), "rate")
        percent = ratio(ours, static)
        rows.add(f"durable acknowledgements, {connections} connections, share of nginx `return 200`",
                 percent and percent * 100, share, "{:.0f} %", f"{ours:,.0f}/s of {static:,.0f}/s" if percent else "")
    ours, php = of("kommutator", 64), of("php", 64)
    rows.add("the same against php-fpm + SQLite, 64 connections", ratio(median(ours, "rate"), median(php, "rate")), 15, "{:.1f}x")
    rows.add("CPU a webhook, php-fpm + SQLite over ours", ratio(median(php, "cpu_us"), median(ours, "accept_us")), 30, "{:.1f}x")
    for connections in (64, 512):
        ours, static = of("kommutator", connections), median(of("nginx", connections), "cpu_us")
        for title, name, limit in (("accept path", "accept_us", 1.7), ("with decode, fold and commit", "total_us", 4)):
            used = median(ours, name)
            rows.add(f"CPU a webhook, {title}, over nginx, {connections} connections", ratio(used, static), limit, "{:.2f}x",
                     f"{used:.1f} µs over {static:.1f} µs" if used and static else "", at_most=True)
    both = (of("kommutator", 64) or []) + (of("kommutator", 512) or [])
    rows.add("ledger's catch-up", median(both, "catch_up_rate"), 25_000, "{:,.0f} events/s")
    for connections, limit in ((64, 10), (512, 30)):
        worst = median(of("kommutator", connections), "p99_us")
        rows.add(f"p99 of the acknowledgement at saturation, {connections} connections", worst and worst / 1e3, limit,
                 "{:.1f} ms", at_most=True)
    half = results.get("half_load")
    acknowledged = median(half, "p99_us")
    rate = median(half, "rate")
    rows.add("p99 of the acknowledgement at half load", acknowledged and acknowledged / 1e3, 5, "{:.1f} ms",
             f"{rate:,.0f}/s" if rate else "", at_most=True)
    rows.add("p99 from webhook to long poll at half load", median(half, "feed_p99_ms"), 20, "{:.1f} ms", at_most=True)
    feed = results.get("changes", {})
    rows.add("`/changes` catch-up over one connection", feed.get("catch_up", {}).get("rate"), 50_000, "{:,.0f} calls/s",
             f"{feed['catch_up']['calls']:,} calls" if feed else "")
    rows.add("`/changes` page of 200 from any cursor, p99", feed.get("pages", {}).get("p99_ms"), 5, "{:.2f} ms",
             f"{feed['fill']['events']:,} events in the journal" if feed else "", at_most=True)
    ours, static = median(answers.get("kommutator, TLS"), "rate"), median(answers.get("nginx, TLS"), "rate")
    rows.add("TLS keep-alive, verified and answered, over nginx TLS", ratio(ours, static), 0.95, "{:.2f}x",
             f"{ours:,.0f}/s over {static:,.0f}/s" if ours and static else "")
    asked = results.get("routing")
    rows.add("routing by the CRM: added to the CRM's own time, p99", median(asked, "added_p99_ms"), 2, "{:.2f} ms",
             f"CRM {median(asked, 'crm_p50_ms'):.1f} ms; from memory p99 {median(asked, 'cached_p99_ms'):.2f} ms" if asked else "",
             at_most=True)
    idle = results.get("idle", {})
    for kind, limit in (("plain", 1), ("TLS", 16)):
        each = idle.get(kind, {}).get("bytes")
        rows.add(f"memory of an idle connection, {kind}", None if each is None else each / 1024, limit, "{:.2f} KB", at_most=True)
    start = results.get("start", {})
    rows.add("memory at rest", start.get("resident_megabytes"), 25, "{:.1f} MB", at_most=True)
    played = results.get("memory", {})
    rows.add("growth of memory from 30 % of the calls on", played["growth"] * 100 if played else None, 10, "{:.1f} %",
             f"{played['calls']:,} calls; {played['settled_megabytes']:.0f} MB, then {played['most_megabytes']:.0f} MB at most"
             if played else "", at_most=True)
    rows.add("start to listening, median", start.get("median_ms"), 50, "{:.0f} ms", at_most=True)
    spread = re.search(r"adapters, decode \+ fold: ([\d.]+)x between (.*)", "\n".join(results.get("micro") or []))
    rows.add("CPU an event, decode and fold, the slowest adapter over the fastest", spread and float(spread[1]), 4, "{:.2f}x",
             spread[2] if spread else "", at_most=True)
    calls = results.get("sip", {})
    rows.add("CPU of a SIP OPTIONS", median(calls.get("kommutator"), "options", "us"), 20, "{:.1f} µs",
             f"Kamailio {median(calls.get('kamailio'), 'options', 'us'):.1f} µs" if calls else "", at_most=True)
    # What a proxy does too: the PBX's own thread. Records, journal and ledger are beside it in the note.
    ours, proxy = median(calls.get("kommutator"), "call", "parts", "pbx"), median(calls.get("kamailio"), "call", "us")
    whole = median(calls.get("kommutator"), "call", "us")
    note = f"Kamailio {proxy:.0f} µs; with sound, records, journal and ledger {whole:.0f} µs" if calls else ""
    rows.add("CPU of a call through the PBX, signalling", ours, 450, "{:.0f} µs", note, at_most=True)
    rows.add("the same over Kamailio as a stateful proxy", ratio(ours, proxy), 0.6, "{:.2f}x", at_most=True)
    sound = results.get("rtp", {})
    relay, engine = median(sound.get("kommutator"), "us"), median(sound.get("rtpengine"), "us")
    rows.add("CPU of a relayed RTP packet, 500 calls", relay, 6.5, "{:.2f} µs", f"rtpengine {engine:.2f} µs" if engine else "",
             at_most=True)
    rows.add("the same over rtpengine in user space", ratio(relay, engine), 0.65, "{:.2f}x", at_most=True)
    recorded = median(sound.get("recorded"), "us")
    rows.add("what recording adds to it", None if recorded is None else recorded - relay, 0.5, "{:.2f} µs", at_most=True)
    rows.add("RTP packets lost, 1,000 calls and their load on the same cores", median(sound.get("1000 calls"), "lost"), 0.1,
             "{:.3f} %", at_most=True)
    invite = re.search(r"sip, parse INVITE of (\d+) bytes: ([\d.]+) µs", "\n".join(results.get("micro") or []))
    rows.add("CPU to parse a SIP INVITE", invite and float(invite[2]), 0.9, "{:.2f} µs",
             f"{invite[1]} bytes, 20 headers" if invite else "", at_most=True)
    return rows.rows


def table(head, rows):
    """A Markdown table, padded so that it reads well in a terminal too."""
    texts = [head, *[[str(cell) for cell in row] for row in rows]]
    widths = [max(len(row[index]) for row in texts) for index in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in texts]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def goal_table(results):
    return table(["what", "goal", "measured", "of goal", "", "note"],
                 [[row["name"], row["goal"], row["measured"], "" if row["of_goal"] is None else f"{row['of_goal']:.2f}",
                   row["verdict"], row["note"]] for row in goals(results)])


def runs_table(results):
    """Every contender, medians."""
    rows = []
    groups = [(name, runs) for name, runs in results.get("saturation", {}).items()]
    groups += [(f"{name} 64, answers only" if "durable" not in name else f"{name} 64", runs)
               for name, runs in results.get("answers", {}).items()]
    groups += [("kommutator half load", results["half_load"])] if results.get("half_load") else []
    for name, runs in groups:
        cpu = median(runs, "cpu_us")
        rows.append([
            name, len(runs), f"{median(runs, 'rate'):,.0f}", spread(runs, "rate"), f"{cpu:.1f}" if cpu else "",
            *[f"{median(runs, key) / 1e3:.1f}" for key in ("p50_us", "p99_us", "max_us")],
            sum(run["refused"] for run in runs), sum(run["broken"] for run in runs)])
    return table(["contender, connections", "runs", "answers/s", "spread", "CPU µs", "p50 ms", "p99 ms", "max ms", "refused",
                  "broken"], rows)


def parts_table(results):
    """Where a webhook's CPU goes."""
    rows = []
    for name, runs in results.get("saturation", {}).items():
        if runs and "parts_us" in runs[0]:
            for part in runs[0]["parts_us"]:
                rows.append([name, part, f"{median(runs, 'parts_us', part):.1f}"])
    return table(["contender, connections", "part", "CPU µs a webhook"], rows)


def document(results, command):
    """The whole report."""
    lines = ["# Benchmark baseline", "", f"Written by `{command}` on {results['date']}. Medians; alternated runs on one machine,",
             "the client on the same cores. Method and terms: `scripts/bench/README.md`.", ""]
    lines += [f"- {name}: {value}" for name, value in results["machine"].items()]
    lines += ["", "## Goals", "", goal_table(results), "", "## Runs", "", runs_table(results), "",
              "## CPU of a webhook, by part", "", parts_table(results), ""]
    if results.get("micro"):
        lines += ["## One event, by itself", "", "```", *results["micro"], "```", ""]
    return "\n".join(lines)
