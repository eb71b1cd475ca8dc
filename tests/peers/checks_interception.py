"""mitmproxy, proxy.py and a squid that look into TLS, as companies do: proxies, and a client and a front of ours."""

import subprocess
from pathlib import Path
from urllib.parse import quote

from addresses import free_addresses
from bed import HERE

MITMDUMP, PROXY = HERE / ".work/proxies/bin/mitmdump", HERE / ".work/proxies/bin/proxy"
NEEDS = [MITMDUMP, PROXY]


def checks(bed, run):
    start_mitmproxy(bed)
    start_squid(bed)
    start_proxypy(bed)
    bed.start(
        "intercepted", HERE / ".work/venv/bin/python", HERE / "echo.py", bed.cert("server"), bed.key("server")
    )
    right, wrong = f"user:{bed.QUOTED}@", f"user:{bed.WRONG}@"
    known = f"user:{quote(password(bed), safe='')}@"
    wss = f"wss://{bed.announced('intercepted')}/chat".replace("127.0.0.1", "localhost")
    authority = wss.split("/")[2]
    nginx = f"tls://{bed.nginx['rsa']}".replace("127.0.0.1", "localhost")
    trust, ca = ["--cacert", bed.cert("mitm")], ["--cacert", bed.cert("ca")]
    await_mitmproxy(bed)

    # Ours to a WebSocket server through those who open the TLS between them. Two of them end theirs
    # without close_notify.
    for name, hop, log, says in (
        ("mitmproxy", f"http://{known}{bed.mitmproxy['regular']}", "mitmproxy", "WebSocket text message"),
        ("mitmproxy, SOCKS5", f"socks5h://{known}{bed.mitmproxy['socks5']}", "mitmproxy", "WebSocket text message"),
        ("mitmproxy, squid", f"http://{known}{bed.mitmproxy['upstream']}", "squid/access", f"CONNECT {authority} "),
        ("squid that looks into TLS", f"http://{bed.squid_bump}", "squid_bump/access", f"GET https://{authority}/"),
        ("proxy.py that looks into TLS", f"http://{bed.proxypy['mitm']}", "proxypy-mitm", f"{authority}"),
    ):
        yield f"{name}, wss", lambda: run.nested(
            wss, "--via", hop, *trust, log="intercepted", told=(log, says), within=5
        )
        yield f"{name}, wss, its CA is unknown", lambda: run.nested_refused(
            wss, "--via", hop, *ca, says="certificate"
        )
        yield f"{name}, TLS", lambda: run.https(
            nginx, *trust, hops=[hop], says="nginx TLSv1.3", cut="mitm" in name or "proxy.py" in name
        )
    bump, mitm = ["--via", f"http://{bed.squid_bump}"], ["--cacert", bed.cert("mitm")]
    yield "squid that looks into TLS, wss, its CA in a file", lambda: run.shows(
        "corporate", wss, *bump, *mitm, says="^1 open at once"
    )
    yield "squid that looks into TLS, wss, its CA is unknown, and named", lambda: run.fails(
        run.folder / "corporate", wss, *bump, says="wirestack peers interception CA.*ca_file"
    )
    # Its HTTP/2 has no extended CONNECT, even if that of the server has.
    node, hop = f"wss://{bed.node['node-tls']}/chat".replace("127.0.0.1", "localhost"), f"http://{known}{bed.mitmproxy['regular']}"
    yield "mitmproxy, node, wss, http2 or http1", lambda: run.nested(
        node, "--via", hop, *trust, log="node-tls", told=("mitmproxy", f"GET {node.replace('wss', 'https')}\n"), within=5
    )
    yield "mitmproxy, node, wss, http2 only", lambda: run.nested_refused(
        node, "--via", hop, *trust, "--http2", says="extended CONNECT"
    )
    yield "mitmproxy, wrong password", lambda: run.refused(
        nginx, f"http://{wrong}{bed.mitmproxy['regular']}", options=trust, says="407"
    )
    yield "mitmproxy, SOCKS5, wrong password", lambda: run.refused(
        nginx, f"socks5h://{wrong}{bed.mitmproxy['socks5']}", options=trust, says="socks"
    )
    yield "mitmproxy, a server that it does not trust", lambda: run.https(
        f"tls://{bed.nginx['expired']}".replace("127.0.0.1", "localhost"), *trust, hops=[hop], cut=True,
        says="502 Bad Gateway(?s:.*)certificate has expired",
    )

    # It is a client of our CONNECT proxy, and a front of our WebSocket server.
    https = f"https://{bed.nginx['rsa']}/".replace("127.0.0.1", "localhost")
    yield "curl, mitmproxy, our CONNECT, Basic", lambda: run.curl(
        https, "-x", f"http://{bed.mitmproxy['to_ours']}", "--proxy-user", f"user:{password(bed)}",
        "--cacert", bed.cert("mitm"), says="nginx TLSv1.3",
    )
    for client, script in ("python websockets", "client.py"), ("npm ws", "client.js"):
        yield f"{client}, mitmproxy, our ws", lambda: run.websocket_client(script, f"ws://{bed.mitmproxy['reverse']}/")

    # proxy.py as a plain proxy.
    greeter, nobody = f"tcp://{bed.greeter}", f"tcp://{bed.nobody}"
    basic, secure = bed.proxypy["basic"], bed.proxypy["tls"].replace("127.0.0.1", "localhost")
    yield "proxy.py, Basic", lambda: run.tunnel(
        greeter, f"http://{right}{basic}", log=("proxypy-basic", f"CONNECT {bed.greeter}")
    )
    yield "proxy.py, Basic, wrong password", lambda: run.refused(greeter, f"http://{wrong}{basic}", says="407")
    yield "proxy.py, Basic, no password", lambda: run.refused(greeter, f"http://{basic}", says="407")
    yield "proxy.py, nobody listens", lambda: run.refused(nobody, f"http://{right}{basic}", says="502")
    yield "proxy.py over TLS, Basic", lambda: run.tunnel(
        greeter, f"https://{right}{secure}", options=ca, log=("proxypy-tls", f"CONNECT {bed.greeter}")
    )


def password(bed):
    """What mitmproxy takes for a password has no colon."""
    return bed.PASSWORD.replace(":", ";")


def start_mitmproxy(bed):
    """One mitmdump with a port for each way."""
    folder, names = bed.folder / "mitmproxy", ["regular", "socks5", "upstream", "to_ours", "reverse"]
    folder.mkdir()
    subprocess.run(["htpasswd", "-bc", folder / "passwords", "user", password(bed)], check=True, capture_output=True)
    (folder / "mitmproxy-ca.pem").write_text(Path(bed.key("mitm")).read_text() + Path(bed.cert("mitm")).read_text())
    addresses = free_addresses(len(names))
    bed.mitmproxy = {name: next(addresses) for name in names}
    modes = {
        "regular": "regular", "socks5": "socks5", "upstream": f"upstream:http://{bed.squid}",
        "to_ours": f"upstream:http://{bed.our_connect_auth}",
    }
    # It would ask for a password there too.
    bed.start(
        "mitmproxy-reverse", "env", "PYTHONUNBUFFERED=1", MITMDUMP, "--set", f"confdir={folder}",
        "--mode", f"reverse:http://{bed.our_websocket}@{bed.mitmproxy['reverse']}",
    )
    bed.start(
        "mitmproxy", "env", "PYTHONUNBUFFERED=1", MITMDUMP,
        *(word for name, mode in modes.items() for word in ("--mode", f"{mode}@{bed.mitmproxy[name]}")),
        "--set", f"confdir={folder}", "--set", f"ssl_verify_upstream_trusted_ca={bed.cert('ca')}",
        "--set", f"proxyauth=@{folder}/passwords", "--set", f"upstream_auth=user:{bed.PASSWORD}",
        "--set", "flow_detail=1", "--set", "termlog_verbosity=info",
    )


def await_mitmproxy(bed):
    for name, address in bed.mitmproxy.items():
        bed.await_accepting("mitmproxy-reverse" if name == "reverse" else "mitmproxy", address)
    bed.await_accepting("squid_bump", bed.squid_bump)
    for name, address in bed.proxypy.items():
        bed.await_accepting(f"proxypy-{name}", address)


def start_proxypy(bed):
    login = ["--basic-auth", f"user:{bed.PASSWORD}"]
    folder = bed.folder / "proxypy"
    folder.mkdir()
    subprocess.run(["openssl", "genrsa", "-out", folder / "leaf.key", "2048"], check=True, capture_output=True)
    options = {
        "basic": login,
        "tls": [*login, "--cert-file", bed.cert("server"), "--key-file", bed.key("server")],
        "mitm": [
            "--ca-key-file", bed.key("mitm"), "--ca-cert-file", bed.cert("mitm"), "--ca-file", bed.cert("ca"),
            "--ca-signing-key-file", folder / "leaf.key", "--ca-cert-dir", folder / "leaves",
        ],
    }
    addresses = free_addresses(len(options))
    bed.proxypy = {name: next(addresses) for name in options}
    for name, more in options.items():
        host, port = bed.proxypy[name].split(":")
        bed.start(
            f"proxypy-{name}", "env", "PYTHONUNBUFFERED=1", PROXY, "--hostname", host, "--port", port,
            "--num-workers", "1", "--num-acceptors", "1", "--data-dir", folder / name, *more,
        )


def start_squid(bed):
    """A squid that looks into the TLS of its clients, and lets a WebSocket through."""
    folder = bed.folder / "squid_bump"
    folder.mkdir()
    bed.squid_bump = next(free_addresses(1))
    identity, made = folder / "mitm.pem", folder / "made"
    identity.write_text(Path(bed.key("mitm")).read_text() + Path(bed.cert("mitm")).read_text())
    maker = "/usr/lib/squid/security_file_certgen"
    subprocess.run([maker, "-c", "-s", made, "-M", "4MB"], check=True, capture_output=True)
    bed.squid_with("squid_bump", f"""
        http_port {bed.squid_bump} ssl-bump generate-host-certificates=on tls-cert={identity}
        sslcrtd_program {maker} -s {made} -M 4MB
        sslcrtd_children 1 startup=1 idle=1
        ssl_bump bump all
        tls_outgoing_options cafile={bed.cert("ca")}
        http_upgrade_request_protocols websocket allow all
        http_access allow all
        """)
