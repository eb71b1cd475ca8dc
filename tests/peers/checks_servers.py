"""our servers: curl and Python websockets at the forward proxy, the chat and the axum application."""

from bed import HERE

NEEDS = ["curl"]

TALK = """
import asyncio, sys
from websockets.asyncio.client import connect

async def main(url, deflate):
    async with connect(url, proxy=None, subprotocols=["chat.v1", "chat.v2"]) as socket:
        assert socket.subprotocol == "chat.v2", socket.subprotocol
        assert bool(socket.protocol.extensions) == (deflate == "deflate"), socket.protocol.extensions
        for message in ("text: grüße", b"bytes", "x" * 1_000_000):
            await socket.send(message)
            assert await socket.recv() == message
    print(socket.close_code)

asyncio.run(main(*sys.argv[1:]))
"""

ROOMS = """
import asyncio, sys
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

async def main(server):
    for login in ("ada:wrong@", ""):
        try:
            await connect(f"ws://{login}{server}/one", proxy=None)
        except InvalidStatus as refused:
            assert refused.response.status_code == 401, refused
        else:
            raise AssertionError("it was let in")
    async with (
        connect(f"ws://ada:secret@{server}/one", proxy=None) as ada,
        connect(f"ws://bob:hidden@{server}/one", proxy=None) as bob,
        connect(f"ws://bob:hidden@{server}/two", proxy=None) as other,
    ):
        await bob.send("hello")
        await other.send("nobody here?")
        heard = [await ada.recv() for _ in range(3)]
        assert heard == ["ada has come", "bob has come", "bob: hello"], heard
        assert [await other.recv() for _ in range(2)] == ["bob has come", "bob: nobody here?"]
    print("rooms")

asyncio.run(main(*sys.argv[1:]))
"""


def checks(bed, run):
    python = HERE / ".work/venv/bin/python"
    users = run.bed.folder / "users"
    users.write_text(f"ada:{bed.PASSWORD}\nbob:hidden\n")
    program = run.folder / "proxy_server"
    any_port = ["--listen", "127.0.0.1:0", "--inside"]
    tls = ["--tls", bed.cert("server"), bed.key("server")]
    bed.start("proxy-open", program, *any_port)
    bed.start("proxy-users", program, *any_port, "--users", users)
    bed.start("proxy-tls", program, *any_port, "--users", users, *tls)
    bed.start("chat", run.folder / "chat", "127.0.0.1:0", "ada:secret", "bob:hidden")
    bed.start("axum", run.folder / "axum")
    proxy, guarded = bed.announced("proxy-open"), bed.announced("proxy-users")
    secure = f"https://{bed.announced('proxy-tls')}".replace("127.0.0.1", "localhost")
    chained = ["--via", f"socks5h://ada:{bed.PASSWORD}@{guarded}", "--via", f"http://{bed.squid}"]
    bed.start("proxy-chain", program, *any_port, *chained)
    chain = bed.announced("proxy-chain")

    page = f"http://{bed.haproxy['http1']}/"
    https, shown = f"https://{bed.nginx['rsa']}/".replace("127.0.0.1", "localhost"), "nginx TLSv1.3"
    login = ["--proxy-user", f"ada:{bed.PASSWORD}"]
    # One port for all: absolute-form, tunnels, SOCKS of each version.
    yield "curl, our forward proxy, http://", lambda: run.curl(page, "-x", f"http://{proxy}", says="(?i)426|upgrade")
    yield "curl, our forward proxy, tunnel", lambda: run.curl(https, "-x", f"http://{proxy}", says=shown)
    for scheme in "socks4", "socks4a", "socks5", "socks5h":
        yield f"curl, our forward proxy, {scheme}", lambda s=scheme: run.curl(https, "-x", f"{s}://{proxy}", says=shown)
    for scheme in "http", "socks5h":
        yield f"curl, our forward proxy, {scheme}, a user", lambda s=scheme: run.curl(
            https, "-x", f"{s}://{guarded}", *login, says=shown
        )
    yield "curl, our forward proxy, a stranger", lambda: run.curl(
        https, "-x", f"http://{guarded}", "--proxy-user", f"ada:{bed.WRONG}", code=56, says="connect=407"
    )
    trust = ["--proxy-cacert", bed.cert("ca")]
    yield "curl, our forward proxy over TLS", lambda: run.curl(https, "-x", secure, *login, *trust, says=shown)
    yield "curl, our forward proxy over TLS, http://", lambda: run.curl(page, "-x", secure, *login, *trust, says="(?i)426|upgrade")
    yield "curl, our forward proxy, its hops", lambda: run.curl(https, "-x", f"http://{chain}", says=shown)
    yield "curl, our forward proxy, its hops, http://", lambda: run.curl(page, "-x", f"http://{chain}", says="(?i)426|upgrade")
    yield "h2, our forward proxy over TLS, CONNECT", lambda: run.prints(
        python, HERE / "connect_h2.py", secure, bed.cert("ca"), f"ada:{bed.PASSWORD}", bed.greeter, says="^the server speaks first"
    )
    yield "h2, our forward proxy over TLS, http://", lambda: run.prints(
        python, HERE / "request_h2.py", secure, bed.cert("ca"), f"ada:{bed.PASSWORD}", page,
        # What the server says to each, and haproxy where the server breaks off.
        says=r"(?s)^GET 426 via=1.1 wirestack.*^HEAD 405 via=1.1 wirestack *$.*^POST 502 via=1.1 wirestack .*incomplete response",
    )
    asked = f"GET {page} HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"
    yield "nc -N, our forward proxy, http://", lambda: run.prints(
        "sh", "-c", f"printf '{asked}' | nc -N {proxy.replace(':', ' ')}", says="HTTP/1.1 426"
    )
    yield "reqwest, microsocks, squid", lambda: run.shows(
        "reqwest_chain", page, f"socks5h://{bed.microsocks}", f"http://{bed.squid}", says="HTTP/1.1 426"
    )

    axum = bed.announced("axum")
    yield "Python websockets, our axum extractor", lambda: run.prints(
        python, "-c", TALK, f"ws://{axum}/ws/7", "deflate", says="1000"
    )
    yield "curl, our axum application, its other route", lambda: run.curl(f"http://{axum}/health", says="well")
    yield "Python websockets, our chat", lambda: run.prints(
        python, "-c", ROOMS, bed.announced("chat"), says="rooms"
    )
