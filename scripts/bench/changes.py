"""A big journal: catch-up over one connection, and pages from anywhere."""

import random
import sqlite3
import time

import load


def columns(database, table):
    return [row[1] for row in database.execute(f"PRAGMA table_info({table})")]


def copy_rows(database, table, source, replaced):
    """`INSERT … SELECT` of all columns of `table`, those in `replaced` from an expression."""
    names = columns(database, table)
    values = ", ".join(replaced.get(name, f"seed.{name}") for name in names)
    database.execute(f"INSERT INTO {table}({', '.join(names)}) SELECT {values} FROM {source}")


def fill(path, calls, events_of_each):
    """Fills the journal in `path` with copies of its own rows, by SQL and with no gateway running.

    What the gateway really wrote is the seed: the latest revision of its calls and its events. Each copy gets a place and a
    call identifier of its own; bodies stay as they are. `calls` changes (what retention leaves of each call) and
    `calls * events_of_each` events. Raw records and the columns that only searches use are not copied.
    """
    database = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536", "locking_mode = EXCLUSIVE"):
        database.execute(f"PRAGMA {pragma}")
    database.execute("BEGIN")
    database.execute(
        "CREATE TEMP TABLE latest AS SELECT row_number() OVER () - 1 AS ordinal, change.* FROM change JOIN call "
        "ON call.id = change.call AND call.change_position = change.position WHERE NOT call.is_open LIMIT 2000")
    database.execute("CREATE TEMP TABLE told AS SELECT row_number() OVER () - 1 AS ordinal, event.* FROM event LIMIT 2000")
    seeds = database.execute("SELECT (SELECT count(*) FROM latest), (SELECT count(*) FROM told)").fetchone()
    if 0 in seeds:
        raise SystemExit("bench: the journal has no ended call to copy")
    database.execute("CREATE INDEX temp.latest_ordinal ON latest(ordinal)")
    database.execute("CREATE INDEX temp.told_ordinal ON told(ordinal)")
    database.execute("DELETE FROM change")
    database.execute("DELETE FROM event")
    numbers = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {}) SELECT i FROM n) AS n"
    # Identifiers sort by age, as the gateway's do.
    call, event = "CAST(printf('%016d', {}) AS BLOB)", "CAST(printf('e%015d', n.i) AS BLOB)"
    copy_rows(
        database, "change", f"{numbers.format(calls)} JOIN latest AS seed ON seed.ordinal = n.i % {seeds[0]}",
        {"position": "n.i", "call": call.format("n.i"), "id": call.format("n.i")})
    copy_rows(
        database, "event",
        f"{numbers.format(calls * events_of_each)} JOIN told AS seed ON seed.ordinal = n.i % {seeds[1]}",
        {"call": call.format(f"n.i / {events_of_each}"), "id": event, "raw_position": "n.i"})
    database.execute("COMMIT")
    database.execute("PRAGMA locking_mode = NORMAL")
    database.execute("PRAGMA journal_mode = WAL")
    size = database.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
    database.close()
    return {"calls": calls, "events": calls * events_of_each, "file_megabytes": size / 1e6}


def catch_up(port, key, calls):
    """Reads `calls` changes from the beginning, a thousand a page, over one connection."""
    client, cursor, count, byte_count, cursors = load.Client(port, key), "", 0, 0, []
    begin = time.monotonic()
    while count < calls:
        status, page = client.get(f"/api/v1/changes?limit=1000{cursor}")
        if status != 200:
            raise SystemExit(f"bench: /changes answered {status}")
        got = page.count(b'{"cursor":')
        if not got:
            break
        count, byte_count = count + got, byte_count + len(page)
        cursors.append(load.next_cursor(page))
        cursor = f"&cursor={cursors[-1]}"
    seconds = time.monotonic() - begin
    return {"calls": count, "seconds": seconds, "rate": count / seconds, "bytes_a_call": byte_count / max(1, count)}, cursors


def random_pages(port, key, cursors, pages):
    """Time of a page of 200 behind cursors picked by chance, in milliseconds."""
    client, chance, times = load.Client(port, key), random.Random(1), []
    for cursor in chance.choices(cursors, k=pages):
        begin = time.monotonic()
        status, page = client.get(f"/api/v1/changes?limit=200&cursor={cursor}")
        times.append((time.monotonic() - begin) * 1e3)
        if status != 200:
            raise SystemExit(f"bench: /changes answered {status}")
    times.sort()
    return {"pages": pages, "page_bytes": len(page), "p50_ms": times[len(times) // 2], "p99_ms": times[int(len(times) * 0.99)],
            "max_ms": times[-1]}
