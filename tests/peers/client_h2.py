"""Puts a WebSocket echo server over HTTP/2 to the test with `h2` and `wsproto`:

    client_h2.py URL CA [STREAMS]

Makes one connection, and on it as many WebSockets as wanted, all at once. Prints what was
exchanged; ends non-zero at the first thing that is not as it should be.
"""

import asyncio
import os
import ssl
import sys
from urllib.parse import urlsplit

from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated, DataReceived, RemoteSettingsChanged, ResponseReceived, StreamEnded, StreamReset
)
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes
from wsproto.connection import Connection as Frames, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage

LIMIT = 20  # seconds for all


class Wrong(Exception):
    """Something was not as it should be."""


class Connection:
    """An HTTP/2 connection, and its streams."""

    def __init__(self, url, reader, writer):
        self.url, self.reader, self.writer = url, reader, writer
        self.h2, self.streams = H2Connection(), {}
        self.settings, self.window = asyncio.Event(), asyncio.Condition()

    async def run(self):
        """Reads until the server ends the connection, which it is not to do."""
        self.h2.initiate_connection()
        self.flush()
        while received := await self.reader.read(65536):
            for event in self.h2.receive_data(received):
                self.take(event)
            self.flush()
            async with self.window:
                self.window.notify_all()
        raise Wrong("the connection ended")

    def take(self, event):
        match event:
            case RemoteSettingsChanged():
                self.settings.set()
            case ResponseReceived(stream_id=id, headers=headers):
                self.streams[id].put_nowait(dict(headers)[b":status"])
            case DataReceived(stream_id=id, data=data, flow_controlled_length=length):
                self.h2.acknowledge_received_data(length, id)
                if data:
                    self.streams[id].put_nowait(data)
            case StreamEnded(stream_id=id):
                self.streams[id].put_nowait(None)
            case StreamReset() | ConnectionTerminated():
                raise Wrong(f"saw {event}")

    def flush(self):
        self.writer.write(self.h2.data_to_send())

    def request(self, *headers, end_stream):
        """Sends a request; returns its stream and what will come: a status, data, None at the end."""
        id = self.h2.get_next_available_stream_id()
        scheme = {"ws": "http", "wss": "https"}[self.url.scheme]
        target = [(":scheme", scheme), (":authority", self.url.netloc), (":path", self.url.path)]
        self.h2.send_headers(id, [*target, *headers], end_stream)
        self.flush()
        self.streams[id] = asyncio.Queue()
        return id, self.streams[id]

    async def send(self, id, data):
        while data:
            async with self.window:
                await self.window.wait_for(lambda: self.h2.local_flow_control_window(id) > 0)
            size = min(self.h2.local_flow_control_window(id), self.h2.max_outbound_frame_size)
            self.h2.send_data(id, data[:size])
            self.flush()
            data = data[size:]

    def end(self, id):
        self.h2.end_stream(id)
        self.flush()


async def ordinary(connection):
    """An ordinary request on the connection gets some answer."""
    _, incoming = connection.request((":method", "GET"), end_stream=True)
    status = await incoming.get()
    while await incoming.get() is not None:
        pass
    return f"GET answered {status.decode()}"


async def websocket(connection, large):
    """A WebSocket on a stream of its own."""
    id, incoming = connection.request(
        (":method", "CONNECT"), (":protocol", "websocket"), ("sec-websocket-version", "13"), end_stream=False
    )
    expect(await incoming.get(), b"200")
    frames = Frames(ConnectionType.CLIENT)

    async def send(event):
        await connection.send(id, frames.send(event))

    async def receive():
        whole = None
        while True:
            for event in frames.events():
                if not isinstance(event, Message):
                    return event
                whole = event.data if whole is None else whole + event.data
                if event.message_finished:
                    return whole
            received = await incoming.get()
            if received is None:
                raise Wrong("the stream ended before the WebSocket")
            frames.receive_data(received)

    for message in ("text: grüße, 世界, 🦀", os.urandom(1 << 10), os.urandom(large)):
        # Both at once: the server may echo before it has the whole message.
        kind = TextMessage if isinstance(message, str) else BytesMessage
        _, echo = await asyncio.gather(send(kind(data=message)), receive())
        expect(echo, message)
    await send(Ping(payload=b"token"))
    expect(await receive(), Pong(payload=b"token"))
    await send(CloseConnection(code=4001, reason="a reason"))
    closed = await receive()
    expect(closed.code, 4001)
    connection.end(id)
    expect(await incoming.get(), None)


async def main(url, ca, streams="1"):
    url, count, tls = urlsplit(url), int(streams), None
    if url.scheme == "wss":
        tls = ssl.create_default_context(cafile=ca)
        tls.set_alpn_protocols(["h2"])
    reader, writer = await asyncio.open_connection(url.hostname, url.port, ssl=tls)
    if tls:
        expect(writer.get_extra_info("ssl_object").selected_alpn_protocol(), "h2")
    connection = Connection(url, reader, writer)
    large = min(1 << 20, (8 << 20) // count)
    async with asyncio.timeout(LIMIT), asyncio.TaskGroup() as tasks:
        running = tasks.create_task(connection.run())
        await connection.settings.wait()
        expect(connection.h2.remote_settings[SettingCodes.ENABLE_CONNECT_PROTOCOL], 1)
        *_, answer = await asyncio.gather(*(websocket(connection, large) for _ in range(count)), ordinary(connection))
        running.cancel()
    connection.h2.close_connection()
    connection.flush()
    writer.close()
    print(f"text, binary of 1024 and {large} bytes, ping, close 4001 and end; streams: {count}; {answer}")


def expect(seen, wanted):
    if type(seen) is not type(wanted) or seen != wanted:
        raise Wrong(f"saw {seen!r:.100}, wanted {wanted!r:.100}")


try:
    asyncio.run(main(*sys.argv[1:]))
except* (Wrong, ProtocolError) as group:
    sys.exit(str(group.exceptions[0]))
