"""As fast as answers come: accepted webhooks a second, CPU for each, latency; then how fast the ledger catches up."""

import time

import load

LEDGER_THREADS = {"ledger", "journal", "checkpoint"}


def spent(before, after):
    """CPU seconds by thread between two readings; threads that ended count as nothing."""
    return {name: seconds - before.get(name, 0) for name, seconds in after.items()}


def measure(contender, requests, connections, seconds, tls=False):
    """One run against any contender; `cpu_us` is CPU for each answer over all its processes."""
    before = contender.cpu()
    summary = load.wrk(contender.tls_port if tls else contender.port, requests, connections, seconds, tls=tls)
    threads = spent(before, contender.cpu())
    answered = max(1, summary["requests"] - summary["refused"])
    summary["cpu_us"] = sum(threads.values()) / answered * 1e6
    summary["threads_us"] = {name: used / answered * 1e6 for name, used in sorted(threads.items()) if used > 0}
    return summary, threads


def drain(gateway, deadline):
    """Waits until the ledger has caught up; samples of (moment, records behind, CPU by thread)."""
    samples = []
    end = time.monotonic() + deadline
    while True:
        lag = load.metrics(gateway.port)["lag"]
        samples.append((time.monotonic(), lag, gateway.cpu()))
        if lag == 0 or samples[-1][0] > end:
            return samples
        time.sleep(0.05)


def measure_gateway(gateway, requests, connections, seconds, drain_deadline):
    """One run against the gateway with real webhooks, and the catch-up behind it.

    The journal's thread writes both raw records and what the ledger derives. While catching up it only does the latter:
    that cost for each record is taken off what it used under load, and the rest is the raw records' share.
    """
    first = load.metrics(gateway.port)
    before = gateway.cpu()
    summary = load.wrk(gateway.port, requests, connections, seconds)
    threads = spent(before, gateway.cpu())
    after = load.metrics(gateway.port)
    samples = drain(gateway, drain_deadline)

    accepted = max(1, after["raw"] - first["raw"])
    derived_under_load = (after["raw"] - after["lag"]) - (first["raw"] - first["lag"])
    caught_up = samples[0][1] - samples[-1][1]
    duration = samples[-1][0] - samples[0][0]
    catching = spent(samples[0][2], samples[-1][2])
    each = {name: catching.get(name, 0) / caught_up if caught_up > 1000 else 0 for name in LEDGER_THREADS}

    def raw_share(name):
        return max(0, threads.get(name, 0) - derived_under_load * each[name]) / accepted

    http = sum(used for name, used in threads.items() if name not in LEDGER_THREADS) / accepted
    ledger = (threads.get("ledger", 0) + catching.get("ledger", 0)) / max(1, derived_under_load + caught_up)
    accept = http + raw_share("journal") + raw_share("checkpoint")
    total = accept + ledger + each["journal"] + each["checkpoint"]
    summary.update(
        cpu_us=total * 1e6, accepted=accepted, derived_under_load=derived_under_load, lag_at_end=after["lag"], left_behind=samples[-1][1],
        catch_up_rate=caught_up / duration if duration > 0.2 else None,
        accept_us=accept * 1e6, total_us=total * 1e6,
        parts_us={
            "http": http * 1e6, "journal raw": raw_share("journal") * 1e6, "checkpoint raw": raw_share("checkpoint") * 1e6,
            "ledger": ledger * 1e6, "journal derived": each["journal"] * 1e6, "checkpoint derived": each["checkpoint"] * 1e6})
    return summary
