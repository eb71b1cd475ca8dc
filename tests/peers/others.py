"""How the peers that others wrote are started."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from addresses import free_addresses, sixth

HERE = Path(__file__).resolve().parent


class Others:
    """A part of the bed: the peers that are no fronts."""

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

    def squid_with(self, name, lines, environment=None, format="squid"):
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
            {"" if "hosts_file" in lines else "hosts_file /etc/hosts"}
            dns_nameservers 127.0.0.1
            pid_filename {folder}/squid.pid
            access_log stdio:{folder}/access.log logformat={format}
            cache_log {folder}/cache.log
            coredump_dir {folder}
            netdb_filename none
            cache deny all
            cache_mem 8 MB
            max_filedescriptors 1024
            pinger_enable off
            shutdown_lifetime 0 seconds
            """)
        environment = [f"{key}={value}" for key, value in (environment or {}).items()]
        self.start(name, "env", *environment, "squid", "-N", "-f", config, "-n", name.replace("_", ""))

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
        """A copy of a key, for a server that reads it as another user.

        Groups of checks ask for the same key side by side: a copy that a server may be reading is never written again.
        """
        copy = self.folder / name
        with self.lock:
            if not copy.exists():
                whole = copy.with_suffix(".new")
                shutil.copy(self.folder / "certs" / name, whole)
                whole.chmod(0o644)
                whole.rename(copy)
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
