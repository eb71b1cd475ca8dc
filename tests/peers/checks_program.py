"""The program `wirestack`: every command against programs that others wrote."""

import functools
import getpass
import http.server
import json
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

from addresses import free_addresses
from bed import ENVIRONMENT, end_group
from failure import Failure
from programs import PAYLOAD
from targets import GREETING

SSHD = "/usr/sbin/sshd"
NEEDS = [SSHD, "ssh", "git", "nc", "curl"]
LIMIT = 20  # seconds for what is typed to be answered
MOST_TO_START = 5_000_000  # instructions: a millisecond or two; to read the roots of a system takes 35 million


def checks(bed, run):
    program = Program(bed, run)
    ca, password = ["--cacert", bed.cert("ca")], {"WIRESTACK_PROXY_PASSWORD": bed.PASSWORD}
    squid_tls = f"https://{bed.squid_tls}".replace("127.0.0.1", "localhost")
    microsocks = f"socks5h://{bed.microsocks}"
    wss = {name: f"wss://{at}/".replace("127.0.0.1", "localhost") for name, at in bed.echo_tls.items()}
    https = f"https://{bed.nginx['rsa']}/".replace("127.0.0.1", "localhost")

    # probe
    way = ["--via", microsocks, "--via", squid_tls, "--proxy-user", "user", *ca]
    for name, url in wss.items():
        yield f"wirestack probe, microsocks, squid over TLS, {name}", lambda: program.probes(
            url, *way, says=r"(?s)socks .*tls .*hop 2.*connect .*websocket .*certificates of hop 2.*certificates of target",
            environment=password,
        )
    yield "wirestack probe --json, nginx", lambda: program.probes_json(f"tls://{https[8:-1]}", *ca)
    yield "wirestack probe, squid, wrong password", lambda: program.fails(
        9, "refused the user or the password", "probe", https, "--via", squid_tls, "--proxy-user", "user", *ca,
        environment={"WIRESTACK_PROXY_PASSWORD": bed.WRONG},
    )
    yield "wirestack probe, nginx, not trusted", lambda: program.fails(7, "which is no authority", "probe", https)
    yield "wirestack probe, nobody listens", lambda: program.fails(5, "refused", "probe", f"tcp://{bed.nobody}")

    if shutil.which("valgrind"):
        for name, arguments in (
            ("--version", ["--version"]),
            ("--help", ["--help"]),
            ("probe", ["probe", "-q", f"tcp://{bed.nobody}"]),
            ("serve", ["serve", "-l", "127.0.0.1:0", "--users", program.users()]),
            ("forward", ["forward", "-D", "127.0.0.1:0", "--via", "socks5h://proxy.test:1080"]),
        ):
            yield f"wirestack {name} starts at once", lambda: program.starts(*arguments)
    else:
        print("there is no valgrind: the instructions of a start are not counted")

    # connect
    for name, url in wss.items():
        yield f"wirestack connect, {name}", lambda: program.prints(
            "connect", url, *ca, data=b"a line\nanother\n", wanted=b"a line\nanother\n"
        )
        yield f"wirestack connect --compress, {name}", lambda: program.prints(
            "connect", "-z", url, *ca, data=b"again " * 999 + b"\n", wanted=b"again " * 999 + b"\n"
        )
    url = wss["python-websockets"]
    yield "wirestack connect, at a terminal", lambda: program.types(url)
    yield "wirestack connect --ask, at a terminal, squid", lambda: program.logs_in(url, squid_tls)

    # forward
    sshd, ssh = start_sshd(bed)
    host, port = sshd.split(":")
    through = f"{program.path} forward -W %h:%p --via {microsocks} --via {squid_tls} --proxy-user user {' '.join(ca)}"
    yield "ssh, wirestack forward -W, microsocks, squid over TLS", lambda: program.ssh(ssh, port, through, password)
    users = program.users()
    tunnel = program.start(
        "program-tunnel", "serve", "--tunnel", "127.0.0.1:0", "--users", users, "--policy", "loopback",
        "--tls-cert", bed.cert("server"), "--tls-key", bed.key("server"), "--all-commands",
    )
    wss_tunnel = f"wss://{tunnel}/".replace("127.0.0.1", "localhost")
    for version in "--tunnel-http1", "--tunnel-http2":
        through = f"{program.path} forward -W %h:%p --tunnel {wss_tunnel} --tunnel-user user {version} {' '.join(ca)}"
        yield f"ssh, wirestack forward {version}", lambda: program.ssh(
            ssh, port, through, {"WIRESTACK_PASSWORD": bed.PASSWORD}
        )
        near = ["--tunnel", wss_tunnel, "--tunnel-user", "user", version, *ca]
        secret = {"WIRESTACK_PASSWORD": bed.PASSWORD}
        name = f"program-reverse{version}"
        reverse = program.start(name, "forward", "-R", f"127.0.0.1:0=tcp://{bed.greeter}", *near, environment=secret)
        yield f"nc, wirestack forward -R {version}", lambda: run.echoed(
            "nc", "-N", *reverse.split(":"), wanted=GREETING + PAYLOAD
        )
        back = program.start(f"{name}-ssh", "forward", "-R", f"127.0.0.1:0=tcp://{sshd}", *near, environment=secret)
        yield f"ssh, wirestack forward -R {version}", lambda: program.ssh(
            ssh, back.split(":")[1], "nc %h %p", {}
        )
    local = program.start("program-forward", "forward", "-L", f"127.0.0.1:0={bed.greeter}", "--via", microsocks)
    yield "nc, wirestack forward -L, microsocks", lambda: run.echoed("nc", "-N", *local.split(":"), wanted=GREETING + PAYLOAD)
    dynamic = program.start("program-dynamic", "forward", "-D", "127.0.0.1:0", "--via", microsocks)
    for option in "--socks5-hostname", "--socks4a":
        yield f"curl {option}, wirestack forward -D, microsocks", lambda: run.curl(https, option, dynamic, says="nginx TLSv1.3")
    yield "curl, wirestack forward -D, microsocks", lambda: run.curl(https, "-x", f"http://{dynamic}", says="nginx TLSv1.3")

    # serve
    locked = program.start(
        "program-serve", "serve", "-l", "127.0.0.1:0", "--users", users, "--policy", "loopback", "--tls-cert",
        bed.cert("server"), "--tls-key", bed.key("server"),
    )
    served = program.start("program-open", "serve", "-l", "127.0.0.1:0", "--policy", "loopback")
    for option in "--socks4", "--socks4a", "--socks5", "--socks5-hostname":
        yield f"curl {option}, wirestack serve", lambda: run.curl(https, option, served, says="nginx TLSv1.3")
    yield "curl, wirestack serve", lambda: run.curl(https, "-x", f"http://{served}", says="nginx TLSv1.3")
    yield "curl, wirestack serve, a request without a tunnel", lambda: run.curl(
        f"http://{plain_web(bed)}/", "-x", f"http://{served}", says="an ordinary answer"
    )
    activated = program.activated()
    yield "curl, wirestack serve, a socket of systemd", lambda: run.curl(
        https, "--socks5-hostname", activated, says="nginx TLSv1.3"
    )
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    for scheme in "socks5", "http":
        if chromium:
            yield f"Chromium, wirestack serve, {scheme}", lambda: program.browses(
                chromium, f"http://{plain_web(bed)}/", f"{scheme}://{served}"
            )
        else:
            print(f"no Chromium is installed: its page through {scheme}:// is not checked")
    secure = f"https://{locked}".replace("127.0.0.1", "localhost")
    trust = ["--proxy-cacert", bed.cert("ca"), "--proxy-user"]
    yield "curl, wirestack serve over TLS, Basic", lambda: run.curl(
        https, "-x", secure, *trust, f"user:{bed.PASSWORD}", says="nginx TLSv1.3"
    )
    yield "curl, wirestack serve over TLS, wrong password", lambda: run.curl(
        https, "-x", secure, *trust, f"user:{bed.WRONG}", code=56, says="connect=407"
    )
    git = start_git(bed)
    script = bed.folder / "program-netcat"
    script.write_text(f'#!/bin/sh\nexec nc -X 5 -x {served} "$1" "$2"\n')
    ours = bed.folder / "program-stdio"
    ours.write_text(f'#!/bin/sh\nexec {program.path} forward -W "$1:$2" --via http://{served}\n')
    for name, way in ("nc, wirestack serve", script), ("wirestack forward -W, wirestack serve", ours):
        way.chmod(0o755)
        yield f"git, {name}", lambda: program.cloned(git, way)


# What systemd does for a .socket unit (sd_listen_fds(3)).
ACTIVATE = """
import os, socket, sys
listener = socket.create_server(("127.0.0.1", 0))
os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)  # dup2 of 3 to itself changes nothing
os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[1], sys.argv[1:])
"""


def plain_web(bed):
    """Starts a web server without TLS, once; returns its address."""
    if not hasattr(bed, "program_web"):
        folder = bed.folder / "program-web"
        folder.mkdir()
        (folder / "index.html").write_text("<html><body>an ordinary answer</body></html>")
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=folder)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bed.program_web = "127.0.0.1:%d" % server.server_address[1]
    return bed.program_web


class Program:
    """The program, and what is compared of it."""

    def __init__(self, bed, run):
        self.bed, self.run = bed, run
        beside = run.folder / "wirestack", run.folder.parent / "wirestack"
        self.path = next((path for path in beside if path.is_file()), None)
        if self.path is None:
            raise Failure(f"there is no {beside[0]} and no {beside[1]}")

    def ran(self, *arguments, data=b"", answered=lambda seen: True, environment=()):
        return self.run.ran([self.path, *arguments], data, answered, {**ENVIRONMENT, **dict(environment)})

    def start(self, name, *arguments, environment=()):
        """Starts the program as a server; returns its address."""
        variables = [f"{key}={value}" for key, value in dict(environment).items()]
        self.bed.start(name, "env", *variables, self.path, *arguments)
        return self.bed.announced(name)

    def activated(self):
        """Starts the program as systemd does, with a socket that listens; returns its address."""
        serve = [self.path, "serve", "-l", "systemd", "--policy", "loopback"]
        self.bed.start("program-activated", sys.executable, "-c", ACTIVATE, *serve)
        return self.bed.announced("program-activated")

    def browses(self, chromium, url, proxy):
        """A browser shows a page through the proxy."""
        profile = self.bed.folder / f"chromium-{proxy.split(':')[0]}"
        end = self.run.ran([
            chromium, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}",
            f"--proxy-server={proxy}", "--proxy-bypass-list=<-loopback>", "--dump-dom", url,
        ], b"", lambda seen: b"an ordinary answer" in seen, ENVIRONMENT)
        if b"an ordinary answer" not in end.output:
            raise Failure(f"exit code {end.code}, {end.output[-300:]!r} and {end.errors[-300:]!r}")
        return f"{len(end.output)} bytes of the page"

    def users(self):
        end = self.ran("passwd", "user", environment={"WIRESTACK_PASSWORD": self.bed.PASSWORD})
        end.expect(0, r"^user:\$argon2id\$")
        users = self.bed.folder / "program-users"
        users.write_bytes(end.output)
        return users

    def probes(self, *arguments, says, environment=()):
        end = self.ran("probe", "-q", *arguments, environment=environment)
        end.expect(0, says)
        return end.output.decode().strip().splitlines()[-1]

    def probes_json(self, *arguments):
        report = json.loads(self.ran("probe", "--json", *arguments).expect(0, "^.*$"))
        certificate = report["certificates"][0]
        if not report["open"] or "localhost" not in certificate["names"]:
            raise Failure(f"it tells {report}")
        return f"{certificate['subject']}, issued by {certificate['issuer']}, to {certificate['not_after']}"

    def fails(self, code, says, *arguments, environment=()):
        return self.ran(*arguments, environment=environment).expect_error(code, says)

    def starts(self, *arguments):
        """Counts the instructions up to the end of a command, or until a server listens."""
        counted = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", self.path, *arguments]
        count, quiet = None, {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL}
        process = subprocess.Popen(
            list(map(str, counted)), stderr=subprocess.PIPE, text=True, env={**ENVIRONMENT}, **quiet
        )
        for line in process.stderr:
            if line.startswith("listening on"):
                process.terminate()
            if "Collected :" in line:
                count = int(line.split()[-1])
        process.wait(LIMIT)
        if not count or count > MOST_TO_START:
            raise Failure(f"{count} instructions, wanted at most {MOST_TO_START}")
        return f"{count:,} instructions"

    def prints(self, *arguments, data, wanted):
        """The program gets its input, and its end at once."""
        end = self.ran(*arguments, data=data)
        if (end.code, end.output) != (0, wanted):
            raise Failure(f"exit code {end.code}, {end.output[-300:]!r} and {end.errors!r}")
        return f"{len(wanted)} bytes equal"

    def ssh(self, ssh, port, through, environment):
        end = self.run.ran(
            [*ssh, "-o", f"ProxyCommand={through}", "-p", port, "127.0.0.1", "cat"], PAYLOAD,
            lambda seen: len(seen) >= len(PAYLOAD), {**ENVIRONMENT, **environment},
        )
        end.expect(0)
        if end.output != PAYLOAD:
            raise Failure(f"came back changed: {len(end.output)} bytes; {end.errors!r}")
        return f"{len(PAYLOAD)} bytes equal"

    def cloned(self, git, way):
        clone = self.bed.folder / f"program-clone-{way.name}"
        self.run.ran(["git", "-c", f"core.gitProxy={way}", "clone", "-q", f"git://{git}/served.git", clone]).expect(0)
        return self.run.ran(["git", "-C", clone, "log", "--format=%s"]).expect(0, "^first$")

    def types(self, url):
        """A person types two lines, and the end of the input."""
        with Terminal([self.path, "connect", url, "--cacert", self.bed.cert("ca")]) as terminal:
            terminal.expect("open")
            for line in "hello", "wörld":
                terminal.type(f"{line}\n")
                terminal.expect(f"< {line}")
            terminal.type("\x04")
            terminal.expect("closed: 1000")
            return f"exit code {terminal.ended(0)}, {terminal.seen[-60:]!r}"

    def logs_in(self, url, squid):
        """A person is asked for a user and a password, which is not shown."""
        command = [self.path, "connect", url, "--via", squid, "--ask", "--on-challenge", "--cacert", self.bed.cert("ca")]
        with Terminal(command) as terminal:
            terminal.expect("wants a user and a password")
            terminal.expect("user:")
            terminal.type("user\n")
            terminal.expect("password:")
            terminal.await_hidden()
            terminal.type(f"{self.bed.PASSWORD}\n")
            terminal.expect("open")
            terminal.type("hello\n")
            terminal.expect("< hello")
            terminal.type("\x04")
            code = terminal.ended(0)
            if self.bed.PASSWORD in terminal.seen:
                raise Failure(f"the password is shown: {terminal.seen!r}")
            told = f"exit code {code}, {terminal.seen[-60:]!r}"
        with Terminal(command) as terminal:
            terminal.expect("user:")
            terminal.type("user\n")
            terminal.expect("password:")
            terminal.await_hidden()
            terminal.type("\x03")
            terminal.ended(130)
        return told


class Terminal:
    """A program at a terminal of its own."""

    def __init__(self, command):
        self.command, self.seen = list(map(str, command)), ""

    def __enter__(self):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            self.command, stdin=theirs, stdout=theirs, stderr=theirs, env={**ENVIRONMENT, "TERM": "xterm"},
            start_new_session=True, preexec_fn=lambda: os.close(os.open(os.ttyname(theirs), os.O_RDWR)),
        )
        os.close(theirs)
        self.deadline = time.monotonic() + LIMIT
        return self

    def __exit__(self, *_):
        end_group(self.process, 9)
        self.process.wait()
        os.close(self.ours)

    def type(self, text):
        self.mark = len(self.seen)
        os.write(self.ours, text.encode())

    def expect(self, text, mark=0):
        """Waits until this stands on the terminal, behind what was typed last."""
        while text not in self.seen[getattr(self, "mark", 0) :]:
            if not self.read():
                raise Failure(f"the terminal does not show {text!r}, but {self.seen!r}")

    def await_hidden(self):
        """Waits until the terminal shows no more what is typed, which the program wants behind its question."""
        while termios.tcgetattr(self.ours)[3] & termios.ECHO:
            if time.monotonic() > self.deadline:
                raise Failure(f"the terminal shows what is typed: {self.seen!r}")
            select.select([], [], [], 0.01)

    def ended(self, code):
        while self.read():
            pass
        if (seen := self.process.wait(LIMIT)) != code:
            raise Failure(f"exit code {seen}, wanted {code}; {self.seen!r}")
        return code

    def read(self):
        left = self.deadline - time.monotonic()
        if left <= 0 or not select.select([self.ours], [], [], left)[0]:
            return False
        try:
            data = os.read(self.ours, 65536)
        except OSError:  # the other side is closed
            return False
        self.seen += re.sub(r"\x1b\[[0-9;]*m", "", data.decode(errors="replace"))
        return bool(data)


def start_sshd(bed):
    """An sshd, and the words of its clients."""
    folder = bed.folder / "program-ssh"
    folder.mkdir()
    for name in "host", "user":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    sshd = next(free_addresses(1))
    host, port = sshd.split(":")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # it wants this folder, and does not make it
    config = folder / "sshd.conf"
    config.write_text(f"""
        ListenAddress {host}
        Port {port}
        HostKey {folder}/host
        PidFile {folder}/sshd.pid
        AuthorizedKeysFile {folder}/user.pub
        AuthenticationMethods publickey
        StrictModes no
        UsePAM no
        """)
    bed.start("program-sshd", SSHD, "-D", "-e", "-f", config)
    bed.await_accepting("program-sshd", sshd)
    (folder / "known").write_text(f"program-sshd {(folder / 'host.pub').read_text()}")
    return sshd, [
        "ssh", "-F", "none", "-l", getpass.getuser(), "-i", folder / "user", "-o", "IdentitiesOnly=yes",
        # Its key has a name of its own, as a tunnel leads to it from other addresses.
        "-o", f"UserKnownHostsFile={folder}/known", "-o", "HostKeyAlias=program-sshd", "-o", "BatchMode=yes",
    ]


def start_git(bed):
    """A repository with one commit, and its git daemon; returns its address."""
    folder = bed.folder / "program-git"
    folder.mkdir()
    who = ["-c", "user.name=peer", "-c", "user.email=peer@localhost"]
    for command in (
        ["init", "-q", "-b", "main", folder / "first"],
        ["-C", folder / "first", *who, "commit", "-q", "--allow-empty", "-m", "first"],
        ["clone", "-q", "--bare", folder / "first", folder / "served.git"],
    ):
        subprocess.run(["git", *command], check=True, env={**ENVIRONMENT, "HOME": str(folder)})
    address = next(free_addresses(1))
    host, port = address.split(":")
    bed.start(
        "program-git-daemon", "git", "daemon", "--reuseaddr", "--export-all", f"--listen={host}", f"--port={port}",
        f"--base-path={folder}", folder,
    )
    bed.await_accepting("program-git-daemon", address)
    return address
