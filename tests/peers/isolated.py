#!/usr/bin/env python3
"""Runs a command where nothing leads out but what is named.

    isolated.py [ADDRESS...] -- COMMAND...

The command has a network namespace of its own, with a loopback interface and nothing else. Connections to one of
the ADDRESSes there, each "127.0.0.1:PORT", arrive at the same address here: its listeners are made inside, and
accepted from here. Everything else is refused, or has no route.
"""

import array
import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import threading

SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1


def outside(addresses, command):
    """Starts the command inside, and carries its connections to the addresses."""
    here, there = socket.socketpair()
    inside = subprocess.Popen(
        ["unshare", "--net", sys.executable, __file__, "--inside", str(there.fileno()), *addresses, "--", *command],
        pass_fds=[there.fileno()],
    )
    there.close()
    _, listeners, _, _ = socket.recv_fds(here, 1, len(addresses) + 1)
    for listener, address in zip(listeners, addresses):
        threading.Thread(target=accept, args=(socket.socket(fileno=listener), address), daemon=True).start()
    with contextlib.suppress(BrokenPipeError):
        here.send(b"1")
    return inside.wait()


def accept(listener, address):
    while True:
        near, _ = listener.accept()
        threading.Thread(target=relay, args=(near, address), daemon=True).start()


def relay(near, address):
    with near, contextlib.suppress(OSError), socket.create_connection(parsed(address)) as far:
        back = threading.Thread(target=copy, args=(far, near), daemon=True)
        back.start()
        copy(near, far)
        back.join()


def copy(source, sink):
    with contextlib.suppress(OSError):
        while received := source.recv(65536):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)


def inside(end, addresses, command):
    """Makes the listeners, hands them out, and becomes the command."""
    with socket.socket(fileno=end) as there:
        up("lo")
        listeners = [socket.create_server(parsed(address)) for address in addresses]
        socket.send_fds(there, [b"1"], [listener.fileno() for listener in listeners])
        there.recv(1)
    os.execvp(command[0], command)


def up(interface):
    """Switches a network interface on."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = array.array("B", struct.pack("16sh22x", interface.encode(), 0))
        fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        (flags,) = struct.unpack_from("h", request, 16)
        struct.pack_into("h", request, 16, flags | IFF_UP)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, request)


def parsed(address):
    host, port = address.split(":")
    return host, int(port)


if __name__ == "__main__":
    split = sys.argv.index("--")
    words, rest = sys.argv[1:split], sys.argv[split + 1 :]
    if words[:1] == ["--inside"]:
        inside(int(words[1]), words[2:], rest)
    sys.exit(outside(words, rest))
