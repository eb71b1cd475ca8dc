"""Apache httpd: an HTTP proxy over HTTP/1.1 and HTTP/2, and a front of WebSocket servers."""

import hashlib
import subprocess

from addresses import free_addresses
from bed import HERE

NEEDS = ["apache2"]
MODULES = "/usr/lib/apache2/modules"
LOADED = """mpm_event authz_core authz_user authz_host authn_core authn_file auth_basic auth_digest
    proxy proxy_http proxy_connect proxy_wstunnel http2 ssl""".split()


def checks(bed, run):
    apache = start(bed)
    right, wrong = f"user:{bed.QUOTED}@", f"user:{bed.WRONG}@"
    greeter, nobody = f"tcp://{bed.greeter}", f"tcp://{bed.nobody}"
    ca = ["--cacert", bed.cert("ca")]

    def told(version, user="-", target=bed.greeter):
        return "apache", rf"CONNECT {target} HTTP/{version}\S* 200 {user}\n"

    def named(scheme, address):
        return f"{scheme}://{address}".replace("127.0.0.1", "localhost")

    # Ours through it, in each version of HTTP. A tunnel over HTTP/1.1 it ends without close_notify.
    port = bed.greeter.split(":")[1]
    for name, scheme, secure, version in ("", "http", "https", "1.1"), (", http2", "h2c", "h2", "2"):
        clear, basic = f"{scheme}://{apache['open']}", f"{scheme}://%s{apache['basic']}"
        yield f"apache{name}", lambda: run.tunnel(greeter, clear, log=told(version))
        yield f"apache{name}, name", lambda: run.tunnel(
            named("tcp", bed.greeter), clear, log=told(version, target=f"localhost:{port}")
        )
        yield f"apache{name}, Basic", lambda: run.tunnel(greeter, basic % right, log=told(version, "user"))
        yield f"apache{name}, Basic, wrong password", lambda: run.refused(greeter, basic % wrong, says="407")
        yield f"apache{name}, Basic, no password", lambda: run.refused(greeter, basic % "", says="407")
        yield f"apache{name}, nobody listens", lambda: run.refused(nobody, clear, says="503")
        yield f"apache over TLS{name}, Basic", lambda: run.tunnel(
            greeter, named(secure, right + apache["basic_tls"]), options=ca, log=told(version, "user"), cut=version == "1.1"
        )
        yield f"apache over TLS{name}, Basic, wrong password", lambda: run.refused(
            greeter, named(secure, wrong + apache["basic_tls"]), options=ca, says="407"
        )
    digest = f"http://%s{apache['digest']}"
    yield "apache, Digest, on challenge", lambda: run.tunnel(
        greeter, digest % right, options=["--on-challenge"], log=told("1.1", "user")
    )
    yield "apache, Digest, wrong password", lambda: run.refused(greeter, digest % wrong, says="407.*refused the user or the password .Digest")
    yield "apache over TLS, which has no http2 on offer, http2", lambda: run.refused(
        greeter, named("h2", apache["http1_tls"]), options=ca, says="hop 1.*(alpn|http/?2)"
    )
    yield "squid, apache over TLS, http2, wss", lambda: run.nested(
        named("wss", bed.echo_tls["npm-ws"]) + "/chat", "--via", f"http://{bed.squid}",
        "--via", named("h2", right + apache["basic_tls"]), *ca,
        told=("apache", r"CONNECT localhost:\d+ HTTP/2\S* 200 user"), within=3,
    )

    # Ours to a WebSocket server behind it.
    front, front_tls = f"ws://{apache['front']}/echo", named("wss", apache["front_tls"]) + "/echo"
    for name, url, options, http2 in (
        ("ws", front, [], False), ("ws, http2 only", front, ["--http2"], True),
        ("wss, http1 only", front_tls, ["--http1"], False), ("wss, http2 only", front_tls, ["--http2"], True),
        ("wss, http2 or http1", front_tls, [], True),
    ):
        yield f"apache, {name}", lambda: run.nested(
            url, *options, *ca, log="apache-behind", way="apache", http2=http2, within=3
        )
    for name, url, options in (
        ("ws", front, []), ("ws, http2", front, ["--http2"]),
        ("wss", front_tls, []), ("wss, http2", front_tls, ["--http2"]),
    ):
        yield f"apache, {name}, the server closes", lambda: run.asked_to_close(
            url, *options, *ca, within=3
        )
    # It serves six streams of a connection at once, and the others when these have ended.
    for url in front, front_tls:
        yield f"6 WebSockets over one http2 connection, apache over {url.split(':')[0]}", lambda: run.shows(
            "http2_many", url.removesuffix("/echo"), "--number", "6", *ca,
            says="6 WebSockets open over one connection(?s:.*)18 messages echoed, all closed cleanly",
        )
    yield "apache without H2WebSockets, wss, http2 or http1", lambda: run.nested(
        named("wss", apache["plain_tls"]) + "/echo", *ca, log="apache-behind", way="apache"
    )
    yield "apache without H2WebSockets, wss, http2 only", lambda: run.nested_refused(
        named("wss", apache["plain_tls"]) + "/echo", "--http2", *ca, says="extended CONNECT"
    )

    # The clients of others, and ours, through it to our servers.
    for behind in "our-ws", "our-wss":
        for client, script in ("python websockets", "client.py"), ("npm ws", "client.js"):
            for url in front, front_tls:
                yield f"{client}, apache over {url.split(':')[0]}, {behind}", lambda: run.websocket_client(
                    script, url.replace("/echo", f"/{behind}")
                )
        for url in front, front_tls:
            yield f"python h2 and wsproto, apache over {url.split(':')[0]}, {behind}", lambda: run.websocket_client(
                "client_h2.py", url.replace("/echo", f"/{behind}")
            )
            yield f"ours, apache over {url.split(':')[0]}, {behind}, http2", lambda: run.nested(
                url.replace("/echo", f"/{behind}"), "--http2", *ca, way="apache", http2=True, within=3
            )


def start(bed):
    """One httpd with a server for each address; a forward proxy cannot be a front too."""
    folder = bed.folder / "apache"
    folder.mkdir()
    bed.start("apache-behind", HERE / ".work/venv/bin/python", HERE / "echo.py")
    behind = bed.announced("apache-behind")
    subprocess.run(["htpasswd", "-bc", folder / "basic", "user", bed.PASSWORD], check=True, capture_output=True)
    secret = hashlib.md5(f"user:peers:{bed.PASSWORD}".encode()).hexdigest()
    (folder / "digest").write_text(f"user:peers:{secret}\n")

    tls = f"SSLEngine on\nSSLCertificateFile {bed.cert('server')}\nSSLCertificateKeyFile {bed.key('server')}\n"
    forward = "ProxyRequests On\nAllowCONNECT 1-65535\nH2ProxyRequests on\n<Proxy *>\n%s\n</Proxy>\n"
    login = "AuthName peers\nRequire valid-user\n"
    basic = forward % f"{login}AuthType Basic\nAuthUserFile {folder}/basic"
    digest = forward % f"{login}AuthType Digest\nAuthUserFile {folder}/digest"
    front = f"""
        H2WebSockets on
        SSLProxyEngine on
        SSLProxyCACertificateFile {bed.cert('ca')}
        ProxyPass /our-ws http://{bed.our_websocket}/ upgrade=websocket
        ProxyPass /our-wss https://{bed.our_websocket_tls.replace('127.0.0.1', 'localhost')}/ upgrade=websocket
        ProxyPass / http://{behind}/ upgrade=websocket
        """
    servers = {
        "open": forward % "Require local", "basic": basic, "digest": digest, "basic_tls": basic + tls,
        "http1_tls": basic + tls + "Protocols http/1.1\n",
        "front": front, "front_tls": front + tls, "plain_tls": front.replace("H2WebSockets on", "") + tls,
    }
    addresses = free_addresses(len(servers))
    apache = {name: next(addresses) for name in servers}
    config = folder / "httpd.conf"
    config.write_text(f"""
        {lines(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED)}
        ServerName localhost
        ServerRoot {folder}
        DefaultRuntimeDir {folder}
        PidFile {folder}/httpd.pid
        Mutex pthread
        User www-data
        Group www-data
        StartServers 1
        ServerLimit 1
        ThreadsPerChild 50
        MaxRequestWorkers 50
        DocumentRoot {folder}
        ErrorLog /dev/stderr
        LogLevel warn proxy_connect:info
        LogFormat "%v %r %>s %u" way
        CustomLog {bed.folder}/apache.log way
        Protocols h2 h2c http/1.1
        ProxyVia Off
        {lines(f"Listen {address}" for address in apache.values())}
        {lines(f"<VirtualHost {apache[name]}>{chr(10)}{server}</VirtualHost>" for name, server in servers.items())}
        """)
    bed.start("apache", "apache2", "-DFOREGROUND", "-f", config)
    for address in apache.values():
        bed.await_accepting("apache", address)
    return apache


def lines(parts):
    return "\n".join(parts)
