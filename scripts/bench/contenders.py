"""The servers of the benchmark: each on ports and folders of its own, each ended by the one who started it."""

import os
import resource
import shutil
import signal
import socket
import sqlite3
import subprocess
import time

import webhooks

HERE = os.path.dirname(os.path.abspath(__file__))
TICK = os.sysconf("SC_CLK_TCK")


def raise_file_limit():
    """For ten thousand connections here and as many in each server."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    wanted = 20_000 if hard == resource.RLIM_INFINITY else min(hard, 20_000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for_port(port, process, seconds=10):
    """The monotonic moment of the first connection that was accepted."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return time.monotonic()
        except OSError:
            if process.poll() is not None:
                break
    raise SystemExit(f"bench: {process.args[0]} does not listen; see the logs beside it")


def fill_in(template, target, **values):
    with open(os.path.join(HERE, template)) as file:
        text = file.read()
    for name, value in values.items():
        text = text.replace(f"@{name}@", str(value))
    with open(target, "w") as file:
        file.write(text)


def make_certificate(folder):
    """A self-signed certificate for all TLS contenders: ECDSA P-256, as one gets today."""
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-subj", "/CN=bench.example", "-keyout", key, "-out", certificate], check=True, capture_output=True)
    return certificate, key


# CPU and memory

def children(pid):
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            direct = [int(word) for word in file.read().split()]
    except OSError:
        return []
    return direct + [grandchild for child in direct for grandchild in children(child)]


def cpu_by_thread(pids):
    """Seconds of CPU, user and system, by the thread's name."""
    seconds = {}
    for pid in pids:
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                with open(f"/proc/{pid}/task/{task}/stat") as file:
                    text = file.read()
            except OSError:
                continue
            name = text[text.index("(") + 1:text.rindex(")")]
            fields = text[text.rindex(")") + 2:].split()
            seconds[name] = seconds.get(name, 0) + (int(fields[11]) + int(fields[12])) / TICK
    return seconds


def resident_kilobytes(pids):
    total = 0
    for pid in pids:
        with open(f"/proc/{pid}/status") as file:
            total += next(int(line.split()[1]) for line in file if line.startswith("VmRSS"))
    return total


class Contender:
    """A server with its processes."""

    def __init__(self):
        self.started = []

    def spawn(self, arguments, log, env=None):
        with open(log, "ab") as output:
            process = subprocess.Popen(arguments, stdout=output, stderr=output, env=env)
        self.started.append(process)
        return process

    @property
    def pids(self):
        return [pid for process in self.started for pid in [process.pid, *children(process.pid)]]

    def cpu(self):
        return cpu_by_thread(self.pids)

    def stop(self):
        for process in reversed(self.started):
            process.send_signal(signal.SIGTERM)
        for process in reversed(self.started):
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Nginx(Contender):
    """nginx alone: `return 200` behind plain and TLS ports."""

    name = "nginx return 200"

    def __init__(self, folder, certificate, key, php_port=None):
        super().__init__()
        self.port, self.tls_port, self.php_port = free_port(), free_port(), php_port or free_port()
        self.folder = folder
        os.makedirs(folder, exist_ok=True)
        fill_in("nginx.conf", f"{folder}/nginx.conf", DIR=folder, CERT=certificate, KEY=key, PLAIN=self.port,
                TLS=self.tls_port, PHP=self.php_port, HOOK=f"{folder}/hook.php", USER="user root;" if os.geteuid() == 0 else "")

    def start(self):
        process = self.spawn([shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin"), "-c",
                              f"{self.folder}/nginx.conf", "-p", self.folder], f"{self.folder}/nginx.out")
        wait_for_port(self.port, process)
        return self


class PHP(Nginx):
    """nginx, php-fpm with eight children, SQLite."""

    name = "nginx + php-fpm + SQLite"

    def start(self):
        folder = self.folder
        shutil.copy(os.path.join(HERE, "hook.php"), folder)
        root = os.geteuid() == 0
        fill_in("php-fpm.conf", f"{folder}/php-fpm.conf", DIR=folder, USER="user = root\ngroup = root" if root else "",
                MANGO_KEY=webhooks.MANGO["api_key"], MANGO_SALT=webhooks.MANGO["api_salt"],
                ZADARMA_SECRET=webhooks.ZADARMA["secret"])
        for suffix in ("", "-wal", "-shm"):
            if os.path.exists(f"{folder}/php.sqlite{suffix}"):
                os.remove(f"{folder}/php.sqlite{suffix}")
        with sqlite3.connect(f"{folder}/php.sqlite") as database:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("CREATE TABLE raw(id INTEGER PRIMARY KEY, received_at INTEGER, path TEXT, body BLOB)")
        database.close()
        self.spawn([find_php_fpm(), "-y", f"{folder}/php-fpm.conf", *(["-R"] if root else [])], f"{folder}/php.out")
        deadline = time.monotonic() + 5
        while not os.path.exists(f"{folder}/php.sock") and time.monotonic() < deadline:
            time.sleep(0.02)
        super().start()
        self.port = self.php_port
        return self

    def stored(self):
        with sqlite3.connect(f"{self.folder}/php.sqlite") as database:
            return database.execute("SELECT count(*) FROM raw").fetchone()[0]


def find_php_fpm():
    for folder in ("/usr/sbin", "/usr/local/sbin", "/usr/bin"):
        if os.path.isdir(folder):
            for name in sorted(os.listdir(folder), reverse=True):
                if name.startswith("php-fpm"):
                    return os.path.join(folder, name)
    raise SystemExit("bench: php-fpm is missing")


class Gateway(Contender):
    """kommutator itself, with a connection of each vendor and a fresh journal, or the one in `data`."""

    name = "kommutator"

    def __init__(self, binary, folder, tls=None, data=None, lookup=None):
        super().__init__()
        self.binary, self.folder, self.port, self.tls = binary, folder, free_port(), tls
        self.data = data or f"{folder}/data"
        if data is None:
            shutil.rmtree(self.data, ignore_errors=True)
        os.makedirs(f"{folder}/adapters.d", exist_ok=True)
        settings = {"mango": {"api_key": "BENCH_MANGO_KEY", "api_salt": "BENCH_MANGO_SALT"},
                    "zadarma": {"key": "BENCH_ZADARMA_KEY", "secret": "BENCH_ZADARMA_SECRET"}}
        for adapter, secrets in settings.items():
            lines = [f"adapter: {adapter}", "settings:", *(f"  {name}: env:{value}" for name, value in secrets.items())]
            with open(f"{folder}/adapters.d/{adapter}.yaml", "w") as file:
                file.write("\n".join(lines) + "\n")
        lines = [f"listen: 127.0.0.1:{self.port}", f"data: {self.data}", f"adapters: {folder}/adapters.d",
                 "recordings: {at_once: 0}"]
        if lookup:
            lines += [f"lookup_url: {lookup}"]
        if tls:
            lines += ["tls:", f"  cert: {tls[0]}", f"  key: {tls[1]}"]
        with open(f"{folder}/kommutator.yaml", "w") as file:
            file.write("\n".join(lines) + "\n")
        self.env = dict(
            os.environ, BENCH_MANGO_KEY=webhooks.MANGO["api_key"], BENCH_MANGO_SALT=webhooks.MANGO["api_salt"],
            BENCH_ZADARMA_KEY=webhooks.ZADARMA["key"], BENCH_ZADARMA_SECRET=webhooks.ZADARMA["secret"])

    @property
    def tls_port(self):
        return self.port

    def start(self):
        """Starts it; `listening_after` tells how many seconds it took to accept."""
        begin = time.monotonic()
        process = self.spawn([self.binary, "serve", "--config", f"{self.folder}/kommutator.yaml"],
                             f"{self.folder}/kommutator.log", env=self.env)
        self.listening_after = wait_for_port(self.port, process) - begin
        return self

    def make_key(self):
        made = subprocess.run(
            [self.binary, "key", "create", "--name", "bench", "--config", f"{self.folder}/kommutator.yaml"], env=self.env,
            capture_output=True, text=True, check=True)
        return made.stdout.strip().splitlines()[-1]
