"""OpenSSH: `ssh -D` is a SOCKS proxy; and ssh goes through our proxies to its server."""

import getpass
import os
import subprocess
from pathlib import Path

from addresses import free_addresses, sixth
from programs import PAYLOAD

SSHD = "/usr/sbin/sshd"
NEEDS = [SSHD, "ssh", "nc"]


def checks(bed, run):
    sshd, socks, ssh = start(bed)
    greeter, nobody = f"tcp://{bed.greeter}", f"tcp://{bed.nobody}"
    host, port = bed.greeter.split(":")
    named = greeter.replace("127.0.0.1", "localhost")

    def told(host):
        return "sshd", rf"direct.tcpip: originator \S+ port \d+, target {host} port {port}"

    yield "ssh -D, SOCKS5", lambda: run.tunnel(greeter, f"socks5://{socks}", log=told(host))
    yield "ssh -D, SOCKS5, name", lambda: run.tunnel(named, f"socks5h://{socks}", log=told("localhost"))
    if bed.ipv6:
        yield "ssh -D, SOCKS5, IPv6", lambda: run.tunnel(sixth(greeter), f"socks5://{socks}", log=told("::1"))
    yield "ssh -D, SOCKS4", lambda: run.tunnel(greeter, f"socks4://me@{socks}", log=told(host))
    yield "ssh -D, SOCKS4a", lambda: run.tunnel(named, f"socks4a://me@{socks}", log=told("localhost"))
    # It says yes before it knows, and then closes.
    for scheme in "socks5h", "socks4":
        yield f"ssh -D, {scheme}, nobody listens", lambda: run.refused(nobody, f"{scheme}://{socks}", says="hop 1|socks")
    yield "ssh -D, squid over TLS, wss", lambda: run.nested(
        f"wss://{bed.echo_tls['npm-ws']}/".replace("127.0.0.1", "localhost"), "--via", f"socks5h://{socks}",
        "--via", f"https://user:{bed.QUOTED}@{bed.squid_tls}", "--cacert", bed.cert("ca"),
        told=("sshd", f"target 127.0.0.1 port {bed.squid_tls.split(':')[1]}"),
    )

    # ssh, through netcat and our proxies, to the sshd.
    for name, way in (
        ("our socks, SOCKS5", f"-X 5 -x {bed.our_socks}"), ("our socks, SOCKS4", f"-X 4 -x {bed.our_socks}"),
        ("our CONNECT", f"-X connect -x {bed.our_connect}"),
    ):
        command = [*ssh, "-o", f"ProxyCommand=nc {way} %h %p", "-p", sshd.split(":")[1], "127.0.0.1", "cat"]
        yield f"ssh, nc, {name}", lambda: run.echoed(*command, wanted=PAYLOAD, log=("sshd", "Accepted publickey for"))


def start(bed):
    """An sshd, a client of it that is a SOCKS proxy, and the words of every client."""
    folder = bed.folder / "openssh"
    folder.mkdir()
    for name in "host", "user":
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder / name], check=True)
    addresses = free_addresses(2)
    sshd, socks = next(addresses), next(addresses)
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
        LogLevel DEBUG1
        """)
    bed.start("sshd", SSHD, "-D", "-e", "-f", config)
    bed.await_accepting("sshd", sshd)
    (folder / "known").write_text(f"[{host}]:{port} {(folder / 'host.pub').read_text()}")
    ssh = [
        "ssh", "-F", "none", "-l", getpass.getuser(), "-i", folder / "user", "-o", "IdentitiesOnly=yes",
        "-o", f"UserKnownHostsFile={folder}/known", "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes",
    ]
    bed.start("ssh", *ssh, "-v", "-N", "-D", socks, "-p", port, host)
    bed.await_accepting("ssh", socks)
    return sshd, socks, ssh
