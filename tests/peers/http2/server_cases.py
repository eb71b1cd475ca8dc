"""What a server must answer to frames: the sections of RFC 9113 and RFC 8441, with those of h2spec among them.

A case is (section, what is sent, the bytes, what must come back). The bytes follow the handshake; a
case of `RAW` is the whole of what a client sends.
"""

from wire import *

PING_OF_OURS = frame(PING, 0, 0, b"conforms")
GET = [(":method", "GET"), (":scheme", "http"), (":authority", "localhost"), (":path", "/")]
POST = [(":method", "POST"), *GET[1:]]
SOCKET = [
    (":method", "CONNECT"), (":protocol", "websocket"), *GET[1:], ("sec-websocket-version", "13"),
]


def get(stream=1, *more, flags=END_HEADERS | END_STREAM):
    return headers(stream, *GET, *more, flags=flags)


def opened(stream=1):
    """A WebSocket: a stream that the server keeps open."""
    return headers(stream, *SOCKET, flags=END_HEADERS)


def padded(kind, flags, stream, pad, payload):
    return frame(kind, flags | PADDED, stream, bytes([pad]) + payload)


def without(name, fields=GET):
    return [field for field in fields if field[0] != name]


BLOCK = block(*GET)
TOO_LONG = 80 * 1024 + 1  # one more than the SETTINGS_MAX_FRAME_SIZE of our server
PRIORITY_ON_ONE = number(0) + b"\x0f"
LONG = block(*GET, *((f"x-{n}", "y" * 120) for n in range(100)))

RAW = [
    ("3.4", "a preface that is none", b"INVALID CONNECTION PREFACE\r\n\r\n", connection_error(PROTOCOL_ERROR)),
    ("3.4", "a preface of HTTP/1.1 with a body", b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n" + settings(), connection_error(PROTOCOL_ERROR)),
    ("3.4", "a PING in the place of SETTINGS", PREFACE + PING_OF_OURS, connection_error(PROTOCOL_ERROR)),
    ("3.4", "HEADERS in the place of SETTINGS", PREFACE + get(), connection_error(PROTOCOL_ERROR)),
    ("3.4", "an acknowledgement in the place of SETTINGS", PREFACE + frame(SETTINGS, ACK), connection_error(PROTOCOL_ERROR)),
    ("3.4", "preface, SETTINGS and a request in one flight", PREFACE + settings() + get(), responds()),
    ("3.4", "the server's preface is SETTINGS", PREFACE + settings(), Wanted("SETTINGS", lambda f: f[:2] == (SETTINGS, 0))),
]

CASES = [
    # h2spec's generic sections: what every server answers.
    ("generic 1", "a request", get(), responds()),
    ("generic 1", "PING", PING_OF_OURS, pongs()),
    ("generic 2", "half-closed (remote): WINDOW_UPDATE", get() + frame(WINDOW_UPDATE, 0, 1, number(1)), responds()),
    ("generic 2", "half-closed (remote): PRIORITY", get() + frame(PRIORITY, 0, 1, PRIORITY_ON_ONE), responds()),
    ("generic 2", "closed: PRIORITY", get() + frame(RST_STREAM, 0, 1, number(CANCEL)) + frame(PRIORITY, 0, 1, PRIORITY_ON_ONE) + PING_OF_OURS, pongs()),
    ("generic 3.1", "DATA on an open stream", headers(1, *POST, flags=END_HEADERS) + frame(DATA, END_STREAM, 1, b"test"), responds()),
    ("generic 3.1", "many frames of DATA", headers(1, *POST, flags=END_HEADERS) + frame(DATA, 0, 1, b"a") * 5 + frame(DATA, END_STREAM, 1, b"b"), responds()),
    ("generic 3.1", "padded DATA", headers(1, *POST, flags=END_HEADERS) + padded(DATA, END_STREAM, 1, 6, b"test" + bytes(6)), responds()),
    ("generic 3.2", "HEADERS with a padding", padded(HEADERS, END_HEADERS | END_STREAM, 1, 6, BLOCK + bytes(6)), responds()),
    ("generic 3.2", "HEADERS with a priority", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, PRIORITY_ON_ONE + BLOCK), responds()),
    ("generic 3.3", "PRIORITY with weight 1, 256, an exclusive one and of an idle stream",
     b"".join(frame(PRIORITY, 0, n, number(on) + weight) for n, on, weight in ((1, 0, b"\0"), (3, 0, b"\xff"), (5, 1 << 31, b"\1"), (7, 9, b"\1"))) + PING_OF_OURS, pongs()),
    ("generic 3.4", "RST_STREAM", opened() + frame(RST_STREAM, 0, 1, number(CANCEL)) + PING_OF_OURS, pongs()),
    ("generic 3.5", "SETTINGS", settings((1, 4096), (3, 100), (4, 65535), (5, 16384), (6, 100)), acknowledges()),
    ("generic 3.7", "PING", frame(PING, 0, 0, b"12345678"), pongs(b"12345678")),
    ("generic 3.8", "GOAWAY", frame(GOAWAY, 0, 0, number(0) + number(NO_ERROR)) + PING_OF_OURS,
     Wanted("the answer to PING, or GOAWAY NO_ERROR, or the end", lambda f: f[:2] == (PING, ACK) or (f[0] == GOAWAY and code_of(f) == number(NO_ERROR)), or_close=True)),
    ("generic 3.9", "WINDOW_UPDATE of the connection", frame(WINDOW_UPDATE, 0, 0, number(1)) + PING_OF_OURS, pongs()),
    ("generic 3.9", "WINDOW_UPDATE of a stream", opened() + frame(WINDOW_UPDATE, 0, 1, number(1)) + PING_OF_OURS, pongs()),
    ("generic 3.10", "CONTINUATION", frame(HEADERS, END_STREAM, 1, BLOCK[:9]) + frame(CONTINUATION, END_HEADERS, 1, BLOCK[9:]), responds()),
    ("generic 3.10", "many frames of CONTINUATION", frame(HEADERS, END_STREAM, 1, BLOCK[:9]) + frame(CONTINUATION, 0, 1, BLOCK[9:20]) + frame(CONTINUATION, 0, 1, b"") + frame(CONTINUATION, END_HEADERS, 1, BLOCK[20:]), responds()),
    *(("generic 4", f"a request by {method}", headers(1, (":method", method), *GET[1:]), responds()) for method in ("GET", "HEAD", "POST", "OPTIONS")),
    ("generic 4", "a request with trailers", headers(1, *POST, flags=END_HEADERS) + frame(DATA, 0, 1, b"x") + headers(1, ("x-trailer", "y")), responds()),
    ("generic 5", "indexed fields and names, literals with, without and never indexing",
     frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x84\x41\x09localhost" + b"\x40\x03x-a\x01b" + b"\0\x03x-b\x01c" + b"\x10\x03x-c\x01d" + b"\xbe"), responds()),
    ("generic 5", "a value in Huffman coding", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x84\x41\x8c\xf1\xe3\xc2\xe5\xf2\x3a\x6b\xa0\xab\x90\xf4\xff"), responds()),
    ("generic 5", "the size of the dynamic table, zero and back", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x20\x3f\xe1\x1f" + BLOCK), responds()),

    ("4.1", "a frame of an unknown type", frame(0x16, 0xFF, 0, bytes(8)) + PING_OF_OURS, pongs()),
    ("4.1", "a frame of an unknown type on a stream", opened() + frame(0x16, 0xFF, 1, bytes(8)) + PING_OF_OURS, pongs()),
    ("4.1", "PING with undefined flags", frame(PING, 0x16, 0, b"conforms"), pongs()),
    ("4.1", "PING with the reserved bit", frame(PING, 0, 1 << 31, b"conforms"), pongs()),
    ("4.2", "DATA of 2^14 bytes", opened() + frame(DATA, 0, 1, b"\x82\xfe\x3f\xf8\0\0\0\0" + bytes(16376)) + PING_OF_OURS, pongs()),
    ("4.2", "DATA longer than SETTINGS_MAX_FRAME_SIZE", opened() + frame(DATA, 0, 1, bytes(TOO_LONG)), stream_error(FRAME_SIZE_ERROR)),
    ("4.2", "HEADERS longer than SETTINGS_MAX_FRAME_SIZE", frame(HEADERS, END_HEADERS | END_STREAM, 1, bytes(TOO_LONG)), connection_error(FRAME_SIZE_ERROR)),
    ("4.2", "a frame of 16 MiB claimed", b"\xff\xff\xff\0\0\0\0\0\1", connection_error(FRAME_SIZE_ERROR)),
    ("4.3", "a field block that cannot be decoded", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\0\x7f\xff\xff\xff\xff\xff\xff"), connection_error(COMPRESSION_ERROR)),
    ("4.3", "PRIORITY in a field block", frame(HEADERS, END_STREAM, 1, BLOCK) + frame(PRIORITY, 0, 1, PRIORITY_ON_ONE), connection_error(PROTOCOL_ERROR)),
    ("4.3", "HEADERS of another stream in a field block", frame(HEADERS, END_STREAM, 1, BLOCK) + get(3), connection_error(PROTOCOL_ERROR)),
    ("4.3", "an unknown frame in a field block", frame(HEADERS, END_STREAM, 1, BLOCK) + frame(0x16, 0, 0, b""), connection_error(PROTOCOL_ERROR)),

    ("5.1", "idle: DATA", frame(DATA, END_STREAM, 1, b"x"), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: RST_STREAM", frame(RST_STREAM, 0, 1, number(CANCEL)), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: WINDOW_UPDATE", frame(WINDOW_UPDATE, 0, 1, number(100)), connection_error(PROTOCOL_ERROR)),
    ("5.1", "idle: CONTINUATION", frame(CONTINUATION, END_HEADERS, 1, BLOCK), connection_error(PROTOCOL_ERROR)),
    ("5.1", "half-closed (remote): DATA", get() + frame(DATA, END_STREAM, 1, b"x"), stream_error(STREAM_CLOSED)),
    ("5.1", "half-closed (remote): HEADERS", get() + get(), stream_error(STREAM_CLOSED)),
    ("5.1", "half-closed (remote): CONTINUATION", get() + frame(CONTINUATION, END_HEADERS, 1, BLOCK), connection_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "closed by RST_STREAM: DATA", opened() + frame(RST_STREAM, 0, 1, number(CANCEL)) + frame(DATA, 0, 1, b"x"), stream_error(STREAM_CLOSED)),
    ("5.1", "closed by RST_STREAM: HEADERS", opened() + frame(RST_STREAM, 0, 1, number(CANCEL)) + get(), stream_error(STREAM_CLOSED)),
    ("5.1", "closed by RST_STREAM: CONTINUATION", opened() + frame(RST_STREAM, 0, 1, number(CANCEL)) + frame(CONTINUATION, END_HEADERS, 1, BLOCK), connection_error(STREAM_CLOSED, PROTOCOL_ERROR)),
    ("5.1", "closed: WINDOW_UPDATE and RST_STREAM are ignored", opened() + frame(RST_STREAM, 0, 1, number(CANCEL)) + frame(WINDOW_UPDATE, 0, 1, number(9)) + frame(RST_STREAM, 0, 1, number(CANCEL)) + PING_OF_OURS, pongs()),
    ("5.1.1", "an even number", get(2), connection_error(PROTOCOL_ERROR)),
    ("5.1.1", "a number lower than the last", get(5) + get(3), connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("5.1.1", "stream 0", get(0), connection_error(PROTOCOL_ERROR)),
    ("5.1.2", "more streams than SETTINGS_MAX_CONCURRENT_STREAMS", b"".join(opened(n) for n in range(1, 2005, 2)), stream_error(PROTOCOL_ERROR, REFUSED_STREAM)),
    ("5.3.1", "HEADERS that depend on themselves", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, number(1) + b"\xff" + BLOCK), stream_error(PROTOCOL_ERROR)),
    ("5.3.1", "PRIORITY that depends on itself", opened() + frame(PRIORITY, 0, 1, number(1) + b"\xff"), stream_error(PROTOCOL_ERROR)),
    ("5.4.1", "GOAWAY before the end at a fault", frame(PING, 0, 1, b"conforms"), connection_error(PROTOCOL_ERROR)),
    ("5.5", "an unknown extension frame in mid connection", frame(0x16, 0, 0, bytes(100)) + get(), responds()),
    ("5.5", "an unknown extension frame in a field block", frame(HEADERS, END_STREAM, 1, BLOCK[:5]) + frame(0x16, 0, 1, b"") + frame(CONTINUATION, END_HEADERS, 1, BLOCK[5:]), connection_error(PROTOCOL_ERROR)),

    ("6.1", "DATA on stream 0", frame(DATA, 0, 0, b"x"), connection_error(PROTOCOL_ERROR)),
    ("6.1", "DATA on a stream that is half-closed (remote)", headers(1, *SOCKET, flags=END_HEADERS) + frame(DATA, END_STREAM, 1, b"") + frame(DATA, 0, 1, b"x"), stream_error(STREAM_CLOSED)),
    ("6.1", "DATA whose padding is longer than it", opened() + padded(DATA, 0, 1, 200, b"test"), connection_error(PROTOCOL_ERROR)),
    ("6.1", "padded DATA without a length", opened() + frame(DATA, PADDED, 1, b""), connection_error(PROTOCOL_ERROR, FRAME_SIZE_ERROR)),
    ("6.2", "HEADERS without END_HEADERS, then PRIORITY", frame(HEADERS, END_STREAM, 1, BLOCK) + frame(PRIORITY, 0, 3, PRIORITY_ON_ONE), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS without END_HEADERS, then HEADERS of another stream", frame(HEADERS, END_STREAM, 1, BLOCK) + get(3), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS on stream 0", frame(HEADERS, END_HEADERS | END_STREAM, 0, BLOCK), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS whose padding is longer than they", padded(HEADERS, END_HEADERS | END_STREAM, 1, 255, BLOCK[:20]), connection_error(PROTOCOL_ERROR)),
    ("6.2", "HEADERS with a priority and no room for it", frame(HEADERS, END_HEADERS | END_STREAM | PRIORITIZED, 1, b"\0\0"), connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    ("6.3", "PRIORITY on stream 0", frame(PRIORITY, 0, 0, PRIORITY_ON_ONE), connection_error(PROTOCOL_ERROR)),
    ("6.3", "PRIORITY of 4 bytes", frame(PRIORITY, 0, 1, bytes(4)), stream_error(FRAME_SIZE_ERROR)),
    ("6.4", "RST_STREAM on stream 0", frame(RST_STREAM, 0, 0, number(CANCEL)), connection_error(PROTOCOL_ERROR)),
    ("6.4", "RST_STREAM of an idle stream", frame(RST_STREAM, 0, 9, number(CANCEL)), connection_error(PROTOCOL_ERROR)),
    ("6.4", "RST_STREAM of 3 bytes", opened() + frame(RST_STREAM, 0, 1, bytes(3)), connection_error(FRAME_SIZE_ERROR)),
    ("6.5", "an acknowledgement with a payload", frame(SETTINGS, ACK, 0, bytes(6)), connection_error(FRAME_SIZE_ERROR)),
    ("6.5", "SETTINGS on a stream", frame(SETTINGS, 0, 1, struct.pack(">HI", 3, 1)), connection_error(PROTOCOL_ERROR)),
    ("6.5", "SETTINGS of 3 bytes", frame(SETTINGS, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)),
    ("6.5.2", "SETTINGS_ENABLE_PUSH of 2", settings((2, 2)), connection_error(PROTOCOL_ERROR)),
    ("6.5.2", "SETTINGS_INITIAL_WINDOW_SIZE above 2^31-1", settings((4, 1 << 31)), connection_error(FLOW_CONTROL_ERROR)),
    ("6.5.2", "SETTINGS_MAX_FRAME_SIZE below 2^14", settings((5, 16383)), connection_error(PROTOCOL_ERROR)),
    ("6.5.2", "SETTINGS_MAX_FRAME_SIZE above 2^24-1", settings((5, 1 << 24)), connection_error(PROTOCOL_ERROR)),
    ("6.5.2", "an unknown setting", settings((0xFF, 1)) + PING_OF_OURS, pongs()),
    ("6.5.3", "one setting twice: the last one counts", settings((4, 100), (4, 1)) + get(), responds()),
    ("6.5.3", "SETTINGS without ACK", settings(), acknowledges()),
    ("6.6", "PUSH_PROMISE of a client", opened() + frame(PUSH_PROMISE, END_HEADERS, 1, number(2) + BLOCK), connection_error(PROTOCOL_ERROR)),
    ("6.7", "PING", frame(PING, 0, 0, b"conforms"), pongs()),
    ("6.7", "an answer to no PING, and then a PING", frame(PING, ACK, 0, b"nobody's") + PING_OF_OURS, pongs()),
    ("6.7", "PING on a stream", frame(PING, 0, 1, b"conforms"), connection_error(PROTOCOL_ERROR)),
    ("6.7", "PING of 6 bytes", frame(PING, 0, 0, bytes(6)), connection_error(FRAME_SIZE_ERROR)),
    ("6.8", "GOAWAY on a stream", frame(GOAWAY, 0, 1, number(0) + number(0)), connection_error(PROTOCOL_ERROR)),
    ("6.8", "GOAWAY of 4 bytes", frame(GOAWAY, 0, 0, number(0)), connection_error(FRAME_SIZE_ERROR, PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, number(0)), connection_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 0 on a stream", opened() + frame(WINDOW_UPDATE, 0, 1, number(0)), stream_error(PROTOCOL_ERROR)),
    ("6.9", "WINDOW_UPDATE of 3 bytes", frame(WINDOW_UPDATE, 0, 0, bytes(3)), connection_error(FRAME_SIZE_ERROR)),
    ("6.9.1", "a window of the connection above 2^31-1", frame(WINDOW_UPDATE, 0, 0, number((1 << 31) - 1)) * 2, connection_error(FLOW_CONTROL_ERROR)),
    ("6.9.1", "a window of a stream above 2^31-1", opened() + frame(WINDOW_UPDATE, 0, 1, number((1 << 31) - 1)) * 2, stream_error(FLOW_CONTROL_ERROR)),
    ("6.9.2", "SETTINGS_INITIAL_WINDOW_SIZE that raises a window above 2^31-1", opened() + frame(WINDOW_UPDATE, 0, 1, number((1 << 31) - 65536)) + settings((4, 1 << 17)), stream_error(FLOW_CONTROL_ERROR)),
    ("6.9.2", "a window below zero, and a response without data", opened() + settings((4, 0)) + PING_OF_OURS, pongs()),
    ("6.10", "two frames of CONTINUATION", frame(HEADERS, END_STREAM, 1, BLOCK[:3]) + frame(CONTINUATION, 0, 1, BLOCK[3:7]) + frame(CONTINUATION, END_HEADERS, 1, BLOCK[7:]), responds()),
    ("6.10", "CONTINUATION, and then DATA", frame(HEADERS, 0, 1, BLOCK[:3]) + frame(CONTINUATION, 0, 1, BLOCK[3:7]) + frame(DATA, END_STREAM, 1, b"x"), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION on stream 0", frame(HEADERS, END_STREAM, 1, BLOCK[:3]) + frame(CONTINUATION, END_HEADERS, 0, BLOCK[3:]), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION behind HEADERS with END_HEADERS", get() + frame(CONTINUATION, END_HEADERS, 1, BLOCK), connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("6.10", "CONTINUATION behind CONTINUATION with END_HEADERS", frame(HEADERS, END_STREAM, 1, BLOCK[:3]) + frame(CONTINUATION, END_HEADERS, 1, BLOCK[3:]) + frame(CONTINUATION, END_HEADERS, 1, BLOCK), connection_error(PROTOCOL_ERROR, STREAM_CLOSED)),
    ("6.10", "CONTINUATION behind DATA", opened() + frame(DATA, 0, 1, b"") + frame(CONTINUATION, END_HEADERS, 1, BLOCK), connection_error(PROTOCOL_ERROR)),
    ("6.10", "CONTINUATION without end", frame(HEADERS, END_STREAM, 1, BLOCK) + frame(CONTINUATION, 0, 1, literal("x", "y" * 4000)) * 200, connection_error(ENHANCE_YOUR_CALM, PROTOCOL_ERROR, COMPRESSION_ERROR)),
    ("7", "GOAWAY with an unknown code", frame(GOAWAY, 0, 0, number(0) + number(0xFF)) + PING_OF_OURS,
     Wanted("the answer to PING, or the end", lambda f: f[:2] == (PING, ACK) or f[0] == GOAWAY, or_close=True)),
    ("7", "RST_STREAM with an unknown code", opened() + frame(RST_STREAM, 0, 1, number(0xFF)) + PING_OF_OURS, pongs()),

    ("8.1", "a second HEADERS without END_STREAM", headers(1, *POST, flags=END_HEADERS) + headers(1, ("x", "y"), flags=END_HEADERS), refusal(PROTOCOL_ERROR)),
    ("8.1.1", "content-length that is not the length of DATA", headers(1, *POST, ("content-length", "1"), flags=END_HEADERS) + frame(DATA, END_STREAM, 1, b"test"), refusal(PROTOCOL_ERROR)),
    ("8.1.1", "content-length that is not the sum of DATA", headers(1, *POST, ("content-length", "1"), flags=END_HEADERS) + frame(DATA, 0, 1, b"te") + frame(DATA, END_STREAM, 1, b"st"), refusal(PROTOCOL_ERROR)),
    ("8.1.1", "content-length, and no DATA", headers(1, *POST, ("content-length", "4")), refusal(PROTOCOL_ERROR)),
    ("8.2.1", "a field name in upper case", get(1, ("X-TEST", "ok")), refusal(PROTOCOL_ERROR)),
    *(("8.2.1", f"a field name with {text!r}", get(1, (name, "ok")), refusal(PROTOCOL_ERROR)) for text, name in (("a space", "x test"), ("a colon", "x:test"), ("NUL", "x\0test"), ("DEL", "x\x7ftest"), ("byte 0xff", b"x\xfftest"), ("nothing", ""))),
    *(("8.2.1", f"a field value with {text}", get(1, ("x-test", value)), refusal(PROTOCOL_ERROR)) for text, value in (("NUL", "a\0b"), ("CR", "a\rb"), ("LF", "a\nb"))),
    *(("8.2.2", f"the field {name}", get(1, (name, value)), refusal(PROTOCOL_ERROR)) for name, value in (("connection", "keep-alive"), ("proxy-connection", "keep-alive"), ("keep-alive", "timeout=5"), ("transfer-encoding", "chunked"), ("upgrade", "foo"), ("te", "trailers, deflate"))),
    ("8.2.2", "te: trailers is allowed", get(1, ("te", "trailers")), responds()),
    ("8.3", "an unknown pseudo-header", headers(1, *GET, (":test", "ok")), refusal(PROTOCOL_ERROR)),
    ("8.3", "the pseudo-header of responses", headers(1, *GET, (":status", "200")), refusal(PROTOCOL_ERROR)),
    ("8.3", "a pseudo-header in trailers", headers(1, *POST, flags=END_HEADERS) + headers(1, (":method", "POST")), refusal(PROTOCOL_ERROR)),
    ("8.3", "a pseudo-header behind a field", headers(1, *GET[:3], ("x-test", "ok"), GET[3]), refusal(PROTOCOL_ERROR)),
    ("8.3.1", "an empty :path", headers(1, *without(":path"), (":path", "")), refusal(PROTOCOL_ERROR)),
    *(("8.3.1", f"no {name}", headers(1, *without(name)), refusal(PROTOCOL_ERROR)) for name in (":method", ":scheme", ":path")),
    *(("8.3.1", f"{field[0]} twice", headers(1, *GET, field), refusal(PROTOCOL_ERROR)) for field in GET if field[0] != ":authority"),
    ("8.3.1", ":authority twice", headers(1, *GET, GET[2]), refusal(PROTOCOL_ERROR)),
    ("8.5", "CONNECT with :scheme and :path and no :protocol", headers(1, (":method", "CONNECT"), *GET[1:]), refusal(PROTOCOL_ERROR)),
    ("8.5", "CONNECT without :authority", headers(1, (":method", "CONNECT")), refusal(PROTOCOL_ERROR)),
    ("8.5", "fields behind the data of a tunnel", opened() + headers(1, ("x", "y")), stream_error(PROTOCOL_ERROR)),
    ("8.6", "no push: SETTINGS_ENABLE_PUSH of 0 and a request", settings((2, 0)) + get(), responds()),
    ("8.7", "a stream beyond the limit is refused and the connection goes on", get() + PING_OF_OURS, pongs()),

    ("RFC 8441 3", "the server offers SETTINGS_ENABLE_CONNECT_PROTOCOL", b"", "offers"),
    ("RFC 8441 4", "extended CONNECT", opened(), Wanted("a response of 200 without END_STREAM", lambda f: f[0] == HEADERS and status(f[3]) == b"200" and not f[1] & END_STREAM)),
    *(("RFC 8441 4", f"extended CONNECT without {name}", headers(1, *without(name, SOCKET), flags=END_HEADERS), refusal(PROTOCOL_ERROR)) for name in (":scheme", ":path")),
    ("RFC 8441 4", ":protocol with GET", headers(1, *GET, (":protocol", "websocket")), refusal(PROTOCOL_ERROR)),
    ("RFC 8441 4", ":protocol twice", headers(1, *SOCKET[:2], SOCKET[1], *SOCKET[2:], flags=END_HEADERS), refusal(PROTOCOL_ERROR)),
    ("RFC 8441 4", "an unknown protocol", headers(1, SOCKET[0], (":protocol", "nothing"), *SOCKET[2:], flags=END_HEADERS), Wanted("a response of 501", lambda f: f[0] == HEADERS and status(f[3]) == b"501")),
    ("RFC 8441 5", "END_STREAM ends the WebSocket's stream", opened() + frame(DATA, END_STREAM, 1, b"\x88\x82\0\0\0\0\x03\xe8"), Wanted("DATA with END_STREAM", lambda f: f[0] == DATA and f[1] & END_STREAM)),
    ("RFC 8441 5", "RST_STREAM CANCEL harms no other stream", opened(1) + opened(3) + frame(RST_STREAM, 0, 1, number(CANCEL)) + get(5), responds(5)),

    # HPACK (RFC 7541).
    ("hpack 2.3.3", "an index beyond the tables", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x82\x86\x84\xc6"), connection_error(COMPRESSION_ERROR)),
    ("hpack 2.3.3", "the index of a name beyond the tables", frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + b"\x7f\x20\x01x"), connection_error(COMPRESSION_ERROR)),
    ("hpack 4.2", "a size of the table in the middle of a block", frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + b"\x20"), connection_error(COMPRESSION_ERROR)),
    ("hpack 5.1", "a number without end", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\xff" + b"\xff" * 20), connection_error(COMPRESSION_ERROR)),
    ("hpack 5.2", "Huffman coding with a padding of more than 7 bits", frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + b"\0\x85\xf2\xb2\x4a\x84\xff\x84\x49\x50\x9f\xff"), connection_error(COMPRESSION_ERROR)),
    ("hpack 5.2", "Huffman coding padded by zeros", frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + b"\0\x85\xf2\xb2\x4a\x87\xff\x83\x49\x50\x90"), connection_error(COMPRESSION_ERROR)),
    ("hpack 5.2", "Huffman coding with EOS", frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + b"\0\x85\xf2\xb2\x4a\x84\xff\x84\xff\xff\xff\xff"), connection_error(COMPRESSION_ERROR)),
    ("hpack 6.1", "index 0", frame(HEADERS, END_HEADERS | END_STREAM, 1, BLOCK + b"\x80"), connection_error(COMPRESSION_ERROR)),
    ("hpack 6.3", "a size of the table above SETTINGS_HEADER_TABLE_SIZE", frame(HEADERS, END_HEADERS | END_STREAM, 1, b"\x3f\xe2\x1f" + BLOCK), connection_error(COMPRESSION_ERROR)),
]
