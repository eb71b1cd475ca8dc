"""Sends requests to an HTTP/2 proxy with `h2`, to be forwarded:  request_h2.py PROXY CA USER:PASSWORD URL

A GET, a HEAD and a POST with content, at once on three streams. Prints the status, `via` and the content of each.
"""

import base64
import socket
import ssl
import sys
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset


def main(proxy, ca, login, url):
    host, port = proxy.removeprefix("https://").split(":")
    tls = ssl.create_default_context(cafile=ca)
    tls.set_alpn_protocols(["h2"])
    io = tls.wrap_socket(socket.create_connection((host, int(port)), timeout=20), server_hostname=host)
    assert io.selected_alpn_protocol() == "h2"
    connection = H2Connection(H2Configuration(header_encoding="utf-8"))
    connection.initiate_connection()
    target = urlsplit(url)
    basic = base64.b64encode(login.encode()).decode()
    asked = {1: "GET", 3: "HEAD", 5: "POST"}
    for stream, method in asked.items():
        fields = [
            (":method", method), (":scheme", target.scheme), (":authority", target.netloc), (":path", target.path or "/"),
            ("proxy-authorization", f"Basic {basic}"), ("cookie", "a=1"), ("cookie", "b=2"),
        ]
        connection.send_headers(stream, fields, end_stream=method != "POST")
    connection.send_data(5, b"content" * 1000, end_stream=True)
    io.sendall(connection.data_to_send())
    heads, contents, open_streams = {}, {stream: b"" for stream in asked}, set(asked)
    while open_streams:
        data = io.recv(65536)
        if not data:
            raise SystemExit("the proxy has ended the connection")
        for event in connection.receive_data(data):
            if isinstance(event, ResponseReceived):
                heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, DataReceived):
                contents[event.stream_id] += event.data
                connection.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                open_streams.discard(event.stream_id)
            elif isinstance(event, StreamReset):
                raise SystemExit(f"stream {event.stream_id} was reset: {event.error_code}")
        io.sendall(connection.data_to_send())
    for stream, method in asked.items():
        head = heads[stream]
        print(method, head[":status"], f"via={head['via']}", contents[stream].decode(errors="replace").strip())


main(*sys.argv[1:])
