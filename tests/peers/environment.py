"""Which proxy curl asks, and which one ours asks, for each case of a table.

    environment.py PROGRAM    compares curl and PROGRAM with the table
    environment.py --record   prints the answers of the curl of this machine
"""

import base64
import re
import socket
import socketserver
import subprocess
import sys
import threading
from urllib.parse import quote_from_bytes

from bed import ENVIRONMENT, HERE, Failure


class Proxy(socketserver.ThreadingTCPServer):
    """Notes how it was asked, and by whom, and says no more than that takes."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host, port=0):
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.asked = None
        super().__init__((host, port), None)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        request.settimeout(10)
        try:
            self.asked = self.asked or read_request(request.makefile("rb", buffering=0), request.sendall)
        except OSError:
            pass


def read_request(wire, answer):
    """Returns the protocol of a client, and its user and password, percent-encoded."""

    def exactly(n):
        data = b""
        while len(data) < n and (more := wire.read(n - len(data))):
            data += more
        return data

    def counted():
        return exactly(int.from_bytes(exactly(1), "big"))

    first = wire.read(1)
    if not first:
        return None
    if first == b"\x16":
        return "https"
    if first == b"\x04":
        exactly(7)
        user = b""
        while (byte := wire.read(1)) not in (b"", b"\0"):
            user += byte
        return "socks4" + (" " + quoted(user) if user else "")
    if first == b"\x05":
        if b"\x02" not in counted():
            return "socks5"
        answer(b"\x05\x02")
        exactly(1)
        return "socks5 " + quoted(counted()) + ":" + quoted(counted())
    head = first
    while b"\r\n\r\n" not in head and (more := wire.read(4096)):
        head += more
    basic = re.search(rb"(?im)^proxy-authorization: basic (\S+)", head)
    if not basic:
        return "http"
    user, password = base64.b64decode(basic[1]).split(b":", 1)
    return "http " + quoted(user) + ":" + quoted(password)


def quoted(data):
    return quote_from_bytes(data, safe="")


class Bench:
    """Two proxies: A, at both addresses of loopback, and B."""

    def __init__(self):
        self.b = Proxy("127.0.0.1")
        while True:
            self.a = Proxy("127.0.0.1")
            try:
                self.a6 = Proxy("::1", self.a.server_address[1])
                break
            except OSError:
                self.a.server_close()  # the port is taken at the other address

    def run(self, variables, command):
        """Runs a command. Returns the answer of its proxy, and what the command said."""
        a, b = self.a.server_address[1], self.b.server_address[1]
        environment = {name.encode(): value.encode() for name, value in ENVIRONMENT.items()}
        for pair in variables.split():
            name, value = pair.encode().split(b"=", 1)
            for mark, text in (b"{A}", b"127.0.0.1:%d" % a), (b"{AP}", b"%d" % a), (b"{B}", b"127.0.0.1:%d" % b):
                value = value.replace(mark, text)
            environment[name] = re.sub(rb"\\x(..)", lambda byte: bytes.fromhex(byte[1].decode()), value)
        proxies = [("A", self.a), ("A", self.a6), ("B", self.b)]
        for _, proxy in proxies:
            proxy.asked = None
        end = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True)
        asked = [f"{letter} {proxy.asked}" for letter, proxy in proxies if proxy.asked]
        return asked[0] if asked else None, end

    def curl(self, variables, url):
        asked, end = self.run(variables, ["curl", "-sSvgk", "-m", "10", url])
        said = end.stderr.decode(errors="replace")
        tried = re.search(r"Trying (\S+?)\.\.\.", said)
        unknown = re.search(r"Could not resolve proxy: (\S+)", said)
        if asked:
            return asked
        if unknown:
            return f"elsewhere {unknown[1]}"
        if end.returncode == 6 or (tried and ":9699" in tried[1]):
            return "direct"
        return f"elsewhere {tried[1]}" if tried else "error"

    def ours(self, program, variables, url):
        asked, end = self.run(variables, [program, url])
        said = end.stdout.decode(errors="replace").strip()
        if asked:
            return asked
        place = re.fullmatch(r"\w+://(.*)", said)
        if not place:
            return said or "error"
        host = place[1].rsplit(":", 1)[0]
        if b"could not" not in end.stderr:
            return "error"  # it went there, and said nothing
        return f"elsewhere {host if re.search('[g-z]', host) else place[1]}"


def rows():
    lines = (HERE / "environment.tsv").read_text().splitlines()
    return [row.split("\t") for row in lines if row and not row.startswith("#")]


def compare(program):
    """Goes through the table; returns how many cases were equal, and how many differ as they should."""
    equal = different = 0
    bench = Bench()
    for case, variables, url, curls, ours, why in rows():
        seen = bench.curl(variables, url), bench.ours(program, variables, url)
        if seen != (curls, ours):
            raise Failure(f"{case}: curl's is {seen[0]}, ours is {seen[1]}, wanted {curls} and {ours}")
        if (curls == ours) == bool(why.strip("-")):
            raise Failure(f"{case}: a difference has a reason, and nothing else has one")
        equal += curls == ours
        different += curls != ours
    return f"{equal} cases as curl, {different} different on purpose"


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        bench = Bench()
        for case, variables, url, *_ in rows():
            print(case, variables, url, bench.curl(variables, url), sep="\t")
    else:
        print(compare(sys.argv[1]))
