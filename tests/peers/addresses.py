"""Addresses on loopback."""

import contextlib
import random
import socket
import threading
from pathlib import Path

from failure import Failure


def sixth(address):
    """The same port on the IPv6 loopback address."""
    return address.replace("127.0.0.1", "[::1]")


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


given, lock = set(), threading.Lock()


def free_addresses(count):
    """Addresses whose ports nobody uses.

    They are not of the range from which the system takes ports for those who ask for any, and each is given once:
    until the peer binds its port, nobody else has it.
    """
    with lock:
        found = unused(count)
        given.update(found)
    return iter(found)


def unused(count):
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    for port in random.sample(range(10000, lowest), 100 * count):
        address = f"127.0.0.1:{port}"
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if address not in given:
                found.append(address)
        if len(found) == count:
            return found
    raise Failure(f"found {len(found)} free ports, wanted {count}")
