"""Exchanges random messages, with random compression, with an echo server:  exchange.py URL CA SEED"""

import asyncio
import random
import ssl
import sys

from websockets.asyncio.client import connect
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

ROUNDS, MESSAGES = 15, 12


async def main(url, ca, seed):
    print("seed", seed, file=sys.stderr)
    dice = random.Random(seed)
    agreed = set()
    for _ in range(ROUNDS):
        deflate = ClientPerMessageDeflateFactory(
            server_no_context_takeover=dice.random() < 0.3,
            client_no_context_takeover=dice.random() < 0.3,
            server_max_window_bits=dice.choice([None, *range(9, 16)]),
            client_max_window_bits=dice.choice([None, True, *range(9, 16)]),
        )
        tls = ssl.create_default_context(cafile=ca) if url.startswith("wss:") else None
        async with connect(url, compression=None, extensions=[deflate], ssl=tls, proxy=None) as websocket:
            agreed.add(websocket.response.headers["Sec-WebSocket-Extensions"])
            for _ in range(MESSAGES):
                message = random_message(dice)
                cuts = sorted(dice.sample(range(len(message) + 1), dice.randint(0, min(3, len(message)))))
                pieces = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)])]
                await websocket.send(pieces if len(pieces) > 1 else message)
                if await websocket.recv() != message:
                    sys.exit("the echo differs")
    print(f"text and binary: {ROUNDS * MESSAGES} messages equal, {len(agreed)} agreements")


def random_message(dice):
    length = dice.choice([0, 1, 125, 126, 1000, 65535, 65536, dice.randrange(100_000)])
    if dice.random() < 0.3:
        return dice.randbytes(length)
    words = ["grüße ", "世界", "🦀", "a", "the same again, ", "\0"]
    text = "".join(dice.choice(words) for _ in range(length // 4))
    return text if dice.random() < 0.6 else text.encode()


asyncio.run(main(*sys.argv[1:]))
