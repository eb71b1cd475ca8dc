"""The test bed: starts the peers on free ports, and ends what it started."""

import contextlib
import hashlib
import itertools
import os
import random
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

HERE = Path(__file__).resolve().parent
START_LIMIT = 20  # seconds for a peer to become ready
LOG_LIMIT = 5  # seconds for a line to reach a peer's log
GREETING = b"the server speaks first\r\n"
ECHOED = 256 * 1024  # bytes that a check sends to a greeter

# No proxy of the environment may come between a client and its peer.
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}


class Failure(Exception):
    """Something was not as it should be."""


class Bed:
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

    def start_others(self):
        """The peers; first all are started, then all are waited for."""
        names = "microsocks microsocks_auth dante squid squid_basic squid_tls squid_digest squid_digest_leaving tinyproxy tinyproxy_basic".split()
        nginx = {name: None for name in ("TLSv1.2", "TLSv1.3", "client", "rsa", "wrong", "expired", "http2", "proxied")}
        openssl = {"TLSv1.2": ["-tls1_2"], "TLSv1.3": ["-tls1_3"], "client": ["-Verify", "1", "-verify_return_error"]}
        addresses = free_addresses(len(names) + len(nginx) + len(openssl))
        for name in names:
            setattr(self, name, next(addresses))
        self.nginx = {name: next(addresses) for name in nginx}
        self.openssl = {name: next(addresses) for name in openssl}

        self.start_microsocks()
        self.start_dante()
        self.start_squid()
        self.start_tinyproxy()
        self.start_nginx()
        for name, options in openssl.items():
            self.start(
                f"openssl-{name}", "openssl", "s_server", "-rev", "-accept", self.openssl[name],
                "-cert", self.cert("server"), "-key", self.key("server"), "-CAfile", self.cert("ca"), *options,
            )
        python, echo = HERE / ".work/venv/bin/python", {"python-websockets": "echo.py", "npm-ws": "echo.js"}
        identity = self.cert("server"), self.key("server")
        for name, script in echo.items():
            program = python if script.endswith(".py") else "node"
            self.start(name, program, HERE / script)
            self.start(f"{name}-tls", program, HERE / script, *identity)
        self.start("endings", sys.executable, HERE / "endings.py", *identity)
        http2 = {"node": [], "node-tls": identity, "node-no-connect": ["--no-connect", *identity]}
        for name, options in http2.items():
            self.start(name, "node", HERE / "echo_http2.js", *options)

        for name in names:
            squid = name.startswith("squid") and "digest" not in name
            self.await_accepting("squid" if squid else name, getattr(self, name))
        for name, address in self.nginx.items():
            self.await_accepting("nginx", address)
        for name in openssl:
            # It serves one connection at a time, and would take a try for one of them.
            self.await_start(f"openssl-{name}", lambda: "ACCEPT" in self.log(f"openssl-{name}"))
        self.echo = {name: self.announced(name) for name in echo}
        self.echo_tls = {name: self.announced(f"{name}-tls") for name in echo}
        self.endings = self.announced("endings")
        self.node = {name: self.announced(name) for name in http2}

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

    def start_fronts(self):
        """The peers that speak HTTP/2 for the servers and proxies behind them, in cleartext and over TLS."""
        behind = {
            "echo": self.echo["python-websockets"],
            "squid": self.squid,
            "our_websocket": self.our_websocket,
            "our_websocket_tls": self.our_websocket_tls,
        }
        more = {"http1": behind["echo"], "squid_basic": self.squid_basic, "our_connect": self.our_connect}
        behind_haproxy = {**behind, **more}
        headers = {
            "v1": ("our_proxied", "send-proxy"),
            "v2": ("our_proxied", "send-proxy-v2"),
            "v2_more": ("our_proxied", "send-proxy-v2-ssl-cn proxy-v2-options unique-id,crc32c"),
            "v2_tls": ("our_proxied_tls", f"ssl verify none send-proxy-v2 proxy-v2-options unique-id"),
        }
        addresses = free_addresses(2 * len(behind) + 2 * len(behind_haproxy) + len(headers))
        self.haproxy_headers = {name: next(addresses) for name in headers}
        self.nghttpx, self.nghttpx_tls = ({name: next(addresses) for name in behind} for _ in range(2))
        self.haproxy, self.haproxy_tls = ({name: next(addresses) for name in behind_haproxy} for _ in range(2))
        self.start_haproxy(behind_haproxy, headers)
        self.start_nghttpx(behind)
        for address in (*self.haproxy.values(), *self.haproxy_tls.values(), *self.haproxy_headers.values()):
            self.await_accepting("haproxy", address)
        for name in behind:
            self.await_accepting(f"nghttpx-{name}", self.nghttpx[name])
            self.await_accepting(f"nghttpx-{name}", self.nghttpx_tls[name])

    def start_haproxy(self, behind, headers):
        """One haproxy, which speaks HTTP/2 with our WebSocket servers and HTTP/1.1 with all others.

        Before our servers that read the header of the PROXY protocol, it carries bytes and says for whom.
        """
        identity, config = self.folder / "haproxy.pem", self.folder / "haproxy.cfg"
        identity.write_text(Path(self.cert("server")).read_text() + Path(self.key("server")).read_text())
        ours = {"our_websocket": "proto h2", "our_websocket_tls": f"ssl alpn h2 ca-file {self.cert('ca')}"}
        sections = ""
        for name, address in behind.items():
            alpn = "http/1.1" if name == "http1" else "h2,http/1.1"
            sections += f"""
                frontend {name}
                    bind {self.haproxy[name]}
                    bind {self.haproxy_tls[name]} ssl crt {identity} alpn {alpn}
                    default_backend {name}
                backend {name}
                    server {name} {address} {ours.get(name, "")}"""
        for name, (server, options) in headers.items():
            tls = f"ssl crt {identity}" if name == "v2_more" else ""
            sections += f"""
                frontend header_{name}
                    mode tcp
                    option tcplog
                    unique-id-format haproxy-{name}
                    bind {self.haproxy_headers[name]} {tls}
                    default_backend header_{name}
                backend header_{name}
                    mode tcp
                    server {name} {getattr(self, server)} {options}"""
        config.write_text(f"""
            global
                log stdout format raw local0
                maxconn 200
            defaults
                mode http
                log global
                log-format "%f %HM %HU %HV %ST"
                timeout connect 5s
                timeout client 60s
                timeout server 60s
                timeout tunnel 60s
            {sections}\n""")
        self.start("haproxy", "haproxy", "-db", "-f", config)

    def start_nghttpx(self, behind):
        """An nghttpx for each server behind, since what is behind cannot depend on the port in front."""
        protocols = {"our_websocket": "h2", "our_websocket_tls": "h2;tls;sni=localhost"}
        for name, address in behind.items():
            front, front_tls, back = (
                address.replace(":", ",") for address in (self.nghttpx[name], self.nghttpx_tls[name], address)
            )
            self.start(
                f"nghttpx-{name}", "nghttpx", "--conf=/dev/null", "--single-process", "--no-ocsp",
                f"--frontend={front};no-tls", f"--frontend={front_tls}",
                f"--backend={back};;proto={protocols.get(name, 'http/1.1')}", f"--cacert={self.cert('ca')}",
                "--accesslog-file=/dev/stdout", "--accesslog-format=$request $status",
                *(["--http2-proxy"] if name == "squid" else []), self.key("server"), self.cert("server"),
            )

    def start_microsocks(self):
        for name, auth in ("microsocks", []), ("microsocks_auth", ["-u", "user", "-P", self.PASSWORD]):
            host, port = getattr(self, name).split(":")
            self.start(name, "microsocks", "-i", host, "-p", port, *auth)

    def start_dante(self):
        """A danted, for SOCKS4 and SOCKS5 and all that they can."""
        config, (host, port) = self.folder / "danted.conf", self.dante.split(":")
        everything = "from: 0/0 to: 0/0"
        config.write_text(f"""
            logoutput: stdout
            internal: {host} port = {port}
            external: {host}
            clientmethod: none
            socksmethod: none
            user.privileged: root
            user.unprivileged: nobody
            client pass {{
                {everything}
            }}
            socks pass {{
                {everything}
                log: connect
            }}
            """)
        self.start("dante", "danted", "-f", config, "-p", self.folder / "danted.pid")

    def start_squid(self):
        """One squid with three ports: open, with Basic authentication, and this over TLS; and two with Digest."""
        tls = f"https_port {self.squid_tls} name=tls tls-cert={self.cert('server')} tls-key={self.readable('server.key')}"
        self.squid_with("squid", f"""
            http_port {self.squid} name=open
            http_port {self.squid_basic} name=basic
            {tls}
            {self.by_basic("squid")}
            acl open myportname open
            http_access allow open
            """)
        for name, more in ("squid_digest", ""), ("squid_digest_leaving", "client_persistent_connections off"):
            self.squid_with(name, f"http_port {getattr(self, name)}\n{more}\n{self.by_digest(name)}")

    def squid_with(self, name, lines):
        """A squid that lets everybody in who is let in by these lines, and who has given a password."""
        folder = self.folder / name
        folder.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            for path in (folder, *folder.rglob("*")):
                shutil.chown(path, "proxy")  # the user that squid becomes
        known = "acl known proxy_auth REQUIRED\nhttp_access allow known" if "auth_param" in lines else ""
        config = self.folder / f"{name}.conf"
        config.write_text(f"""
            {lines}
            {known}
            http_access deny all
            visible_hostname localhost
            hosts_file /etc/hosts
            dns_nameservers 127.0.0.1
            pid_filename {folder}/squid.pid
            access_log stdio:{folder}/access.log
            cache_log {folder}/cache.log
            coredump_dir {folder}
            netdb_filename none
            cache deny all
            cache_mem 8 MB
            max_filedescriptors 1024
            pinger_enable off
            shutdown_lifetime 0 seconds
            """)
        self.start(name, "squid", "-N", "-f", config, "-n", name.replace("_", ""))

    def by_basic(self, name):
        """The lines by which a squid asks by Basic."""
        passwords = self.folder / f"{name}-basic"
        subprocess.run(["htpasswd", "-bc", passwords, "user", self.PASSWORD], check=True, capture_output=True)
        passwords.chmod(0o644)
        return f"auth_param basic program /usr/lib/squid/basic_ncsa_auth {passwords}\nauth_param basic realm peers"

    def by_digest(self, name):
        """The lines by which a squid asks by Digest."""
        passwords = self.folder / f"{name}-digest"
        secret = hashlib.md5(f"user:peers:{self.PASSWORD}".encode()).hexdigest()
        passwords.write_text(f"user:peers:{secret}\n")
        passwords.chmod(0o644)
        return f"""
            auth_param digest program /usr/lib/squid/digest_file_auth -c {passwords}
            auth_param digest realm peers
            auth_param digest children 2 startup=1 idle=1"""

    def readable(self, name):
        """A copy of a key, for a server that reads it as another user."""
        copy = self.folder / name
        shutil.copy(self.folder / "certs" / name, copy)
        copy.chmod(0o644)
        return copy

    def start_tinyproxy(self):
        for name, auth in ("tinyproxy", ""), ("tinyproxy_basic", "BasicAuth user secret\n"):
            host, port = getattr(self, name).split(":")
            config = self.folder / f"{name}.conf"
            config.write_text(f"Listen {host}\nPort {port}\nAllow {host}\nTimeout 60\nLogLevel Connect\n{auth}")
            self.start(name, "tinyproxy", "-d", "-c", config)

    def start_nginx(self):
        """One nginx with a TLS server for each version and each certificate."""
        folder = self.folder / "nginx"
        folder.mkdir()
        temporary = "".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        servers = ""
        for name, address in self.nginx.items():
            certificate = name if name in ("rsa", "wrong", "expired") else "server"
            versions = name if name.startswith("TLS") else "TLSv1.2 TLSv1.3"
            also = f"listen {sixth(address)} ssl;" if self.ipv6 else ""
            http2 = "http2" if name == "http2" else ""
            if name == "proxied":
                servers += f"""
                    server {{
                        listen {address} proxy_protocol;
                        location / {{ return 200 "from $proxy_protocol_addr:$proxy_protocol_port\\n"; }}
                    }}"""
                continue
            client = f"ssl_client_certificate {self.cert('ca')}; ssl_verify_client on;" if name == "client" else ""
            servers += f"""
                server {{
                    listen {address} ssl {http2}; {also}
                    ssl_certificate {self.cert(certificate)}; ssl_certificate_key {self.key(certificate)};
                    ssl_protocols {versions}; {client}
                    location / {{ return 200 "nginx $ssl_protocol $ssl_cipher client=$ssl_client_s_dn\\n"; }}
                }}"""
        config = folder / "nginx.conf"
        config.write_text(f"""
            daemon off; master_process off; pid {folder}/pid; error_log stderr info;
            events {{ worker_connections 256; }}
            http {{ access_log off; default_type text/plain; {temporary} {servers} }}
            """)
        self.start("nginx", "nginx", "-e", "stderr", "-p", folder, "-c", config)

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


class Greeter(socketserver.BaseRequestHandler):
    """Speaks first, then echoes."""

    def handle(self):
        self.request.sendall(GREETING)
        while received := self.request.recv(65536):
            self.request.sendall(received)


class Datagram(socketserver.BaseRequestHandler):
    """Sends a datagram back, with who sent it."""

    def handle(self):
        data, listener = self.request
        listener.sendto(b"%s, sent by port %d" % (data, self.client_address[1]), self.client_address)


class Leaver(socketserver.BaseRequestHandler):
    """Speaks first, then echoes what a check sends, and ends without waiting for its end."""

    def handle(self):
        self.request.sendall(GREETING)
        left = ECHOED
        while left and (received := self.request.recv(left)):
            self.request.sendall(received)
            left -= len(received)


class Mute(socketserver.BaseRequestHandler):
    """Takes everything and says nothing."""

    def handle(self):
        while self.request.recv(65536):
            pass


class Counter(socketserver.BaseRequestHandler):
    """Answers, after the end of what it receives, how much that was."""

    def handle(self):
        count = 0
        while received := self.request.recv(65536):
            count += len(received)
        self.request.sendall(b"%d bytes\n" % count)


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is its own check's matter."""


class ListenerIPv6(Listener):
    address_family = socket.AF_INET6


def end_group(process, how):
    """Ends a process that was started in a session of its own, and those that it started."""
    if process.poll() is None:
        os.killpg(process.pid, how)


def sixth(address):
    """The same port on the IPv6 loopback address."""
    return address.replace("127.0.0.1", "[::1]")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


def free_addresses(count):
    """Addresses whose ports nobody uses.

    They are not of the range from which the system takes ports for those who ask for any: until
    the peer binds its port, it cannot be given away.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    for port in random.sample(range(10000, lowest), 100 * count):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(f"127.0.0.1:{port}")
        if len(found) == count:
            return iter(found)
    raise Failure(f"found {len(found)} free ports, wanted {count}")
