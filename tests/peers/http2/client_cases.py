"""What a client must answer to frames of a server: RFC 9113 and RFC 8441 from the other side.

A case is (section, what the server sends, the bytes, what must come back). The bytes follow the
client's request for a tunnel, on stream 1; a case of `GREETINGS` is sent in the place of SETTINGS.
"""

from wire import *

OK = headers(1, (":status", "200"), flags=END_HEADERS)
PING_OF_OURS = frame(PING, 0, 0, b"conforms")
LIVES = pongs()


def answers(*more):
    return OK + b"".join(more)


def asks():
    return Wanted("a request", lambda f: f[0] == HEADERS and f[2] == 1)


def never_asks():
    """The end of the connection before any request."""
    return connection_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR, FLOW_CONTROL_ERROR)


GREETINGS = [
    ("3.4", "SETTINGS", settings(), asks()),
    ("3.4", "PING in the place of SETTINGS", PING_OF_OURS, never_asks()),
    ("3.4", "a response of HTTP/1.1", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n", never_asks()),
    ("3.4", "an acknowledgement in the place of SETTINGS", frame(SETTINGS, ACK), never_asks()),
    ("6.5.2", "SETTINGS_ENABLE_PUSH of 1, which a server must not send", settings((2, 1)), never_asks()),
    ("6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", settings((4, 1 << 31)), never_asks()),
    ("6.5.2", "SETTINGS_MAX_FRAME_SIZE below 2^14", settings((5, 100)), never_asks()),
    ("6.5.2", "SETTINGS_MAX_CONCURRENT_STREAMS of 0, raised later", settings((3, 0)) + settings((3, 1)), asks()),
    ("6.5.2", "SETTINGS_MAX_HEADER_LIST_SIZE and HEADER_TABLE_SIZE of 0", settings((6, 4096), (1, 0)), asks()),
    ("6.5.3", "SETTINGS are acknowledged", settings(), acknowledges()),
    ("RFC 8441 3", "SETTINGS_ENABLE_CONNECT_PROTOCOL of 2", settings((8, 2)), never_asks()),
]

CASES = [
    ("3.4", "no push is allowed: the client's SETTINGS_ENABLE_PUSH is 0", b"", "no push"),
    ("4.1", "a frame of an unknown type", answers(frame(0x16, 0xFF, 1, bytes(9)), PING_OF_OURS), LIVES),
    ("4.1", "PING with undefined flags and the reserved bit", frame(PING, 0x16, 1 << 31, b"conforms"), LIVES),
    ("4.2", "a frame of 16 MiB claimed", b"\xff\xff\xff\0\0\0\0\0\1", connection_error(FRAME_SIZE_ERROR)),
    ("4.3", "a field block that cannot be decoded", frame(HEADERS, END_HEADERS, 1, b"\xff" * 20), connection_error(COMPRESSION_ERROR)),
    ("4.3", "PING in a field block", frame(HEADERS, 0, 1, b"\x88") + PING_OF_OURS, connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: DATA", frame(DATA, 0, 3, b"x"), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: HEADERS of a stream that the client did not open", headers(3, (":status", "200")), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: RST_STREAM", frame(RST_STREAM, 0, 5, number(CANCEL)), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 5, number(1)), connection_error(PROTOCOL_ERROR)),
    ("5.1", "half-closed (remote): DATA", answers(frame(DATA, END_STREAM, 1, b"x"), frame(DATA, 0, 1, b"y")), stream_error(STREAM_CLOSED)),
    ("5.1.1", "HEADERS on an even stream", headers(2, (":status", "200")), connection_error(PROTOCOL_ERROR)),
    ("6.1", "DATA on stream 0", frame(DATA, 0, 0, b"x"), connection_error(PROTOCOL_ERROR)),
    ("6.1", "DATA before the response", frame(DATA, 0, 1, b"x"), stream_error(PROTOCOL_ERROR)),
    ("6.1", "DATA whose padding is longer than it", answers(frame(DATA, PADDED, 1, b"\xc8test")), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS on stream 0", frame(HEADERS, END_HEADERS, 0, b"\x88"), connection_error(PROTOCOL_ERROR)),
    ("6.3", "PRIORITY on stream 0", frame(PRIORITY, 0, 0, bytes(5)), connection_error(PROTOCOL_ERROR)),
    ("6.3", "PRIORITY of 4 bytes", frame(PRIORITY, 0, 1, bytes(4)), stream_error(FRAME_SIZE_ERROR)),
    ("6.4", "RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, number(CANCEL)), connection_error(PROTOCOL_ERROR)),
    ("6.4", "RST_STREAM of 3 bytes", frame(RST_STREAM, 0, 1, bytes(3)), connection_error(FRAME_SIZE_ERROR)),
    ("6.5", "an acknowledgement with a payload", frame(SETTINGS, ACK, 0, bytes(6)), connection_error(FRAME_SIZE_ERROR)),
    ("6.5", "SETTINGS on a stream", frame(SETTINGS, 0, 1, b""), connection_error(PROTOCOL_ERROR)),
    ("6.5", "SETTINGS of 5 bytes", frame(SETTINGS, 0, 0, bytes(5)), connection_error(FRAME_SIZE_ERROR)),
    ("6.6", "PUSH_PROMISE, which the client does not allow", frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + b"\x82\x84\x86"), connection_error(PROTOCOL_ERROR)),
    ("6.7", "PING", PING_OF_OURS, LIVES),
    ("6.7", "PING on a stream", frame(PING, 0, 1, b"conforms"), connection_error(PROTOCOL_ERROR)),
    ("6.7", "PING of 7 bytes", frame(PING, 0, 0, bytes(7)), connection_error(FRAME_SIZE_ERROR)),
    ("6.8", "GOAWAY on a stream", frame(GOAWAY, 0, 1, bytes(8)), connection_error(PROTOCOL_ERROR)),
    ("6.8", "GOAWAY with the last stream, and the tunnel goes on", answers(frame(GOAWAY, 0, 0, number(1) + number(0)), PING_OF_OURS), LIVES),
    ("6.9", "WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, number(0)), connection_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 0 on the stream", answers(frame(WINDOW_UPDATE, 0, 1, number(0))), stream_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)),
    ("6.9.1", "a window of the connection above 2^31-1", frame(WINDOW_UPDATE, 0, 0, number((1 << 31) - 1)) * 2, connection_error(FLOW_CONTROL_ERROR)),
    ("6.9.1", "a window of the stream above 2^31-1", answers(frame(WINDOW_UPDATE, 0, 1, number((1 << 31) - 1)) * 2), stream_error(FLOW_CONTROL_ERROR)),
    ("6.10", "CONTINUATION on stream 0", frame(HEADERS, 0, 1, b"\x88") + frame(CONTINUATION, END_HEADERS, 0, b""), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION behind HEADERS with END_HEADERS", answers(frame(CONTINUATION, END_HEADERS, 1, b"")), connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("6.10", "CONTINUATION without end", frame(HEADERS, 0, 1, b"\x88") + frame(CONTINUATION, 0, 1, literal("x", "y" * 4000)) * 200, connection_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, COMPRESSION_ERROR)),
    ("8.1", "interim responses before the response", headers(1, (":status", "103"), flags=END_HEADERS) * 3 + answers(PING_OF_OURS), LIVES),
    ("8.1.1", "a response without :status", headers(1, ("x", "y"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    ("8.2.1", "a field name in upper case", headers(1, (":status", "200"), ("X-TEST", "y"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    ("8.2.1", "a field value with NUL", headers(1, (":status", "200"), ("x", "a\0b"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    *(("8.2.2", f"the field {name}", headers(1, (":status", "200"), (name, value), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)) for name, value in (("connection", "close"), ("transfer-encoding", "chunked"))),
    ("8.3", "a pseudo-header of requests", headers(1, (":status", "200"), (":path", "/"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    ("8.3", "a pseudo-header behind a field", headers(1, ("x", "y"), (":status", "200"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    ("8.3.2", ":status twice", headers(1, (":status", "200"), (":status", "200"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    ("8.3.2", ":status that is no number", headers(1, (":status", "2x0"), flags=END_HEADERS), stream_error(PROTOCOL_ERROR)),
    ("8.5", "fields behind the data of a tunnel", answers(frame(DATA, 0, 1, b"x"), headers(1, ("x", "y"))), stream_error(PROTOCOL_ERROR)),
    ("hpack 2.3.3", "an index beyond the tables", frame(HEADERS, END_HEADERS, 1, b"\x88\xc6"), connection_error(COMPRESSION_ERROR)),
    ("hpack 4.2", "a size of the table in the middle of a block", frame(HEADERS, END_HEADERS, 1, b"\x88\x20"), connection_error(COMPRESSION_ERROR)),
    ("hpack 6.1", "index 0", frame(HEADERS, END_HEADERS, 1, b"\x88\x80"), connection_error(COMPRESSION_ERROR)),
    ("hpack 6.3", "a size of the table above SETTINGS_HEADER_TABLE_SIZE", frame(HEADERS, END_HEADERS, 1, b"\x3f\xe2\x1f\x88"), connection_error(COMPRESSION_ERROR)),
]
