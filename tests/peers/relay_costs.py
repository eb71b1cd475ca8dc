#!/usr/bin/env python3
"""Measures what a relay costs: CPU time for many bytes, and memory for idle connections.

    cargo build --profile ship -p wirestack-cli
    python3 tests/peers/relay_costs.py target/ship/wirestack

Each row is a program in the same run: compare rows, and not the numbers of two machines. Programs that
are not installed (socat, microsocks, tinyproxy) have no row.
"""

import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BYTES = 4 << 30
ROUNDS = 3
CHUNK = bytes(1 << 20)
IDLE = 4000


def main():
    program = Path(sys.argv[1]).resolve()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    print(f"CPU time of relaying {BYTES >> 30} GiB from a TCP socket to another one, median of {ROUNDS}\n")
    print("| program | user + system | beside the first row |\n|---|---|---|")
    first = None
    for name, start, before in carriers(program):
        seconds = sorted(cpu_of(start, before) for _ in range(ROUNDS))[ROUNDS // 2]
        first = first or seconds
        print(f"| {name} | {seconds:.2f} s | {seconds / first:.2f} |", flush=True)
    count = min(IDLE, (limit - 1000) // 4)
    print(f"\nMemory of {count} idle connections through the program, with a socket on each side\n")
    print("| program | before | after | each | 10,000 |\n|---|---|---|---|---|")
    for name, start, ask in proxies(program):
        before, after = memory_of(start, ask, count)
        each = (after - before) / count
        whole = (before + 10_000 * each) / 1e6
        print(f"| {name} | {before / 1e6:.1f} MB | {after / 1e6:.1f} MB | {each / 1e3:.1f} kB | {whole:.0f} MB |", flush=True)


def carriers(program):
    """Yields the name of a relay, a function that starts one, and what is done to its process before bytes move."""

    def forward(target, port):
        return [program, "forward", "--direct", "-L", f"127.0.0.1:{port}=tcp://127.0.0.1:{target}", "--log", "none"]

    yield "`wirestack forward`", forward, None
    yield "`wirestack forward`, without pipes: it copies", forward, without_descriptors
    if shutil.which("socat"):
        yield "`socat -b 65536`", lambda target, port: [
            "socat", "-b", "65536", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork", f"TCP:127.0.0.1:{target}"
        ], None


def without_descriptors(pid):
    """Lets a process open no more descriptors, so that it has no pipe to splice through."""
    most = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))


def proxies(program):
    """Yields the name of a proxy, a function that starts one, and the request of a client."""

    def socks(target):
        return b"\x05\x01\x00", b"\x05\x01\x00\x01\x7f\x00\x00\x01" + target.to_bytes(2, "big"), 2 + 10

    def connect(target):
        return b"", f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: 127.0.0.1:{target}\r\n\r\n".encode(), None

    def nothing(_):
        return b"", b"", 0

    serve = [program, "serve", "--policy", "loopback", "--log", "none", "--max-connections", "20000", "-l"]
    yield "`wirestack serve`, SOCKS5", lambda target, port: [*serve, f"127.0.0.1:{port}"], socks
    yield "`wirestack serve`, CONNECT", lambda target, port: [*serve, f"127.0.0.1:{port}"], connect
    yield "`wirestack forward -L`", lambda target, port: [
        program, "forward", "--direct", "-L", f"127.0.0.1:{port}=tcp://127.0.0.1:{target}", "--log", "none",
        "--max-connections", "20000",
    ], nothing
    if shutil.which("microsocks"):
        yield "`microsocks`", lambda target, port: ["microsocks", "-i", "127.0.0.1", "-p", str(port)], socks
    if shutil.which("tinyproxy"):
        file = Path(tempfile.mkdtemp()) / "tinyproxy.conf"
        def tinyproxy(target, port):
            file.write_text(f"Port {port}\nListen 127.0.0.1\nMaxClients 100000\nLogLevel Critical\nTimeout 6000\n")
            return ["tinyproxy", "-d", "-c", file]
        yield "`tinyproxy`", tinyproxy, connect
    if shutil.which("socat"):
        yield "`socat`, a process each", lambda target, port: [
            "socat", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=4096", f"TCP:127.0.0.1:{target}"
        ], nothing


def cpu_of(start, before):
    with Relay(start) as relay:
        client = relay.connect()
        source, _ = relay.target.accept()
        if before:
            before(relay.process.pid)
        def send():
            left = BYTES
            while left:
                left -= source.send(CHUNK[:min(left, len(CHUNK))])
            source.shutdown(socket.SHUT_WR)
        thread = threading.Thread(target=send)
        thread.start()
        seen, buf = 0, bytearray(1 << 20)
        while n := client.recv_into(buf):
            seen += n
        thread.join()
        assert seen == BYTES, seen
        return sum(cpu_seconds(pid) for pid in relay.processes())


def memory_of(start, ask, count):
    with Relay(start) as relay:
        time.sleep(0.5)
        before = sum(memory(pid) for pid in relay.processes())
        kept = []
        for _ in range(count):
            client = relay.connect()
            greeting, request, answer = ask(relay.port_of_target)
            for part in (greeting, request):
                if part:
                    client.sendall(part)
            if request:
                seen = b""
                while len(seen) < answer if answer else not seen.endswith(b"\r\n\r\n"):
                    chunk = client.recv(4096)
                    assert chunk, seen
                    seen += chunk
            target, _ = relay.target.accept()
            # One byte there and back: what a connection holds after it was used.
            client.sendall(b"x")
            assert target.recv(1) == b"x"
            target.sendall(b"y")
            assert client.recv(1) == b"y"
            kept.append((client, target))
        time.sleep(1)
        return before, sum(memory(pid) for pid in relay.processes())


class Relay:
    """A program that relays to a listener."""

    def __init__(self, start):
        self.target = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port_of_target = self.target.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        command = [str(word) for word in start(self.port_of_target, self.port)]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self.process = subprocess.Popen(command, start_new_session=True, **quiet)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                self.connect().close()
                break
            except ConnectionRefusedError:
                time.sleep(0.05)
        self.target.settimeout(0.5)
        try:
            while True:
                self.target.accept()[0].close()
        except TimeoutError:
            self.target.settimeout(10)

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=60)

    def processes(self):
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [self.process.pid, *map(int, children)]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, 9)
        self.process.wait()
        self.target.close()


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid):
    """Returns the proportional set size: pages that processes share count once."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


if __name__ == "__main__":
    main()
