"""What a connection costs that does nothing, how soon the gateway listens, and what it takes at rest."""

import socket
import ssl
import statistics
import time

from contenders import Gateway, resident_kilobytes


def open_connections(port, count, tls):
    context = None
    if tls:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    opened = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        opened.append(context.wrap_socket(connection) if tls else connection)
    return opened


def settle(pids):
    """Waits until resident memory no longer shrinks: what the start needed is given back a moment after it."""
    least, steady = resident_kilobytes(pids), 0
    for _ in range(40):
        time.sleep(0.25)
        now = resident_kilobytes(pids)
        steady = 0 if now < least else steady + 1
        least = min(least, now)
        if steady == 6:
            break


def bytes_each(gateway, count, tls):
    """Growth of resident memory for each of `count` open connections; the first hundred have warmed it up."""
    settle(gateway.pids)
    warm = open_connections(gateway.port, 100, tls)
    time.sleep(0.3)
    before = resident_kilobytes(gateway.pids)
    begin = time.monotonic()
    opened = open_connections(gateway.port, count, tls)
    took = time.monotonic() - begin
    time.sleep(0.5)
    grown = resident_kilobytes(gateway.pids) - before
    for connection in opened + warm:
        connection.close()
    return {"connections": count, "bytes": grown * 1024 / count, "seconds_to_open": took}


def starts(binary, folder, count):
    """Milliseconds from the process's start to the first accepted connection, and kilobytes at rest, on an empty journal."""
    times, resident = [], []
    for number in range(count):
        with Gateway(binary, folder) as gateway:
            gateway.start()
            times.append(gateway.listening_after * 1e3)
            if number < 3:
                time.sleep(1)
                resident.append(resident_kilobytes(gateway.pids))
    return {"starts": count, "median_ms": statistics.median(times), "max_ms": max(times),
            "resident_megabytes": statistics.median(resident) / 1024}
