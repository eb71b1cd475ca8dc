"""netcat and proxychains4: clients of our SOCKS and CONNECT proxies."""

from programs import PAYLOAD
from targets import GREETING

NEEDS = ["nc", "proxychains4"]


def checks(bed, run):
    host, port = bed.greeter.split(":")
    nowhere = bed.nobody.split(":")
    wanted = GREETING + PAYLOAD

    # netcat: each of its ways, to an address, a name, and to where it cannot go.
    for name, way, refused, forbidden in (
        ("SOCKS5", ["-X", "5", "-x", bed.our_socks], "Connection refused", "not allowed by ruleset"),
        ("SOCKS4", ["-X", "4", "-x", bed.our_socks], "rejected or failed", "rejected or failed"),
        ("CONNECT", ["-X", "connect", "-x", bed.our_connect], '"HTTP/1.. 50[234]', '"HTTP/1.. 403'),
    ):
        yield f"nc, our proxy, {name}", lambda: run.echoed("nc", "-N", *way, host, port, wanted=wanted)
        yield f"nc, our proxy, {name}, to a name", lambda: run.echoed("nc", "-N", *way, "localhost", port, wanted=wanted)
        if bed.ipv6 and name != "SOCKS4":
            yield f"nc, our proxy, {name}, IPv6", lambda: run.echoed("nc", "-N", *way, "::1", port, wanted=wanted)
        yield f"nc, our proxy, {name}, nobody listens", lambda: run.fails("nc", *way, *nowhere, says=refused)
        yield f"nc, our proxy, {name}, not loopback", lambda: run.fails("nc", *way, "192.0.2.1", "80", says=forbidden)
    yield "nc, our CONNECT, no password", lambda: run.fails(
        "nc", "-X", "connect", "-x", bed.our_connect_auth, host, port, says="407|authentication"
    )
    yield "nc, our socks5, no password", lambda: run.fails(
        "nc", "-X", "5", "-x", bed.our_socks_auth, host, port, says="authentication method"
    )

    # proxychains: netcat and curl through one proxy, and through several.
    chains = {
        "our socks5": [("socks5", bed.our_socks, "")],
        "our socks5, password": [("socks5", bed.our_socks_auth, bed.PASSWORD)],
        "our socks4": [("socks4", bed.our_socks, "")],
        "our CONNECT": [("http", bed.our_connect, "")],
        "our CONNECT, Basic": [("http", bed.our_connect_auth, bed.PASSWORD)],
        "our socks5, our CONNECT, our socks4": [
            ("socks5", bed.our_socks_auth, bed.PASSWORD), ("http", bed.our_connect_auth, bed.PASSWORD),
            ("socks4", bed.our_socks, ""),
        ],
        "squid, our socks5, microsocks": [
            ("http", bed.squid, ""), ("socks5", bed.our_socks_auth, bed.PASSWORD), ("socks5", bed.microsocks, ""),
        ],
        "our socks4, dante, our CONNECT": [
            ("socks4", bed.our_socks, ""), ("socks5", bed.dante, ""), ("http", bed.our_connect_auth, bed.PASSWORD),
        ],
    }
    https = f"https://{bed.nginx['rsa']}/".replace("127.0.0.1", "localhost")
    for name, chain in chains.items():
        command, way = proxychains(bed, chain)
        yield f"nc, proxychains, {name}", lambda: run.echoed(
            *command, "nc", "-N", host, port, wanted=wanted, says=rf"{way}  \.\.\.  {bed.greeter}  \.\.\.  OK"
        )
        yield f"curl, proxychains, {name}", lambda: run.prints(
            *command, "curl", "-sS", "--cacert", bed.cert("ca"), https, says="^nginx TLSv1.3"
        )
    for name, chain in (
        ("our socks5, wrong password", [("socks5", bed.our_socks_auth, bed.WRONG)]),
        ("our CONNECT, wrong password", [("http", bed.our_connect_auth, bed.WRONG)]),
        ("our socks5, no password", [("socks5", bed.our_socks_auth, "")]),
    ):
        command, way = proxychains(bed, chain)
        yield f"nc, proxychains, {name}", lambda: run.fails(
            *command, "nc", host, port, says=rf"{way}  \.\.\.  {bed.greeter} <--(denied|socket error)"
        )


def proxychains(bed, chain):
    """The first words of a command through a chain of (kind, address, password), and how it tells of them."""
    config = bed.folder / f"proxychains-{sum(1 for _ in bed.folder.glob('proxychains-*'))}.conf"
    hops = [
        " ".join([kind, *address.split(":"), *(["user", password] if password else [])]) for kind, address, password in chain
    ]
    config.write_text("strict_chain\nproxy_dns\n[ProxyList]\n" + "\n".join(hops) + "\n")
    way = "  ...  ".join(address for _, address, _ in chain)
    return ["proxychains4", "-f", config], way.replace(".", r"\.")
