"""A WebSocket echo server on `websockets`, which tells what it sees:  echo.py [CERT KEY]"""

import asyncio
import ssl
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def echo(websocket):
    say("opened", websocket.request.path)
    try:
        while True:
            message = await websocket.recv()
            say(*describe(message))
            if message == "close":
                await websocket.close(1000, "as asked")
            await websocket.send(message)
    except ConnectionClosed:
        say("closed", websocket.close_code)


def describe(message):
    if isinstance(message, str):
        return "text", len(message), message[:80]
    return "binary", len(message)


def say(*words):
    print(*words, flush=True)


async def main(certificate=None, key=None):
    tls = None
    if certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
    async with serve(echo, "127.0.0.1", 0, ssl=tls, max_size=64 << 20) as server:
        say("listening on 127.0.0.1:%d" % server.sockets[0].getsockname()[1])
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
