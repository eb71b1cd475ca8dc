"""Addresses on loopback."""

import contextlib
import random
import socket
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


def free_addresses(count):
    """Addresses whose ports nobody uses.

    They are not of the range from which the system takes ports for those who ask for any: until
    the peer binds its port, it cannot be given away.
    """
    lowest = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    found = []
    for port in random.sample(range(10000, lowest), 100 * count):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(f"127.0.0.1:{port}")
        if len(found) == count:
            return iter(found)
    raise Failure(f"found {len(found)} free ports, wanted {count}")
