"""What SIP costs: OPTIONS, and a call through the PBX, against Kamailio as a stateful proxy; SIPp on both sides."""

import os
import re
import shutil
import socket
import subprocess
import time

from contenders import HERE, Contender, Gateway, fill_in, resident_kilobytes

CALLER, CALLED = "127.0.0.3", "127.0.0.1"
"""Telephones that calls are spread over: each takes 100 at once."""
PHONES = 10


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def sipp(scenario, server, *options, own, count, rate, seconds):
    """Runs a scenario to its end. Returns how many calls succeeded."""
    address, port = own
    done = subprocess.run(
        ["sipp", "-sf", f"{HERE}/sip/{scenario}.xml", "-i", address, "-p", str(port), f"127.0.0.1:{server}", "-m", str(count),
         "-r", str(rate), "-l", "5000", "-nostdin", "-timeout", f"{seconds}s", *options], capture_output=True, text=True)
    found = re.findall(r"Successful call\s*\|\s*\d+\s*\|\s*(\d+)", done.stdout)
    return int(found[-1]) if found else 0


class Called(Contender):
    """The other end of calls."""

    def __init__(self, folder):
        super().__init__()
        self.folder, self.port = folder, free_udp_port()

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        self.spawn(["sipp", "-sf", f"{HERE}/sip/called.xml", "-i", CALLED, "-p", str(self.port), "-nostdin"], os.devnull)
        return self


class Kamailio(Contender):
    name = "kamailio"

    def __init__(self, folder, called):
        super().__init__()
        self.folder, self.sip, self.called = folder, free_udp_port(), called

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        fill_in("sip/kamailio.cfg", f"{self.folder}/kamailio.cfg", PORT=self.sip, CALLED=self.called)
        program = shutil.which("kamailio", path="/usr/sbin:/usr/bin")
        self.spawn([program, "-DD", "-f", f"{self.folder}/kamailio.cfg", "-P", f"{self.folder}/pid", "-Y", self.folder],
                   f"{self.folder}/kamailio.log")
        time.sleep(2)
        return self


class PBX(Gateway):
    """The gateway as a PBX: a trunk without registration, and telephones at the called end. The journal is written as ever."""

    name = "kommutator"

    def __init__(self, binary, folder, called):
        super().__init__(binary, folder)
        self.sip, self.called = free_udp_port(), called
        self.env["BENCH_SECRET"] = "bench-secret"
        for name in os.listdir(f"{folder}/adapters.d"):
            os.remove(f"{folder}/adapters.d/{name}")
        phones = [str(101 + number) for number in range(PHONES)]
        with open(f"{folder}/adapters.d/trunk.yaml", "w") as file:
            file.write(f"adapter: sip-trunk\nsettings:\n  domain: {CALLER}\n  registrar: {CALLER}:5060\n  login: \"74950000001\"\n"
                       "  password: env:BENCH_SECRET\n  register: \"no\"\n")
        with open(f"{folder}/adapters.d/office.yaml", "w") as file:
            file.write(f"adapter: pbx\nsettings:\n  listen: [\"udp:127.0.0.1:{self.sip}\"]\n  rtp_ports: 20000-59999\npbx:\n  extensions:\n")
            for phone in phones:
                file.write(f"    \"{phone}\": {{secret: env:BENCH_SECRET, calls: 100}}\n")
            file.write("  incoming:\n")
            for number, phone in enumerate(phones):
                file.write(f"    \"+7495000000{number}\": {{ring: \"{phone}\"}}\n")
            file.write(f"    other: {{ring: \"{phones[0]}\"}}\n")

    def start(self):
        super().start()
        users = f"{self.folder}/users.csv"
        with open(users, "w") as file:
            file.write("SEQUENTIAL\n")
            for number in range(PHONES):
                file.write(f"{101 + number};[authentication username={101 + number} password=bench-secret]\n")
        # The telephones' contacts are the called end's address: it is not there yet, so its port is free.
        done = sipp("register", self.sip, "-inf", users, own=(CALLED, self.called), count=PHONES, rate=20, seconds=20)
        if done != PHONES:
            raise SystemExit(f"bench: {done} of {PHONES} telephones registered; see {self.folder}/kommutator.log")
        return self


def measure_options(server, count, rate):
    """CPU microseconds of an OPTIONS."""
    before = sum(server.cpu().values())
    done = sipp("options", server.sip, own=(CALLER, free_udp_port()), count=count, rate=rate, seconds=60)
    return {"us": (sum(server.cpu().values()) - before) * 1e6 / max(done, 1), "done": done, "wanted": count}


def measure_calls(server, count, rate):
    """CPU microseconds of a call, by thread; one that is only signalled."""
    before, memory = server.cpu(), resident_kilobytes(server.pids)
    # The last digit of the number spreads the calls over the telephones.
    done = sum(
        sipp("call", server.sip, "-s", f"7495000000{number}", own=(CALLER, free_udp_port()), count=count // PHONES, rate=rate,
             seconds=60)
        for number in range(PHONES))
    time.sleep(2)
    after = server.cpu()
    parts = {name: (after[name] - before.get(name, 0)) * 1e6 / max(done, 1) for name in after}
    return {"us": sum(parts.values()), "parts": parts, "done": done, "wanted": count,
            "grown_kilobytes": resident_kilobytes(server.pids) - memory}
