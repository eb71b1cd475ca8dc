"""Plain servers of our own, at the far end of tunnels."""

import socket
import socketserver

GREETING = b"the server speaks first\r\n"
ECHOED = 256 * 1024  # bytes that a check sends to a greeter


class Greeter(socketserver.BaseRequestHandler):
    """Speaks first, then echoes."""

    def handle(self):
        self.request.sendall(GREETING)
        while received := self.request.recv(65536):
            self.request.sendall(received)


class Datagram(socketserver.BaseRequestHandler):
    """Sends a datagram back, with who sent it."""

    def handle(self):
        data, listener = self.request
        listener.sendto(b"%s, sent by port %d" % (data, self.client_address[1]), self.client_address)


class Leaver(socketserver.BaseRequestHandler):
    """Speaks first, then echoes what a check sends, and ends without waiting for its end."""

    def handle(self):
        self.request.sendall(GREETING)
        left = ECHOED
        while left and (received := self.request.recv(left)):
            self.request.sendall(received)
            left -= len(received)


class Mute(socketserver.BaseRequestHandler):
    """Takes everything and says nothing."""

    def handle(self):
        while self.request.recv(65536):
            pass


class Counter(socketserver.BaseRequestHandler):
    """Answers, after the end of what it receives, how much that was."""

    def handle(self):
        count = 0
        while received := self.request.recv(65536):
            count += len(received)
        self.request.sendall(b"%d bytes\n" % count)


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """A client that goes away is its own check's matter."""


class ListenerIPv6(Listener):
    address_family = socket.AF_INET6
