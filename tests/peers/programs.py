"""Runs the client programs, ours and those of others, and compares what they did."""

import contextlib
import re
import secrets
import signal
import socket
import subprocess
import tempfile
import threading
import time

from bed import ENVIRONMENT, HERE, end_group
from failure import Failure
from targets import ECHOED, GREETING

LIMIT = 30  # seconds for a program to end
NO_CLOSE_NOTIFY = "(?i)tls.*close_notify"
PAYLOAD = secrets.token_bytes(ECHOED)


class Programs:
    """The programs, against a test bed. Each method makes a check and returns what it compared."""

    def __init__(self, bed, folder):
        self.bed, self.folder = bed, folder

    def tunnel(self, url, *hops, options=(), log=None, cut=False):
        """Our pipe through hops to a greeter: its greeting and the echo come back whole.

        Where a peer ends TLS without close_notify, our pipe tells that, behind all of the bytes.
        """
        mark = log and self.bed.log_size(log[0])
        wanted = GREETING + PAYLOAD
        end = self.pipe(url, hops, options, PAYLOAD, lambda seen: len(seen) >= len(wanted))
        if end.output != wanted:
            raise Failure(f"came back changed: {len(end.output)} bytes, wanted {len(wanted)}; {end.errors!r}")
        ended = f", then {end.expect_error(1, NO_CLOSE_NOTIFY)}" if cut else end.expect(0) and ""
        return f"{len(wanted)} bytes equal{ended}" + (self.told(*log, mark) if log else "")

    def half_close(self, url, *hops):
        """Our pipe's end of sending arrives, and what is answered only then."""
        end = self.pipe(url, hops, [], PAYLOAD, lambda seen: True)
        return end.expect(0, f"^{len(PAYLOAD)} bytes$")

    def https(self, url, *options, says, hops=(), cut=False):
        """Our pipe takes an HTTP request to a TLS server, which tells what it sees; both name one version.

        Through hops it waits for the end, because who looks into TLS may end before it has read ours.
        """
        host = url.split("/")[2]
        request = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()
        end = self.pipe(url, hops, options, request, lambda seen: not hops and re.search(says.encode(), seen))
        if cut:
            end.expect_error(1, NO_CLOSE_NOTIFY)
        seen = end.expect(1 if cut else 0, says)
        version = re.search(r"TLSv?(1\.[23])", seen)
        if version and version[1] not in end.errors:
            raise Failure(f"the server tells {seen!r}, but our pipe {end.errors!r}")
        return seen

    def reverse(self, url, *options):
        """Our pipe gets each of its lines back reversed, as `openssl s_server -rev` does it."""
        end = self.pipe(url, [], options, b"a line to reverse\n", lambda seen: b"\n" in seen)
        return end.expect(0, "esrever ot enil a\n")

    def lines(self, url, *options):
        """Our pipe gets its line back, as `gnutls-serv --echo` does it."""
        end = self.pipe(url, [], options, b"a line to echo\n", lambda seen: b"\n" in seen)
        return end.expect(0, "^a line to echo$")

    def ending(self, url, path, code, *options):
        """Our pipe delivers all that came, and tells a connection cut short from a finished one."""
        body = f"the body of {path}\n"
        # It does not finish: in TLS 1.2, who has finished need not wait for the peer to do so.
        end = self.pipe(url, [], options, f"GET {path}\n".encode(), lambda seen: False)
        compared = end.expect(code, f"^{body}$")
        return compared if code == 0 else f"{compared}, then {end.expect_error(code, '(?i)tls|close_notify')}"

    def refused(self, url, *hops, options=(), says):
        """Our pipe fails, and its error says what is wanted of it, and no password."""
        end = self.pipe(url, hops, options, b"", lambda seen: True)
        return end.expect_error(1, f"(?is){says}")

    def nested(self, url, *options, log=None, way=None, told=None, http2=False, within=LIMIT, closed=1000):
        """Our nested talks to an echo server, which sees the message and a clean close, or what it
        calls so.

        It says whether HTTP/2 is below, and so does the log of who is on the way. All of it takes
        no longer than so many seconds.
        """
        message, wanted = f"message {secrets.token_hex(4)}", []
        if log:
            wanted.append((log, f"text {len(message)} {message}\n.*closed {closed}"))
        if way:
            wanted.append((way, rf"\S+ HTTP/{'2' if http2 else '1.1'}"))
        if told:
            wanted.append(told)
        marks = [self.bed.log_size(log) for log, _ in wanted]
        start = time.monotonic()
        end = self.ran([self.folder / "nested", url, *options, "--message", message])
        seconds = time.monotonic() - start
        layer = end.expect(0, r"http2 +\[.*\] +[\d.]+ ms target" if http2 else r"\A(?s:(?!.*http2 +\[[^\n]* target))")
        told = [self.told(*one, mark) for one, mark in zip(wanted, marks)]
        if seconds > within:
            raise Failure(f"took {seconds:.1f} s, wanted {within} at most")
        return "echoed" + (layer and f" over {layer!r}") + "".join(told)

    def shows(self, program, *options, says):
        """An example of ours prints what is wanted of it."""
        return self.ran([self.folder / program, *options]).expect(0, says)

    def proxied(self, url, *options, log, says):
        """Our pipe through a proxy that writes a header; our server behind it tells what that says."""
        mark = self.bed.log_size(log)
        end = self.pipe(url, [], options, PAYLOAD, lambda seen: len(seen) >= len(PAYLOAD))
        end.expect(0)
        if end.output != PAYLOAD:
            raise Failure(f"came back changed: {len(end.output)} bytes, wanted {len(PAYLOAD)}")
        return f"{len(PAYLOAD)} bytes equal" + self.told(log, says, mark)

    def asked_to_close(self, url, *options, within):
        """An echo server closes when our client asks it to; soon the client has the end of the connection too."""
        end = self.ran([self.folder / "fuzzed", "closed", url, *options])
        told = end.expect(0, r"^.*1000.*as asked.*; the end took (\d+) ms$")
        seconds = int(re.search(r"(\d+) ms$", told)[1]) / 1000
        if seconds > within:
            raise Failure(f"{told}, wanted {within} s at most")
        return told

    def called(self, proxy, *options):
        """Our client of BIND listens at a proxy; bytes of a peer that connects there are echoed."""
        with self.bed.passing("socks_bind", self.folder / "socks_bind", proxy, *options) as at:
            host, port = at.split(":")
            with socket.create_connection((host, int(port)), LIMIT) as caller:
                caller.sendall(PAYLOAD)
                heard = b""
                while len(heard) < len(PAYLOAD) and (received := caller.recv(65536)):
                    heard += received
        if heard != PAYLOAD:
            raise Failure(f"came back changed: {len(heard)} bytes, wanted {len(PAYLOAD)}")
        return f"{len(heard)} bytes equal through {at}"

    def nested_refused(self, url, *options, says):
        """Our nested fails, and its error says what is wanted of it."""
        return self.ran([self.folder / "nested", url, *options]).expect_error(1, f"(?is){says}")

    def curl(self, url, *options, says, code=0, environment=ENVIRONMENT):
        """curl's exit code, and what it printed: page, errors, the statuses of proxy and server."""
        ca = ["--cacert", self.bed.cert("ca")]
        tell = ["-sS", "--stderr", "-", "-w", "connect=%{http_connect} http/%{http_version}=%{response_code}\n"]
        end = self.ran(["curl", "-g", *tell, *ca, *options, url], environment=environment)
        return f"exit code {code}, {end.expect(code, says)!r}"

    def echoed(self, *command, wanted, log=None, says=""):
        """A command of others sends a payload through our proxies, and gets what is wanted."""
        mark = log and self.bed.log_size(log[0])
        end = self.ran(command, PAYLOAD, lambda seen: len(seen) >= len(wanted))
        end.expect(0)
        if end.output != wanted:
            raise Failure(f"came back changed: {len(end.output)} bytes, wanted {len(wanted)}; {end.errors!r}")
        told = says and f"; it tells {end.expect_told(says)!r}"
        return f"{len(wanted)} bytes equal" + told + (self.told(*log, mark) if log else "")

    def prints(self, *command, says):
        """A command of others prints what is wanted of it."""
        return self.ran(command).expect(0, says)

    def fails(self, *command, says):
        """A command of others fails, and says why."""
        end = self.ran(command)
        if end.code == 0:
            raise Failure(f"did not fail: {end.output[-300:]!r} and {end.errors!r}")
        return f"exit code {end.code}; it tells {end.expect_told(says)!r}"

    def conforms(self, side, peer, *options):
        """A server or a client of ours answers each case of http2/check.py as it should."""
        check = HERE / "http2/check.py"
        return self.ran(["python3", check, side, peer, *options]).expect(0, "^\\d+ cases, .*$")

    def websocket_client(self, script, url, *more):
        """A WebSocket client of others goes through its list of exchanges."""
        program = HERE / ".work/venv/bin/python" if script.endswith(".py") else "node"
        return self.ran([program, HERE / script, url, self.bed.cert("ca"), *more]).expect(0, "^text.*$")

    def browser(self, url, log):
        """Chromium goes through its list of exchanges, in the version of HTTP that the server tells."""
        mark = self.bed.log_size(log[0])
        return self.ran(["node", HERE / "browser.js", url]).expect(0, "^text.*$") + self.told(*log, mark)

    def tunnelled(self, secure, *hops):
        """Our tunnel, both ends, carries what a greeter says and echoes."""
        tls = ["--tls", self.bed.cert("server"), self.bed.key("server")] if secure else []
        via = [word for hop in hops for word in ("--via", hop)]
        with self.bed.passing("tunnel-serve", self.folder / "tunnel", "serve", self.bed.greeter, *tls) as far:
            url = f"wss://{far}/".replace("127.0.0.1", "localhost") if secure else f"ws://{far}/"
            listen = ["listen", url, *via, "--cacert", self.bed.cert("ca")]
            with self.bed.passing("tunnel-listen", self.folder / "tunnel", *listen) as near:
                return self.tunnel(f"tcp://{near}")

    def pipe(self, url, hops, options, data, answered):
        via = [word for hop in hops for word in ("--via", hop)]
        return self.ran([self.folder / "pipe", url, *via, *options], data, answered)

    def ran(self, command, data=b"", answered=lambda seen: True, environment=ENVIRONMENT):
        """Runs a program, whose input ends only when the output seen is the answer.

        Many proxies end a tunnel when one side has finished, so a client that wants its answer
        must not finish before.
        """
        with tempfile.TemporaryFile() as errors:
            process = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
                env=environment, cwd=self.bed.folder, start_new_session=True,
            )
            done = threading.Event()
            if answered(b""):
                done.set()

            def write():
                with contextlib.suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(data)
                    process.stdin.flush()
                    done.wait()

            writer = threading.Thread(target=write)
            limit = threading.Timer(LIMIT, end_group, [process, signal.SIGKILL])
            writer.start()
            limit.start()
            try:
                output = b""
                while received := process.stdout.read1(65536):
                    output += received
                    if not done.is_set() and answered(output):
                        done.set()
                code = process.wait()
            finally:
                # At an interruption too nothing started here stays behind.
                end_group(process, signal.SIGKILL)
                done.set()
                limit.cancel()
                writer.join()
                process.stdout.close()
            errors.seek(0)
            return End(code, output, errors.read(), self.bed.SECRETS)

    def told(self, log, pattern, mark):
        return f"; {log}.log tells {self.bed.expect_log(log, pattern, mark)!r}"


class End:
    """How a program ended."""

    def __init__(self, code, output, errors, passwords):
        self.code, self.output, self.passwords = code, output, passwords
        self.errors = errors.decode(errors="replace").strip()

    def expect(self, code, pattern=""):
        """Compares the exit code and the output; returns what the pattern found."""
        return self.compared(code, pattern, self.output.decode(errors="replace")).group().strip()

    def expect_error(self, code, pattern):
        """Compares the exit code and the error output; returns this."""
        self.compared(code, pattern, self.errors)
        if any(password in self.errors for password in self.passwords):
            raise Failure(f"a password stands in {self.errors!r}")
        return f"exit code {code}, {self.errors!r}"

    def expect_told(self, pattern):
        """Looks for the pattern in the error output; returns what it found."""
        return self.compared(self.code, pattern, self.errors).group()

    def compared(self, code, pattern, text):
        if self.code != code:
            raise Failure(f"exit code {self.code}, wanted {code}; {self.output[-300:]!r} and {self.errors!r}")
        found = re.search(pattern, text, re.MULTILINE)
        if not found:
            raise Failure(f"{text[-500:]!r} has no {pattern!r}")
        return found
