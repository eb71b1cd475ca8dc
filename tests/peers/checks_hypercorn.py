"""hypercorn: a WebSocket server over HTTP/1.1 and HTTP/2."""

from bed import HERE

NEEDS = [HERE / ".work/venv/bin/hypercorn"]


def checks(bed, run):
    python, script = HERE / ".work/venv/bin/python", HERE / "echo_asgi.py"
    bed.start("hypercorn", python, script)
    bed.start("hypercorn-tls", python, script, bed.cert("server"), bed.key("server"))
    ca = ["--cacert", bed.cert("ca")]
    ws = f"ws://{bed.announced('hypercorn')}/chat"
    wss = f"wss://{bed.announced('hypercorn-tls')}/chat".replace("127.0.0.1", "localhost")
    # Its application hears of 1006 whenever the client closes.
    def nested(url, *options, http2):
        log = "hypercorn-tls" if url == wss else "hypercorn"
        return run.nested(url, *options, *ca, log=log, way=log, http2=http2, within=3, closed=1006)

    # It never ends a stream of HTTP/2, so who waits for that waits for its whole patience.
    for name, url, options, http2 in (
        ("ws", ws, ["--http1"], False), ("ws, http2 only", ws, ["--http2"], True),
        ("wss, http1 only", wss, ["--http1"], False), ("wss, http2 only", wss, ["--http2"], True),
        ("wss, http2 or http1", wss, [], True),
    ):
        yield f"hypercorn, {name}", lambda: nested(url, *options, http2=http2)
    for name, url, options in (
        ("ws", ws, []), ("ws, http2", ws, ["--http2"]), ("wss", wss, []), ("wss, http2", wss, ["--http2"])
    ):
        yield f"hypercorn, {name}, it closes", lambda: run.asked_to_close(
            url, *options, *ca, within=3
        )
    yield "hypercorn, squid, wss, http2", lambda: nested(
        wss, "--via", f"http://{bed.squid}", http2=True
    )
