"""Frames of HTTP/2 written by hand, a connection that reads them, and what may come back."""

import socket
import ssl
import struct
import time

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, PRIORITIZED = 1, 1, 4, 8, 32
(
    NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, FLOW_CONTROL_ERROR, SETTINGS_TIMEOUT, STREAM_CLOSED, FRAME_SIZE_ERROR,
    REFUSED_STREAM, CANCEL, COMPRESSION_ERROR, CONNECT_ERROR, ENHANCE_YOUR_CALM, INADEQUATE_SECURITY, HTTP_1_1_REQUIRED,
) = range(14)
LIMIT = 3  # seconds for an answer


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *pair) for pair in pairs))


def number(value):
    return struct.pack(">I", value)


def literal(name, value):
    """A field without indexing and without Huffman coding (RFC 7541 §6.2.2)."""

    def text(data):
        data = data.encode() if isinstance(data, str) else data
        if len(data) < 127:
            return bytes([len(data)]) + data
        rest, out = len(data) - 127, b"\x7f"
        while rest >= 128:
            out, rest = out + bytes([rest % 128 + 128]), rest // 128
        return out + bytes([rest]) + data

    return b"\0" + text(name) + text(value)


def block(*fields):
    return b"".join(literal(*field) for field in fields)


def headers(stream, *fields, flags=END_HEADERS | END_STREAM):
    return frame(HEADERS, flags, stream, block(*fields))


class Connection:
    """A connection to a server, or from a client, with the frames that came."""

    def __init__(self, sock, preface=False):
        sock.settimeout(0.1)
        self.sock, self.buffer, self.closed = sock, b"", False
        self.skip = len(PREFACE) if preface else 0

    def send(self, data):
        self.sock.settimeout(LIMIT)
        try:
            self.sock.sendall(data)
        except OSError:
            pass  # what the peer said before is still read
        self.sock.settimeout(0.1)

    def frames(self, limit=LIMIT):
        """Yields (kind, flags, stream, payload), and None when nothing more came in time or the peer closed."""
        until = time.monotonic() + limit
        while True:
            if self.skip and len(self.buffer) >= self.skip:
                self.buffer, self.skip = self.buffer[self.skip:], 0
            if not self.skip and len(self.buffer) >= 9:
                length = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + length:
                    kind, flags, stream = struct.unpack(">BBI", self.buffer[3:9])
                    payload, self.buffer = self.buffer[9:9 + length], self.buffer[9 + length:]
                    yield kind, flags, stream & 0x7FFFFFFF, payload
                    continue
            if self.closed or time.monotonic() > until:
                yield None
                return
            try:
                received = self.sock.recv(65536)
                self.closed = not received
                self.buffer += received
            except TimeoutError:
                pass
            except OSError:
                self.closed = True

    def wait(self, wanted, limit=LIMIT):
        """Reads until a frame is wanted; returns it, or None."""
        for one in self.frames(limit):
            if one is None or wanted(one):
                return one


def dial(address, ca=None):
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), LIMIT)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if ca:
        context = ssl.create_default_context(cafile=ca)
        context.set_alpn_protocols(["h2"])
        sock = context.wrap_socket(sock, server_hostname="localhost")
        if sock.selected_alpn_protocol() != "h2":
            raise OSError(f"ALPN chose {sock.selected_alpn_protocol()}")
    return Connection(sock)


class Wanted:
    """What must come back: one of these frames, or the end of the connection."""

    def __init__(self, name, matches, or_close=False):
        self.name, self.matches, self.or_close = name, matches, or_close

    def judge(self, connection):
        """Returns None, or what came instead."""
        seen = []
        for one in connection.frames():
            if one is None:
                if connection.closed and self.or_close:
                    return None
                return f"saw {', '.join(seen) or 'nothing'}{' and the end' if connection.closed else ''}"
            if self.matches(one):
                return None
            seen.append(shown(one))


def shown(one):
    kind, flags, stream, payload = one
    names = "DATA HEADERS PRIORITY RST_STREAM SETTINGS PUSH_PROMISE PING GOAWAY WINDOW_UPDATE CONTINUATION".split()
    name = names[kind] if kind < len(names) else f"type {kind}"
    code = {GOAWAY: payload[4:8], RST_STREAM: payload[:4]}.get(kind)
    return f"{name}({stream}, flags {flags:#x})" + (f" with code {int.from_bytes(code, 'big')}" if code else "")


def code_of(one):
    kind, _, _, payload = one
    return {GOAWAY: payload[4:8], RST_STREAM: payload[:4]}.get(kind)


def connection_error(*codes):
    """GOAWAY with one of the codes, or the end of the connection (RFC 9113 §5.4.1)."""
    allowed = [number(code) for code in codes]
    return Wanted(f"GOAWAY {codes} or the end", lambda f: f[0] == GOAWAY and code_of(f) in allowed, or_close=True)


def stream_error(*codes):
    """RST_STREAM or GOAWAY with one of the codes, or the end (RFC 9113 §5.4.2: it may be made a connection error)."""
    allowed = [number(code) for code in codes]
    return Wanted(
        f"RST_STREAM or GOAWAY {codes}, or the end",
        lambda f: f[0] in (GOAWAY, RST_STREAM) and code_of(f) in allowed, or_close=True,
    )


def refusal(*codes):
    """A stream error, or a response with a status of 4xx: HTTP's own way to refuse a malformed request."""
    error = stream_error(*codes)

    def matches(one):
        return error.matches(one) or (one[0] == HEADERS and status(one[3])[:1] == b"4")

    return Wanted(f"{error.name}, or a response of 4xx", matches, or_close=True)


def responds(stream=1):
    return Wanted(f"HEADERS on stream {stream}", lambda f: f[0] == HEADERS and f[2] == stream)


def pongs(data=b"conforms"):
    return Wanted("the answer to PING", lambda f: f[:2] == (PING, ACK) and f[3] == data)


def acknowledges():
    return Wanted("the acknowledgement of SETTINGS", lambda f: f[:2] == (SETTINGS, ACK))


STATUSES = {8: b"200", 9: b"204", 10: b"206", 11: b"304", 12: b"400", 13: b"404", 14: b"500"}


def status(fields):
    """The status in a block of fields that begins with it: indexed, or a literal."""
    while fields[:1] and fields[0] & 0xE0 == 0x20:
        fields = fields[1:]  # the size of the dynamic table
    if not fields:
        return b""
    if fields[0] & 0x80:
        return STATUSES.get(fields[0] & 0x7F, b"")
    size = fields[1] if len(fields) > 1 else 0
    return huffman_digits(fields[2:2 + (size & 0x7F)]) if size & 0x80 else fields[2:2 + size]


def huffman_digits(data):
    """Decodes digits (RFC 7541 Appendix B)."""
    codes = {"00000": "0", "00001": "1", "00010": "2"} | {f"{25 + n - 3:06b}": str(n) for n in range(3, 10)}
    bits, word, text = "".join(f"{byte:08b}" for byte in data), "", ""
    for bit in bits:
        word += bit
        if word in codes:
            text, word = text + codes[word], ""
    return text.encode()
