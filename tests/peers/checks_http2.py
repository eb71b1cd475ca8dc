"""WebSockets and tunnels over HTTP/2, with the servers, proxies and clients of others."""

from ways import Ways, chat


def checks(bed, run):
    ways = Ways(bed)
    right, wrong = ways.right, ways.wrong
    greeter, nobody = ways.greeter, ways.nobody
    ca, tunnelled_as_user = ways.ca, ways.tunnelled_as_user
    ws, wss = ways.ws, ways.wss

    # Ours over HTTP/2 to the WebSocket servers of others, and over HTTP/1.1 where it has to be.
    behind, over_http2 = "python-websockets", ["--http2", *ca]
    for name, url, log, way in (
        ("haproxy, ws", chat("ws", bed.haproxy["echo"]), behind, "haproxy"),
        ("haproxy, wss", chat("wss", bed.haproxy_tls["echo"]), behind, "haproxy"),
        ("nghttpx, ws", chat("ws", bed.nghttpx["echo"]), behind, "nghttpx-echo"),
        ("nghttpx, wss", chat("wss", bed.nghttpx_tls["echo"]), behind, "nghttpx-echo"),
        ("node, ws", chat("ws", bed.node["node"]), "node", "node"),
        ("node, wss", chat("wss", bed.node["node-tls"]), "node-tls", "node-tls"),
    ):
        yield f"{name}, http2 only", lambda: run.nested(url, *over_http2, log=log, way=way, http2=True)
        if url.startswith("wss:"):
            yield f"{name}, http2 or http1", lambda: run.nested(url, *ca, log=log, way=way, http2=True)
            yield f"{name}, http1 only", lambda: run.nested(url, "--http1", *ca, log=log, way=way)
    for name, server, log, way in (
        ("haproxy without http2", bed.haproxy_tls["http1"], behind, "haproxy"),
        ("node without extended CONNECT", bed.node["node-no-connect"], "node-no-connect", "node-no-connect"),
    ):
        url = chat("wss", server)
        yield f"{name}, http2 or http1", lambda: run.nested(url, *ca, log=log, way=way)
        yield f"{name}, http2 only", lambda: run.nested_refused(url, *over_http2, says="h2|http/?2|extended CONNECT")
    yield "nginx, http2 only", lambda: run.nested_refused(
        chat("wss", bed.nginx["http2"]), *over_http2, says="extended CONNECT"
    )

    # Ours through the HTTP/2 proxies of others, which hand on to squid.
    for name, proxy, proxy_tls, target, log in (
        ("haproxy", bed.haproxy["squid"], bed.haproxy_tls["squid"], bed.greeter, "haproxy"),
        ("nghttpx", bed.nghttpx["squid"], bed.nghttpx_tls["squid"], bed.leaver, "nghttpx-squid"),
    ):
        clear, secure = f"h2c://{proxy}", f"h2://{proxy_tls}".replace("127.0.0.1", "localhost")
        passed = (log, f"CONNECT {target} HTTP/2\\S* 200")
        yield f"{name}, squid, http2", lambda: run.tunnel(f"tcp://{target}", clear, log=passed)
        yield f"{name} over TLS, squid, http2", lambda: run.tunnel(
            f"tcp://{target}", secure, options=ca, log=passed
        )
        yield f"{name}, squid, http2, nobody listens", lambda: run.refused(nobody, clear, says="503")
        yield f"squid, {name} over TLS, squid, nghttpx, wss, http2 twice", lambda: run.nested(
            chat("wss", bed.nghttpx_tls["echo"]), "--via", ways.squid(), "--via", secure, *over_http2,
            log=behind, way="nghttpx-echo", http2=True,
        )
    basic = bed.haproxy["squid_basic"]
    yield "haproxy, squid, http2, Basic", lambda: run.tunnel(greeter, f"h2c://{right}{basic}", log=tunnelled_as_user)
    yield "haproxy, squid, http2, Basic, wrong password", lambda: run.refused(
        greeter, f"h2c://{wrong}{basic}", says="407"
    )
    yield "haproxy, our CONNECT, http2, half-close", lambda: run.half_close(
        f"tcp://{bed.counter}", f"h2c://{bed.haproxy['our_connect']}"
    )

    # The sections of the RFCs of HTTP/2, by frames written by hand.
    yield "http2 conformance, our server", lambda: run.conforms("server", bed.our_websocket)
    yield "http2 conformance, our server over TLS", lambda: run.conforms(
        "server", bed.our_websocket_tls.replace("127.0.0.1", "localhost"), *("--ca", bed.cert("ca"))
    )
    yield "http2 conformance, our client", lambda: run.conforms("client", run.folder / "pipe")

    # The HTTP/2 clients of others to our server, and others that speak HTTP/2 to it for HTTP/1.1 clients.
    for url in ws, wss:
        scheme = url.split(":")[0]
        page, prior = url.replace("ws", "http", 1), [] if scheme == "wss" else ["--http2-prior-knowledge"]
        yield f"python h2 and wsproto, our {scheme}, http2", lambda: run.websocket_client("client_h2.py", url)
        yield f"python h2 and wsproto, our {scheme}, http2, 50 streams", lambda: run.websocket_client(
            "client_h2.py", url, "50"
        )
        yield f"curl, our {scheme}, http2", lambda: run.curl(page, *prior, says="http/2=4")
        yield f"nghttp, our {scheme}, http2", lambda: run.prints("nghttp", "-v", page, says=":status: 4..")
        yield f"h2load, our {scheme}, http2", lambda: run.prints(
            "h2load", "-n1000", "-c2", "-m100", page, says="^status codes: .* 1000 4xx, .*"
        )
    for name, fronts, fronts_tls in (
        ("haproxy", bed.haproxy, bed.haproxy_tls), ("nghttpx", bed.nghttpx, bed.nghttpx_tls)
    ):
        for url, secure, scheme in (
            (chat("ws", fronts["our_websocket"]), chat("wss", fronts_tls["our_websocket"]), "ws"),
            (chat("ws", fronts["our_websocket_tls"]), chat("wss", fronts_tls["our_websocket_tls"]), "wss"),
        ):
            yield f"python websockets, {name}, our {scheme}, http2", lambda: run.websocket_client("client.py", url)
            yield f"npm ws, {name}, our {scheme}, http2", lambda: run.websocket_client("client.js", url)
            yield f"ours, {name}, our {scheme}, http2", lambda: run.nested(secure, *over_http2, http2=True)
