"""Puts a WebSocket echo server to the test with `websockets`:  client.py URL CA [PROXY]

Prints what was exchanged; ends non-zero at the first thing that is not as it should be.
"""

import asyncio
import os
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed


async def main(url, ca, proxy=None):
    tls = ssl.create_default_context(cafile=ca)
    options = {"proxy": proxy, "max_size": 4 << 20, "open_timeout": 20}
    if url.startswith("wss:"):
        options["ssl"] = tls
    if proxy and proxy.startswith("https:"):
        options["proxy_ssl"] = tls

    async with connect(url, **options) as websocket:
        for message in ("text: grüße, 世界, 🦀", "", b"binary \x00\xff", b"", os.urandom(1 << 20), "x" * (1 << 20)):
            await websocket.send(message)
            expect(await websocket.recv(), message)
        await websocket.send(["in ", "three ", "fragments"])
        expect(await websocket.recv(), "in three fragments")
        await asyncio.wait_for(await websocket.ping(b"token"), 20)
        await websocket.close(4001, "a reason")
        expect(websocket.close_code, 4001)

    async with connect(url, **options) as websocket:
        await websocket.send(b"not \xff UTF-8", text=True)
        try:
            await websocket.recv()
        except ConnectionClosed:
            pass
        expect(websocket.close_code, 1007)

    print("text, binary, empty, 1 MiB, fragments, ping, close 4001, bad UTF-8 closed 1007")


def expect(seen, wanted):
    if type(seen) is not type(wanted) or seen != wanted:
        sys.exit(f"saw {seen!r:.100}, wanted {wanted!r:.100}")


asyncio.run(main(*sys.argv[1:]))
