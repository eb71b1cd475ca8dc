"""Opens a tunnel through an HTTP/2 proxy with `h2`:  connect_h2.py PROXY CA USER:PASSWORD HOST:PORT

Prints what the target says first. A wrong password gets a 407 before.
"""

import base64
import socket
import ssl
import sys

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamReset


def main(proxy, ca, login, target):
    host, port = proxy.removeprefix("https://").split(":")
    tls = ssl.create_default_context(cafile=ca)
    tls.set_alpn_protocols(["h2"])
    io = tls.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)
    assert io.selected_alpn_protocol() == "h2"
    connection = H2Connection(H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    for stream, (password, status) in {1: (login + "x", "407"), 3: (login, "200")}.items():
        basic = base64.b64encode(password.encode()).decode()
        fields = [(":method", "CONNECT"), (":authority", target), ("proxy-authorization", f"Basic {basic}")]
        connection.send_headers(stream, fields)
        io.sendall(connection.data_to_send())
        wait(io, connection, stream, lambda event: isinstance(event, ResponseReceived) and dict(event.headers)[":status"] == status)
    first = wait(io, connection, 3, lambda event: isinstance(event, DataReceived))
    print(first.data.decode(errors="replace"))


def wait(io, connection, stream, wanted):
    """Reads until an event of the stream is the wanted one. Events behind it are kept."""
    while True:
        while pending:
            event = pending.pop(0)
            if getattr(event, "stream_id", None) != stream:
                continue
            if isinstance(event, StreamReset):
                raise SystemExit(f"stream {stream} was reset: {event.error_code}")
            if wanted(event):
                return event
            if isinstance(event, ResponseReceived):
                raise SystemExit(f"stream {stream}: {event.headers}")
        data = io.recv(65536)
        if not data:
            raise SystemExit("the proxy has ended the connection")
        pending.extend(connection.receive_data(data))
        io.sendall(connection.data_to_send())


pending = []
main(*sys.argv[1:])
