"""Which proxy curl asks, and which one ours names, for each case of a table."""

import shlex
import socketserver
import subprocess
import threading

from bed import ENVIRONMENT, HERE, Failure

# What ours reads otherwise, on purpose.
DIFFERENT = {
    "NO_PROXY=::/8": "direct",  # a network of IPv6 addresses counts
    "ws:// http+https_proxy": "A",  # curl does not know these schemes
    "wss:// http+https_proxy": "A",
}


class Proxy(socketserver.ThreadingTCPServer):
    """Notes that it was asked, and says no more."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), None)
        self.asked = False
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        self.asked |= bool(request.recv(1))


def compare(program):
    """Goes through the table; returns how many cases were equal, and how many differ as they should."""
    rows = [row.split("\t") for row in (HERE / "environment.tsv").read_text().splitlines()]
    rows = [row for row in rows if len(row) == 4 and not row[0].startswith("#")]
    equal = different = 0
    with Proxy() as a, Proxy() as b:
        places = {"A": "%s:%d" % a.server_address, "B": "%s:%d" % b.server_address}
        for case, variables, url, _ in rows:
            environment = dict(ENVIRONMENT)
            for name, value in (pair.split("=", 1) for pair in shlex.split(variables)):
                for letter, place in places.items():
                    if value == letter or value.endswith(("/" + letter, "@" + letter)):
                        value = value[:-1] + place
                environment[name] = value
            a.asked = b.asked = False
            curl = subprocess.run(
                ["curl", "-sgk", "-m", "10", url], env=environment, stdin=subprocess.DEVNULL, capture_output=True
            )
            theirs = "A" if a.asked else "B" if b.asked else "error" if curl.returncode in (1, 5, 7) else "direct"
            end = subprocess.run(
                [program, url], env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
            )
            named = end.stdout.strip()
            ours = next((letter for letter, place in places.items() if named.endswith(place)), named or "error")
            if case in DIFFERENT:
                different += 1
                if ours != DIFFERENT[case]:
                    raise Failure(f"{case}: ours is {ours}, wanted {DIFFERENT[case]}")
            elif ours == theirs or (ours == "direct" and theirs == "error" and ":9699" in url):
                equal += 1  # nobody listens where it goes directly
            else:
                raise Failure(f"{case}: curl's is {theirs}, ours is {ours}")
        a.shutdown()
        b.shutdown()
    if (equal, different) != (30, 3):
        raise Failure(f"{equal} cases equal and {different} different, wanted 30 and 3")
    return f"{equal} cases as curl, {different} different on purpose"
