"""What relaying sound costs, against rtpengine without its kernel module: `benchmarks rtp-load` makes the calls of both."""

import os
import re
import shutil
import socket
import subprocess
import time

from contenders import Contender

PORTS = (10000, 32000)
"""Below the ports that the system gives to others, of which the load takes many."""


def free_udp_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def bencoded(value):
    if isinstance(value, dict):
        return b"d" + b"".join(bencoded(key) + bencoded(value[key]) for key in sorted(value)) + b"e"
    if isinstance(value, list):
        return b"l" + b"".join(bencoded(item) for item in value) + b"e"
    text = value.encode()
    return str(len(text)).encode() + b":" + text


def description(port):
    return ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio {port} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=sendrecv\r\n")


class RTPEngine(Contender):
    """Debian's, in user space (`--table=-1`), with a thread for each core as it comes."""

    name = "rtpengine"

    def __init__(self, folder):
        super().__init__()
        self.folder, self.control = folder, free_udp_port()
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        self.asked = 0

    def start(self):
        os.makedirs(self.folder, exist_ok=True)
        program = shutil.which("rtpengine", path="/usr/sbin:/usr/bin")
        self.spawn([program, "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--interface=127.0.0.1",
                    f"--listen-ng=127.0.0.1:{self.control}", f"--port-min={PORTS[0]}", f"--port-max={PORTS[1]}",
                    f"--pidfile={self.folder}/pid", "--config-file=none"], f"{self.folder}/rtpengine.log")
        for _ in range(50):
            try:
                if "pong" in self.ask({"command": "ping"}):
                    return self
            except OSError:
                pass
            time.sleep(0.1)
        raise SystemExit(f"bench: rtpengine does not answer; see {self.folder}/rtpengine.log")

    def ask(self, question):
        """Asks by the ng protocol; the answer stays text."""
        self.asked += 1
        cookie = f"c{self.asked} ".encode()
        self.socket.sendto(cookie + bencoded(question), ("127.0.0.1", self.control))
        while True:
            answer = self.socket.recv(65536)
            if answer.startswith(cookie):
                return answer[len(cookie):].decode()

    def port(self, command, call, remote, **tags):
        """The port that it has for the other side of this one."""
        answer = self.ask({"command": command, "call-id": f"call-{call}", "sdp": description(remote), "ICE": "remove",
                           "flags": ["trust-address"], "rtcp-mux": ["demux"], "transport-protocol": "RTP/AVP", **tags})
        found = re.search(r"m=audio (\d+) ", answer)
        if not found:
            raise SystemExit(f"bench: rtpengine refused a call: {answer[:200]}")
        return int(found[1])

    def relay(self, call, caller, called):
        """Takes a call between two ports; returns the ports that they are to send to."""
        for_called = self.port("offer", call, caller, **{"from-tag": "a"})
        return self.port("answer", call, called, **{"from-tag": "a", "to-tag": "b"}), for_called


def measure_engine(binary, engine, calls, seconds):
    """CPU microseconds of a relayed packet, and what was lost."""
    with subprocess.Popen([binary, "rtp-load", str(calls), str(seconds)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as load:
        pairs = [tuple(map(int, load.stdout.readline().split())) for _ in range(calls)]
        for call, (caller, called) in enumerate(pairs):
            load.stdin.write("{} {}\n".format(*engine.relay(call, caller, called)))
        load.stdin.flush()
        assert load.stdout.readline().strip() == "begin"
        before = sum(engine.cpu().values())
        _, sent, received, p50, p99, spent = load.stdout.readline().split()
        cpu = (sum(engine.cpu().values()) - before) * 1e6
    sent, received = int(sent), int(received)
    return {"us": cpu / max(received, 1), "lost": (sent - received) / max(sent, 1) * 100, "packets": received, "p99_us": int(p99),
            "load_us": int(spent) / max(received, 1)}


def measure_ours(binary, folder, calls, seconds, *manner):
    """The same of the media plane, which makes its load by itself."""
    done = subprocess.run([binary, "media", str(calls), str(seconds), *manner], capture_output=True, text=True, check=True,
                          env={**os.environ, "BENCH_FOLDER": folder})
    found = re.search(r"calls: ([\d.]+) µs CPU a packet, (\d+) packets, ([\d.e-]+) % lost, delay p50 \d+ µs, p99 (\d+) µs, "
                      r"generator ([\d.]+) µs", done.stdout)
    return {"us": float(found[1]), "packets": int(found[2]), "lost": float(found[3]), "p99_us": int(found[4]), "load_us": float(found[5])}
