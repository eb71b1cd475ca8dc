"""git: clones and pushes through our proxies."""

import itertools
import os
import subprocess
import sys

from addresses import free_addresses
from bed import ENVIRONMENT, HERE
from failure import Failure

NEEDS = ["git", "nc"]


def checks(bed, run):
    git = Git(bed, run)
    challenged = "407 Proxy Authentication(?s:.*)CONNECT tunnel established, response 200"
    right, wrong = f"user:{bed.QUOTED}@", f"user:{bed.WRONG}@"
    # Not through TLS to a proxy: with GnuTLS, its libcurl 7.88.1 often forgets bytes in TLS over TLS.
    for name, url, proxy, says in (
        ("our socks5, http", git.http, f"socks5h://{right}{bed.our_socks_auth}", "SOCKS5"),
        ("our socks4a, http", git.http, f"socks4a://{bed.our_socks}", "SOCKS4"),
        ("our socks4, https", git.https, f"socks4://{bed.our_socks}", "SOCKS4"),
        ("our CONNECT, https", git.https, f"http://{bed.our_connect}", "CONNECT tunnel established, response 200"),
        ("our CONNECT, Basic, https", git.https, f"http://{right}{bed.our_connect_auth}", challenged),
        ("our CONNECT, Digest, https", git.https, f"http://{right}{bed.our_connect_digest}", challenged),
    ):
        yield f"git, {name}", lambda: git.cloned_and_pushed(url, says, "-c", f"http.proxy={proxy}")
    yield "git, our socks5, wrong password", lambda: git.refused(
        git.http, "rejected", "-c", f"http.proxy=socks5h://{wrong}{bed.our_socks_auth}"
    )
    yield "git, our CONNECT, wrong password", lambda: git.refused(
        git.https, "407", "-c", f"http.proxy=http://{wrong}{bed.our_connect_auth}"
    )
    for name, way in (
        ("our socks5", f"-X 5 -x {bed.our_socks}"), ("our socks4", f"-X 4 -x {bed.our_socks}"),
        ("our CONNECT", f"-X connect -x {bed.our_connect}"),
    ):
        yield f"git, nc, {name}, git daemon", lambda: git.cloned(git.daemon, *git.by_netcat(way))


class Git:
    """A repository, the servers that serve it, and what clients do."""

    def __init__(self, bed, run):
        self.bed, self.run, self.count = bed, run, itertools.count()
        self.folder = bed.folder / "git"
        self.folder.mkdir()
        self.served = self.folder / "served.git"
        who = {"NAME": "peer", "EMAIL": "peer@localhost"}
        self.environment = {
            **ENVIRONMENT, "HOME": str(self.folder), "GIT_CONFIG_NOSYSTEM": "1", "GIT_TERMINAL_PROMPT": "0",
            "GIT_SSL_CAINFO": bed.cert("ca"), "GIT_PROXY_SSL_CAINFO": bed.cert("ca"), "GIT_CURL_VERBOSE": "1",
            **{f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in who.items()},
        }
        first = self.folder / "first"
        self.done("init", "-q", "-b", "main", first)
        for name, size in ("small", 100), ("large", 1 << 20):
            (first / name).write_bytes(os.urandom(size))
        self.done("-C", first, "add", ".")
        self.done("-C", first, "commit", "-q", "-m", "first")
        self.done("clone", "-q", "--bare", first, self.served)
        script, tls = HERE / "git_server.py", [bed.cert("server"), bed.key("server")]
        bed.start("git-http", sys.executable, script, self.folder)
        bed.start("git-https", sys.executable, script, self.folder, *tls)
        address = next(free_addresses(1))
        host, port = address.split(":")
        bed.start(
            "git-daemon", "git", "daemon", f"--listen={host}", f"--port={port}", "--export-all", "--verbose",
            f"--base-path={self.folder}",
        )
        bed.await_accepting("git-daemon", address)
        self.http = f"http://{bed.announced('git-http')}/served.git"
        self.https = f"https://{bed.announced('git-https')}/served.git".replace("127.0.0.1", "localhost")
        self.daemon = f"git://{address}/served.git"

    def done(self, *command):
        """Runs a git that needs no proxy; returns what it printed."""
        end = subprocess.run(
            ["git", *map(str, command)], env=self.environment, stdin=subprocess.DEVNULL, capture_output=True, text=True
        )
        if end.returncode:
            raise Failure(f"git {command[0]}: {end.stderr[-500:]!r}")
        return end.stdout.strip()

    def ran(self, *command):
        return self.run.ran(["git", *command], environment=self.environment)

    def cloned(self, url, *options):
        """A clone is whole, and has the last commit of the server; returns its folder."""
        clone = self.folder / f"clone-{next(self.count)}"
        end = self.ran(*options, "clone", url, clone)
        end.expect(0)
        self.done("-C", clone, "fsck", "--strict")
        seen, wanted = (self.done("-C", folder, "rev-parse", "main") for folder in (clone, self.served))
        if seen != wanted:
            raise Failure(f"cloned {seen}, wanted {wanted}")
        return f"1 MiB cloned, commit {seen[:10]}"

    def cloned_and_pushed(self, url, says, *options):
        """A clone, and a commit of 1 MiB that goes back; git tells how it spoke to the proxy."""
        clone = self.folder / f"clone-{next(self.count)}"
        end = self.ran(*options, "clone", url, clone)
        end.expect(0)
        told = end.expect_told(says)
        self.done("-C", clone, "fsck", "--strict")
        (clone / "large").write_bytes(os.urandom(1 << 20))
        self.done("-C", clone, "commit", "-q", "-a", "-m", "another")
        self.ran(*options, "-C", clone, "push", "origin", "main").expect(0)
        seen, wanted = (self.done("-C", folder, "rev-parse", "main") for folder in (self.served, clone))
        if seen != wanted:
            raise Failure(f"the server has {seen}, wanted {wanted}")
        return f"1 MiB cloned and 1 MiB pushed, commit {seen[:10]}; git tells {told!r}"

    def refused(self, url, says, *options):
        end = self.ran(*options, "clone", url, self.folder / "never")
        end.expect(128)
        return f"git tells {end.expect_told(says)!r}"

    def by_netcat(self, way):
        """The options by which git reaches a git daemon through a proxy."""
        script = self.folder / f"netcat-{next(self.count)}"
        script.write_text(f'#!/bin/sh\nexec nc {way} "$1" "$2"\n')
        script.chmod(0o755)
        return ["-c", f"core.gitProxy={script}"]
