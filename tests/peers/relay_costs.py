#!/usr/bin/env python3
"""Measures what a relay costs: CPU time for many bytes, and memory for idle connections.

    cargo build --profile ship -p wirestack-cli
    cargo build --release -p wirestack-programs --example copy_bidirectional
    python3 tests/peers/relay_costs.py target/ship/wirestack

Each row is a program in the same run, and the rounds of all programs take turns: compare rows, and not the
numbers of two machines. Programs that are not installed (socat, microsocks, tinyproxy, gost) have no row.
`copy_bidirectional` relays by the function of tokio.
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

BYTES = 2 << 30
ROUNDS = 5
CHUNK = bytes(1 << 20)
IDLE = 4000


def main():
    program = Path(sys.argv[1]).resolve()
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    for way, all_rows in ("", carriers(program)), (" through SOCKS5", socks_rows(program)), (" through CONNECT", connect_rows(program)):
        print(f"CPU time of relaying {BYTES >> 30} GiB{way}, from a TCP socket to another one, median of {ROUNDS}\n")
        print("| program | user + system | beside the first row |\n|---|---|---|")
        rows = list(all_rows)
        seen = [[] for _ in rows]
        for _ in range(ROUNDS):
            for (_, start, ask, before), seconds in zip(rows, seen):
                seconds.append(cpu_of(start, ask, before))
        medians = [sorted(seconds)[ROUNDS // 2] for seconds in seen]
        for (name, *_), seconds in zip(rows, medians):
            print(f"| {name} | {seconds:.2f} s | {seconds / medians[0]:.2f} |", flush=True)
        print()
    count = min(IDLE, (limit - 1000) // 4)
    print(f"Memory of {count} idle connections through the program, with a socket on each side\n")
    print("| program | before | after | each | 10,000 |\n|---|---|---|---|---|")
    for name, start, ask, _ in [*socks_rows(program), *connect_rows(program), *plain_rows(program)]:
        before, after = memory_of(start, ask, count)
        each = (after - before) / count
        whole = (before + 10_000 * each) / 1e6
        print(f"| {name} | {before / 1e6:.1f} MB | {after / 1e6:.1f} MB | {each / 1e3:.1f} kB | {whole:.0f} MB |", flush=True)


def carriers(program):
    """Yields the name of a relay, a function that starts one, the request of a client, and what is done to its
    process before bytes move."""

    yield from plain_rows(program)
    (name, start, ask, _), *_ = plain_rows(program)
    yield f"{name}, without pipes: it copies", start, ask, without_descriptors


def plain_rows(program):
    yield "`wirestack forward -L`", lambda target, port: [
        program, "forward", "--direct", "-L", f"127.0.0.1:{port}=tcp://127.0.0.1:{target}", "--log", "none",
        "--max-connections", "20000",
    ], nothing, None
    copies = program.parent.parent / "release" / "examples" / "copy_bidirectional"
    if copies.exists():
        yield "tokio's `copy_bidirectional`", lambda target, port: [
            copies, f"127.0.0.1:{port}", f"127.0.0.1:{target}"
        ], nothing, None
    if shutil.which("socat"):
        yield "`socat -b 65536`, a process each", lambda target, port: [
            "socat", "-b", "65536", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr,fork,backlog=4096",
            f"TCP:127.0.0.1:{target}",
        ], nothing, None


def without_descriptors(pid):
    """Lets a process open no more descriptors, so that it has no pipe to splice through."""
    most = max(int(name) for name in os.listdir(f"/proc/{pid}/fd")) + 1
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (most, most))


def socks_rows(program):
    yield "`wirestack serve`, SOCKS5", lambda target, port: serve(program, port), socks, None
    if shutil.which("microsocks"):
        yield "`microsocks`, a thread each", lambda target, port: [
            "microsocks", "-i", "127.0.0.1", "-p", str(port)
        ], socks, None
    if shutil.which("gost"):
        yield "`gost`, SOCKS5", lambda target, port: ["gost", f"-L=socks5://127.0.0.1:{port}"], socks, None


def connect_rows(program):
    yield "`wirestack serve`, CONNECT", lambda target, port: serve(program, port), connect, None
    if shutil.which("tinyproxy"):
        file = Path(tempfile.mkdtemp()) / "tinyproxy.conf"

        def tinyproxy(target, port):
            file.write_text(
                f"Port {port}\nListen 127.0.0.1\nMaxClients 100000\nLogLevel Critical\nTimeout 6000\nAllow 127.0.0.1\n"
            )
            return ["tinyproxy", "-d", "-c", file]

        yield "`tinyproxy`, a thread each", tinyproxy, connect, None
    if shutil.which("gost"):
        yield "`gost`, CONNECT", lambda target, port: ["gost", f"-L=http://127.0.0.1:{port}"], connect, None


def serve(program, port):
    return [
        program, "serve", "--policy", "loopback", "--log", "none", "--max-connections", "20000", "-l", f"127.0.0.1:{port}"
    ]


def socks(client, target):
    client.sendall(b"\x05\x01\x00")
    answered(client, lambda seen: len(seen) == 2)
    client.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + target.to_bytes(2, "big"))
    answered(client, lambda seen: len(seen) == 10)


def connect(client, target):
    client.sendall(f"CONNECT 127.0.0.1:{target} HTTP/1.1\r\nHost: 127.0.0.1:{target}\r\n\r\n".encode())
    answered(client, lambda seen: seen.endswith(b"\r\n\r\n"))


def nothing(client, target):
    pass


def answered(client, is_whole):
    seen = b""
    while not is_whole(seen):
        chunk = client.recv(4096)
        assert chunk, seen
        seen += chunk


def cpu_of(start, ask, before):
    with Relay(start) as relay:
        client = relay.connect()
        ask(client, relay.port_of_target)
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
            ask(client, relay.port_of_target)
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
