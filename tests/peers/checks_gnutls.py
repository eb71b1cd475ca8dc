"""gnutls-serv: a TLS server on another library."""

import subprocess

from addresses import free_addresses
from bed import HERE

NEEDS = ["gnutls-serv", "cc"]
VERSIONS = {"1.2": "NORMAL:-VERS-ALL:+VERS-TLS1.2", "1.3": "NORMAL:-VERS-ALL:+VERS-TLS1.3"}


def checks(bed, run):
    ca, identity = ["--cacert", bed.cert("ca")], ["--cert", bed.cert("client"), "--key", bed.key("client")]
    servers = start(bed)
    for version, number in ("1.2", "2"), ("1.3", "3"):
        other = {"2": "--tls13", "3": "--tls12"}[number]
        page, echo, client = (servers[f"{kind} {version}"] for kind in ("page", "echo", "client"))
        yield f"gnutls-serv, TLS {version} only", lambda: run.https(
            page, *ca, says=rf"(?s)Protocol version:.*TLS{version}"
        )
        yield f"gnutls-serv, TLS {version} only, lines", lambda: run.lines(echo, *ca)
        yield f"gnutls-serv, TLS {version} only, we want another", lambda: run.refused(
            page, options=[*ca, other], says="version|handshake.?failure"
        )
        yield f"gnutls-serv, TLS {version}, client certificate", lambda: run.https(
            client, *ca, *identity, says="CN=test-client"
        )
        yield f"gnutls-serv, TLS {version}, no client certificate", lambda: run.refused(
            client, options=ca, says="certificate.?required|tls"
        )
    yield "gnutls-serv, unknown CA", lambda: run.refused(servers["page 1.3"], says="certificate")


def start(bed):
    """Servers that show a page, echo lines, and want a certificate, each in one version."""
    shim = bed.folder / "loopback_bind.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, HERE / "loopback_bind.c", "-ldl"], check=True)
    kinds = {
        "page": ["--http", "--disable-client-cert"], "echo": ["--echo", "--disable-client-cert"],
        "client": ["--http", "--require-client-cert", "--verify-client-cert", "--x509cafile", bed.cert("ca")],
    }
    addresses = free_addresses(len(kinds) * len(VERSIONS))
    servers = {f"{kind} {version}": next(addresses) for version in VERSIONS for kind in kinds}
    for name, address in servers.items():
        kind, version = name.split()
        bed.start(
            f"gnutls-{kind}-{version}", "env", f"LD_PRELOAD={shim}", "gnutls-serv", "--port", address.split(":")[1],
            "--x509certfile", bed.cert("server"), "--x509keyfile", bed.key("server"),
            "--priority", VERSIONS[version], *kinds[kind],
        )
    for name, address in servers.items():
        bed.await_accepting(f"gnutls-{name.replace(' ', '-')}", address)
    return {name: f"tls://{address}".replace("127.0.0.1", "localhost") for name, address in servers.items()}
