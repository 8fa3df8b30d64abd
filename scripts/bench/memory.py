"""Whether resident memory grows with the number of calls that were ever made."""

import subprocess
import time

import webhooks
from contenders import resident_kilobytes

# Seconds from one look at the memory to the next.
EVERY = 2
# By then everything that has a bound has reached it: what comes on top is growth.
SETTLED = 0.3


def measure(gateway, binary, calls, say):
    """Plays `calls` calls of Mango as fast as they are answered.

    Returns megabytes resident, with how many calls had been played, at each look.
    """
    settings = {"KOMMUTATOR_SIMULATE_API_KEY": webhooks.MANGO["api_key"],
                "KOMMUTATOR_SIMULATE_API_SALT": webhooks.MANGO["api_salt"]}
    command = [binary, "simulate", "mango", "--rate", "1000000", "--calls", str(calls), "--concurrency", "64",
               "--output", "json", "--to", f"http://127.0.0.1:{gateway.port}/hooks/mango"]
    begin, looks = time.monotonic(), []
    with subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as player:
        looked = begin
        for line in player.stderr:
            if time.monotonic() - looked < EVERY or " requests of " not in line:
                continue
            looked = time.monotonic()
            played = int(line.split(" requests of ")[1].split()[0])
            looks.append((played, resident_kilobytes(gateway.pids) / 1024))
            say(f"{played:,} calls: {looks[-1][1]:.0f} MB")
        status = player.wait()
    if status != 0:
        raise SystemExit(f"bench: the simulator ended with {status}")
    looks.append((calls, resident_kilobytes(gateway.pids) / 1024))
    settled = at(looks, calls * SETTLED)
    most = max(size for played, size in looks if played >= calls * SETTLED)
    return {"calls": calls, "seconds": time.monotonic() - begin, "looks": looks,
            "megabytes": {f"{share:.0%}": at(looks, calls * share) for share in (0.1, SETTLED, 0.5, 0.75, 1)},
            "settled_megabytes": settled, "most_megabytes": most, "growth": most / settled - 1}


def at(looks, calls):
    """Memory at the first look at which so many calls had been played."""
    return next(size for played, size in looks if played >= calls)
