"""The test bed: starts the peers on free ports, and ends what it started."""

import contextlib
import itertools
import os
import re
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

from addresses import has_ipv6
from failure import Failure
from fronts import Fronts
from others import Others
from targets import Counter, Datagram, Greeter, Leaver, Listener, ListenerIPv6, Mute

HERE = Path(__file__).resolve().parent
START_LIMIT = 20  # seconds for a peer to become ready
LOG_LIMIT = 5  # seconds for a line to reach a peer's log

# No proxy of the environment may come between a client and its peer.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Bed(Others, Fronts):
    """Every peer, running. Its attributes are their addresses, "127.0.0.1:PORT"."""

    # With what a URL must escape, and with the colon that divides Basic credentials.
    PASSWORD = "pa@s:w%rd"
    QUOTED = quote(PASSWORD, safe="")
    WRONG = "not-the-password"
    SECRETS = [PASSWORD, QUOTED, WRONG]

    def __init__(self, folder, programs):
        self.folder, self.programs = folder, programs
        self.processes, self.listeners = {}, []
        self.ended, self.lock, self.numbers = False, threading.Lock(), itertools.count()
        self.group, self.groups = threading.local(), {}  # of checks: this thread's, and each process's
        self.refusing = socket.socket()  # bound, but it never listens
        self.ipv6 = has_ipv6()

    def __enter__(self):
        # So that an ended run also ends its peers.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            self.folder.chmod(0o755)  # squid reads its files as another user
            subprocess.run([HERE / "certs.sh", self.folder / "certs"], check=True)
            self.start_own_targets()
            self.start_others()
            self.start_ours()
            self.start_fronts()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        with self.lock:
            self.ended = True
        for process in self.processes.values():
            end_group(process, signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                end_group(process, signal.SIGKILL)
                process.wait()
        for listener in self.listeners:
            listener.shutdown()
            listener.server_close()
        self.refusing.close()

    def start_own_targets(self):
        """The plain TCP servers at the far end of tunnels, and a port that refuses."""
        self.greeter = self.listen(Greeter)
        self.leaver = self.listen(Leaver)
        self.mute = self.listen(Mute)
        self.counter = self.listen(Counter)
        self.echo_udp = self.listen_udp()
        self.refusing.bind(("127.0.0.1", 0))
        self.nobody = "%s:%d" % self.refusing.getsockname()

    def start_ours(self):
        """This project's servers."""
        serve, auth = self.programs / "serve", ["--auth", f"user:{self.PASSWORD}"]
        tls = ["--tls", self.cert("server"), self.key("server")]
        commands = {
            "our_socks": ["socks5"],
            "our_socks_auth": ["socks5", *auth],
            "our_connect": ["connect"],
            "our_connect_auth": ["connect", *auth],
            "our_connect_digest": ["connect", "--digest", *auth],
            "our_connect_tls": ["connect", *auth, *tls],
            "our_websocket": ["websocket"],
            "our_websocket_tls": ["websocket", *tls],
        }
        proxied = {"our_proxied": ["serve"], "our_proxied_tls": ["serve", *tls]}
        for name, command in proxied.items():
            self.start(name, self.programs / "proxy_protocol", *command)
        for name, command in commands.items():
            self.start(name, serve, *command)
        # With compression on.
        fuzzed = self.programs / "fuzzed"
        commands.update({"our_fuzzed": ["server"], "our_fuzzed_tls": ["server", *tls]})
        self.start("our_fuzzed", fuzzed, *commands["our_fuzzed"])
        self.start("our_fuzzed_tls", fuzzed, *commands["our_fuzzed_tls"])
        self.start("our_axum", self.programs / "axum")
        commands.update({"our_axum": [], **proxied})
        for name in commands:
            setattr(self, name, self.announced(name))

    def start(self, name, *command):
        """Starts a program, with its output in NAME.log."""
        with self.lock, open(self.folder / f"{name}.log", "ab") as log:
            if self.ended:
                raise Failure("the run was ended")
            self.groups[name] = getattr(self.group, "name", None)
            self.processes[name] = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env=ENVIRONMENT, cwd=self.folder, start_new_session=True,
            )

    @contextlib.contextmanager
    def passing(self, name, *command):
        """A program that listens, for as long as the context; gives its address."""
        name = f"{name}-{next(self.numbers)}"
        self.start(name, *command)
        try:
            yield self.announced(name)
        finally:
            end_group(self.processes[name], signal.SIGTERM)
            self.processes[name].wait()

    def listen(self, handler):
        """Starts a server of our own on the loopback addresses; returns its address."""
        listeners = [Listener(("127.0.0.1", 0), handler)]
        port = listeners[0].server_address[1]
        if self.ipv6:
            listeners.append(ListenerIPv6(("::1", port), handler))
        for listener in listeners:
            threading.Thread(target=listener.serve_forever, daemon=True).start()
        self.listeners += listeners
        return f"127.0.0.1:{port}"

    def listen_udp(self):
        """Starts a server that sends datagrams back; returns its address."""
        listener = socketserver.ThreadingUDPServer(("127.0.0.1", 0), Datagram)
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        self.listeners.append(listener)
        return "127.0.0.1:%d" % listener.server_address[1]

    def cert(self, name):
        return str(self.folder / "certs" / f"{name}.pem")

    def key(self, name):
        return str(self.folder / "certs" / f"{name}.key")

    def await_accepting(self, name, address):
        """Waits until somebody accepts connections at the address."""
        host, port = address.split(":")

        def accepts():
            with socket.socket() as probe:
                return probe.connect_ex((host, int(port))) == 0

        self.await_start(name, accepts)

    def announced(self, name):
        """Waits for "listening on ADDRESS" in a program's log; returns the address."""
        line = re.compile(r"listening on (127\.0\.0\.1:\d+)")
        return self.await_start(name, lambda: line.search(self.log(name))).group(1)

    def await_start(self, name, ready):
        deadline = time.monotonic() + START_LIMIT
        while not (result := ready()):
            ended = self.processes[name].poll() is not None
            if ended or time.monotonic() > deadline:
                print(self.log(name))
                raise Failure(f"{name} {'ended' if ended else 'is not ready'}")
            time.sleep(0.02)
        return result

    def log(self, name, start=0):
        """What stands in a log from the given offset on."""
        path = self.folder / f"{name}.log"
        if not path.exists():
            return ""
        with open(path, "rb") as file:
            file.seek(start)
            return file.read().decode(errors="replace")

    def log_size(self, name):
        return self.log_sizes().get(self.folder / f"{name}.log", 0)

    def expect_log(self, name, pattern, start):
        """Waits until the pattern stands in a log behind the given offset; returns what it found."""
        deadline = time.monotonic() + LOG_LIMIT
        while not (found := re.search(pattern, self.log(name, start), re.DOTALL)):
            if time.monotonic() > deadline:
                raise Failure(f"{name}.log does not tell {pattern!r}, but {self.log(name, start)!r}")
            time.sleep(0.01)
        return found.group()

    def log_sizes(self):
        return {path: path.stat().st_size for path in sorted([*self.folder.glob("*.log"), *self.folder.glob("*/*.log")])}

    def logs_since(self, sizes):
        """Returns what came to the logs since they had the given sizes; 20 lines of each at most.

        Without the logs of other groups of checks, which are made at the same time.
        """
        mine = None, getattr(self.group, "name", None)
        return [
            f"        {path.name}: {line}"
            for path in self.log_sizes()
            if self.groups.get(path.relative_to(self.folder).parts[0].removesuffix(".log")) in mine
            for line in path.read_bytes()[sizes.get(path, 0) :].decode(errors="replace").splitlines()[-20:]
        ]


def end_group(process, how):
    """Ends a process that was started in a session of its own, and those that it started."""
    if process.poll() is None:
        os.killpg(process.pid, how)
