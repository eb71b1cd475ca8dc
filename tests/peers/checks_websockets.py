"""WebSockets over HTTP/1.1, with the servers and clients of others; and every runtime."""

import random

from ways import Ways, chat


def checks(bed, run):
    ways = Ways(bed)
    right, ca, ws, wss = ways.right, ways.ca, ways.ws, ways.wss
    https = f"https://{bed.nginx['rsa']}/".replace("127.0.0.1", "localhost")
    socks_auth, secure = bed.our_socks_auth, f"https://{bed.our_connect_tls}".replace("127.0.0.1", "localhost")

    # Ours to the WebSocket servers of others, and through all their proxies to them.
    for name, server in bed.echo.items():
        yield f"{name}, ws", lambda: run.nested(f"ws://{server}/chat", log=name)
    for name, server in bed.echo_tls.items():
        url = f"wss://{server}/chat".replace("127.0.0.1", "localhost")
        log = f"{name}-tls"
        yield f"{name}, wss", lambda: run.nested(url, *ca, log=log)
        yield f"{name}, microsocks, squid, wss", lambda: run.nested(
            url, "--via", ways.microsocks(right), "--via", ways.squid(right), *ca, log=log
        )
        yield f"{name}, squid over TLS, wss", lambda: run.nested(
            url, "--via", ways.squid(right, "https"), *ca, log=log
        )
        yield f"{name}, microsocks, squid over TLS, tinyproxy, wss", lambda: run.nested(
            url, "--via", ways.microsocks(), "--via", ways.squid(right, "https"), "--via", ways.tinyproxy(), *ca, log=log
        )

    # Without tokio, through the proxies of others to a WebSocket server of others.
    over_two = ["--via", ways.microsocks(right), "--via", ways.squid(right)]
    for runtime in "smol", "threads", "blocking":
        for name, url in ("ws", f"ws://{bed.echo['npm-ws']}/"), ("wss", chat("wss", bed.echo_tls["python-websockets"])):
            says = rf"(?s)echoed.*over {runtime}.*socks: open.*connect: open.*websocket: open"
            yield f"{runtime}, microsocks, squid, {name}", lambda r=runtime, u=url, s=says: run.shows(
                "runtimes", r, u, *over_two, *ca, "--message", f"over {r}", says=s
            )
        yield f"{runtime}, squid, nghttpx, wss, http2", lambda r=runtime: run.shows(
            "runtimes", r, chat("wss", bed.nghttpx_tls["echo"]), "--via", ways.squid(), *ca, says="(?s)echoed.*http2: open"
        )

    # Single layers in foreign stacks, and hyper over our hops.
    yield "socks5 on mio, microsocks", lambda: run.shows(
        "socks_mio", bed.microsocks, bed.greeter, "a line", says="(?s)the server speaks first.*a line"
    )
    yield "CONNECT on a blocking socket, squid", lambda: run.shows(
        "connect_blocking", bed.squid, bed.greeter, "a line", says="(?s)the server speaks first.*a line"
    )
    yield "TLS on smol, nginx", lambda: run.shows(
        "tls_smol", bed.nginx["rsa"].replace("127.0.0.1", "localhost"), *ca, says="(?s)nginx TLSv1.3.*^TLSv1.3"
    )
    via = ["--via", ways.microsocks(right), "--via", ways.squid(right)]
    yield "hyper, microsocks, squid, nginx", lambda: run.shows("hyper_client", https, *via, *ca, says="HTTP/1.1 200 OK\nnginx TLS")
    yield "hyper, microsocks, squid, nginx, http2", lambda: run.shows(
        "hyper_client", chat("https", bed.nginx["http2"]), *via, *ca, says="HTTP/2.0 200 OK\nnginx TLS"
    )
    yield "hyper, squid, without TLS", lambda: run.shows(
        "hyper_client", f"http://{bed.haproxy['http1']}/", "--via", ways.squid(), says="HTTP/1.1 426"
    )

    # The WebSocket clients of others to our server.
    yield "nested as the README has it", lambda: run.shows(
        "nested", says=r"(?s)websocket +\[.*closed cleanly.*http2 +\[.*closed cleanly"
    )
    # Random messages under random compression, both ways; and a browser.
    for name, echo in bed.echo.items():
        yield f"{name}, random exchanges with compression", lambda e=echo: run.shows(
            "fuzzed", "exchange", f"ws://{e}/", seed(), says="messages equal"
        )
    fuzzed = f"ws://{bed.our_fuzzed}/"
    fuzzed_tls = f"wss://{bed.our_fuzzed_tls}/".replace("127.0.0.1", "localhost")
    for name, script in ("python websockets", "exchange.py"), ("npm ws", "exchange.js"):
        for to, url in ("our ws", fuzzed), ("our wss", fuzzed_tls):
            yield f"{name}, {to}, random exchanges with compression", lambda s=script, u=url: run.websocket_client(
                s, u, seed()
            )
        axum = f"ws://{bed.our_axum}/"
        yield f"{name}, our websocket in axum", lambda s=script: run.websocket_client(s, axum, seed())
    yield "chromium, our ws", lambda: run.browser(fuzzed, log=("our_fuzzed", "opened over HTTP/1.1"))
    yield "chromium, our wss, http2", lambda: run.browser(fuzzed_tls, log=("our_fuzzed_tls", "opened over HTTP/2"))
    for name, to in ("ws", ws), ("wss", wss):
        yield f"our tunnel in {name}", lambda t=to: run.tunnelled(t == wss)
        yield f"our tunnel in {name} through microsocks, squid", lambda t=to: run.tunnelled(
            t == wss, ways.microsocks(), ways.squid(right)
        )

    for name, arguments in ("ours", []), ("our ws", [ws]), ("our wss", [wss, *ca]):
        yield f"1,000 WebSockets over one http2 connection, {name}", lambda a=arguments: run.shows(
            "http2_many", *a, says="1000 WebSockets open over one connection(?s:.*)3000 messages echoed"
        )
    for url in ws, wss:
        scheme = url.split(":")[0]
        yield f"python websockets, our {scheme}", lambda: run.websocket_client("client.py", url)
        yield f"npm ws, our {scheme}", lambda: run.websocket_client("client.js", url)
        yield f"python websockets, our socks5, our {scheme}", lambda: run.websocket_client(
            "client.py", url, f"socks5h://user:{bed.QUOTED}@{socks_auth}"
        )
        yield f"python websockets, our CONNECT, our {scheme}", lambda: run.websocket_client(
            "client.py", url, f"http://user:{bed.QUOTED}@{bed.our_connect_auth}"
        )
    yield "python websockets, our CONNECT over TLS, our wss", lambda: run.websocket_client(
        "client.py", wss, secure.replace("//", f"//user:{bed.QUOTED}@")
    )


def seed():
    """What a check throws its dice from; its output tells."""
    return random.randrange(1, 1 << 30)
