#!/usr/bin/env python3
"""Sends bad packets from many sources at a steady rate.

    flood.py TARGET:PORT RATE SECONDS

A third is noise, a third broken SIP, a third well-formed requests of strangers (REGISTER and INVITE with other people's names); from 250 addresses
of 127.78.0.0/16. Prints what was sent.
"""

import os
import random
import socket
import sys
import time


def packets(host):
    pick = random.Random(20261201)
    made = []
    for number in range(300):
        kind = number % 3
        if kind == 0:
            made.append(pick.randbytes(pick.randrange(20, 600)))
            continue
        method = pick.choice(["REGISTER", "INVITE", "OPTIONS"])
        text = (
            f"{method} sip:{pick.randrange(100, 999)}@{host} SIP/2.0\r\nVia: SIP/2.0/UDP {host}:5060;branch=z9hG4bK%d;rport\r\n"
            f"Max-Forwards: 70\r\nFrom: <sip:{pick.randrange(100, 999)}@{host}>;tag=%d\r\nTo: <sip:100@{host}>\r\nCall-ID: %d@flood\r\n"
            f"CSeq: 1 {method}\r\nContact: <sip:x@{host}>\r\nContent-Length: 0\r\n\r\n"
        )
        if kind == 1:
            place = pick.randrange(20, len(text) - 40)
            text = text[:place] + text[place + 9 :]
        made.append(text)
    return made


def main(target, rate, seconds):
    host, _, port = target.rpartition(":")
    sockets = []
    for number in range(250):
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        one.bind((f"127.78.{number // 200}.{number % 200 + 1}", 0))
        one.connect((host, int(port)))
        one.setblocking(False)
        sockets.append(one)
    made = packets(host)
    sent, began = 0, time.monotonic()
    while (passed := time.monotonic() - began) < seconds:
        for _ in range(max(0, min(int(passed * rate) - sent, 2000))):
            packet = made[sent % len(made)]
            if isinstance(packet, str):
                packet = packet.replace("%d", str(sent)).encode()
            try:
                sockets[sent % 250].send(packet)
            except OSError:
                pass
            sent += 1
        time.sleep(0.001)
    print(f"{sent} packets in {seconds} s, {sent / seconds:.0f}/s, process {os.getpid()}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]))
