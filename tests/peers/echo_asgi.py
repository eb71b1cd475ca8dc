"""A WebSocket echo server on hypercorn, which tells what it sees:  echo_asgi.py [CERT KEY]

It speaks HTTP/1.1 and HTTP/2, in cleartext too.
"""

import asyncio
import socket
import sys

from hypercorn.asyncio import serve
from hypercorn.config import Config


async def echo(scope, receive, send):
    if scope["type"] != "websocket":
        raise NotImplementedError  # as an application without a lifespan does
    while True:
        event = await receive()
        match event["type"]:
            case "websocket.connect":
                say("opened", scope["path"], f"HTTP/{scope['http_version']}")
                await send({"type": "websocket.accept"})
            case "websocket.receive" if event.get("text") is not None:
                say("text", len(event["text"]), event["text"][:80])
                if event["text"] == "close":
                    await send({"type": "websocket.close", "code": 1000, "reason": "as asked"})
                    continue
                await send({"type": "websocket.send", "text": event["text"]})
            case "websocket.receive":
                say("binary", len(event["bytes"]))
                await send({"type": "websocket.send", "bytes": event["bytes"]})
            case "websocket.disconnect":
                say("closed", event["code"])
                return


def say(*words):
    print(*words, flush=True)


async def main(certificate=None, key=None):
    listener = socket.create_server(("127.0.0.1", 0))
    config = Config()
    config.bind = [f"fd://{listener.fileno()}"]
    config.certfile, config.keyfile = certificate, key
    config.websocket_max_message_size = 64 << 20
    config.errorlog = "-"
    say("listening on 127.0.0.1:%d" % listener.getsockname()[1])
    await serve(echo, config)


asyncio.run(main(*sys.argv[1:]))
