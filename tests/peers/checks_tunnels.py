"""Tunnels of ours through the proxies of others, and TLS to their servers."""

from addresses import sixth
from ways import Ways, tls


def checks(bed, run):
    ways = Ways(bed)
    right, wrong = ways.right, ways.wrong
    greeter, nobody, named = ways.greeter, ways.nobody, ways.named
    ca, tunnelled_as_user = ways.ca, ways.tunnelled_as_user

    # To a server that greets first and then echoes.
    port = bed.greeter.split(":")[1]
    reached = ("microsocks", f"connected to \\S+:{port}")
    reached_auth = ("microsocks_auth", f"connected to \\S+:{port}")
    tunnelled = ("squid/access", f"CONNECT {bed.greeter} - ")

    yield "direct", lambda: run.tunnel(greeter)
    yield "direct, half-close", lambda: run.half_close(f"tcp://{bed.counter}")
    yield "microsocks", lambda: run.tunnel(greeter, ways.microsocks(), log=reached)
    yield "microsocks, name", lambda: run.tunnel(named, ways.microsocks(), log=reached)
    if bed.ipv6:
        yield "microsocks, IPv6", lambda: run.tunnel(sixth(greeter), ways.microsocks(), log=reached)
    yield "microsocks, password", lambda: run.tunnel(greeter, ways.microsocks(right), log=reached_auth)
    yield "microsocks, wrong password", lambda: run.refused(greeter, ways.microsocks(wrong), says="socks")
    yield "microsocks, no password", lambda: run.refused(
        greeter, f"socks5h://{bed.microsocks_auth}", says="socks"
    )
    yield "microsocks, nobody listens", lambda: run.refused(nobody, ways.microsocks(), says="socks.*refused")
    yield "squid", lambda: run.tunnel(greeter, ways.squid(), log=tunnelled)
    yield "squid, Basic", lambda: run.tunnel(greeter, ways.squid(right), log=tunnelled_as_user)
    yield "squid, Basic, wrong password", lambda: run.refused(greeter, ways.squid(wrong), says="407")
    yield "squid, Basic, no password", lambda: run.refused(
        greeter, f"http://{bed.squid_basic}", says="407"
    )
    yield "squid, nobody listens", lambda: run.refused(nobody, ways.squid(), says="503")
    yield "squid over TLS, Basic", lambda: run.tunnel(
        greeter, ways.squid(right, "https"), options=ca, log=tunnelled_as_user
    )
    yield "squid over TLS, unknown CA", lambda: run.refused(
        greeter, ways.squid(right, "https"), says="certificate"
    )
    yield "tinyproxy", lambda: run.tunnel(greeter, ways.tinyproxy(), log=("tinyproxy", f"CONNECT {bed.greeter}"))
    yield "tinyproxy, Basic", lambda: run.tunnel(
        greeter, ways.tinyproxy("user:secret@"), log=("tinyproxy_basic", f"CONNECT {bed.greeter}")
    )
    yield "tinyproxy, Basic, wrong password", lambda: run.refused(greeter, ways.tinyproxy(wrong), says="401")

    # Ours to the TLS servers of others.
    identity = ["--cert", bed.cert("client"), "--key", bed.key("client")]
    for version, number in ("TLSv1.2", "2"), ("TLSv1.3", "3"):
        other = {"2": "--tls13", "3": "--tls12"}[number]
        nginx, openssl = bed.nginx[version], bed.openssl[version]
        yield f"nginx, {version} only", lambda: run.https(tls(nginx), *ca, says=f"nginx {version} ")
        yield f"nginx, {version} only, we want another", lambda: run.refused(
            tls(nginx), options=[*ca, other], says="protocol.?version"
        )
        yield f"nginx, {version}, client certificate", lambda: run.https(
            tls(bed.nginx["client"]), *ca, *identity, f"--tls1{number}",
            says=f"nginx {version} .*client=CN=test-client",
        )
        yield f"openssl s_server, {version} only", lambda: run.reverse(tls(openssl), *ca)
    yield "nginx, by address", lambda: run.https(f"tls://{bed.nginx['rsa']}", *ca, says="nginx TLS")
    yield "nginx, no client certificate", lambda: run.https(tls(bed.nginx["client"]), *ca, says="400 ")
    yield "nginx, unknown CA", lambda: run.refused(tls(bed.nginx["rsa"]), says="certificate")
    yield "nginx, certificate for another name", lambda: run.refused(
        tls(bed.nginx["wrong"]), options=ca, says="certificate is not accepted: it is for .*, wanted localhost"
    )
    yield "nginx, expired certificate", lambda: run.refused(
        tls(bed.nginx["expired"]), options=ca, says="certificate.*expired"
    )
    yield "openssl s_server, client certificate", lambda: run.reverse(
        tls(bed.openssl["client"]), *ca, *identity
    )
    yield "openssl s_server, no client certificate", lambda: run.refused(
        tls(bed.openssl["client"]), options=ca, says="certificate.?required"
    )
    for number in "23":
        for path, code in ("clean", 0), ("truncate", 1), ("midrecord", 1):
            yield f"python ssl, TLSv1.{number}, {path} end", lambda: run.ending(
                tls(bed.endings), f"/{path}", code, *ca, f"--tls1{number}"
            )

    # Digest, a proxy that leaves after its 407, and several routes.
    for name, proxy in ("squid", bed.squid_digest), ("squid that leaves", bed.squid_digest_leaving):
        known, guessed = f"http://{right}{proxy}", f"http://{wrong}{proxy}"
        for how, options in ("Basic first", []), ("on challenge", ["--on-challenge"]):
            yield f"{name}, Digest, {how}", lambda: run.tunnel(greeter, known, options=options)
            yield f"{name}, Digest, {how}, wrong password", lambda: run.refused(
                greeter, guessed, options=options, says=r"hop 1 \(http://.*407.*refused the user or the password .Digest"
            )
        yield f"{name}, Digest, no password", lambda: run.refused(
            greeter, f"http://{proxy}", says="407.*it offered Digest, and there is no user and no password"
        )
    yield "ours, our CONNECT, Digest", lambda: run.tunnel(
        greeter, f"http://{right}{bed.our_connect_digest}", options=["--on-challenge"]
    )
    dead, mute, live = f"http://{bed.nobody}", f"http://{bed.mute}", ways.squid()
    yield "a dead proxy, a mute one, squid", lambda: run.tunnel(
        greeter, dead, options=["--or-via", mute, "--or-via", live, "--patience", "1"]
    )
    yield "a dead proxy, a mute one", lambda: run.refused(
        greeter, dead, options=["--or-via", mute, "--patience", "1"],
        says=r"all 2 routes.*hop 1.*refused.*timed out after 1 s while waiting for the CONNECT response, 0 bytes received",
    )

    # SOCKS4, BIND and UDP ASSOCIATE; ours through the proxies of others and through our own.
    for name, proxy in ("dante", bed.dante), ("our socks", bed.our_socks):
        yield f"{name}, SOCKS5", lambda p=proxy: run.tunnel(greeter, f"socks5h://{p}")
        yield f"{name}, SOCKS4", lambda p=proxy: run.tunnel(greeter, f"socks4://me@{p}")
        if name != "dante":  # which refuses SOCKS4a, of curl too
            yield f"{name}, SOCKS4a", lambda p=proxy: run.tunnel(named, f"socks4a://me@{p}")
        yield f"{name}, SOCKS4, nobody listens", lambda p=proxy: run.refused(nobody, f"socks4://{p}", says="socks.*9[1-3]")
        yield f"{name}, BIND", lambda p=proxy: run.called(p, "--from", "127.0.0.1")
        yield f"{name}, SOCKS4, BIND", lambda p=proxy: run.called(p, "--from", "127.0.0.1", "--socks4", "me")
        for how, target in ("address", bed.echo_udp), ("name", bed.echo_udp.replace("127.0.0.1", "localhost")):
            yield f"{name}, a datagram to an {how}".replace("an name", "a name"), lambda p=proxy, t=target: run.shows(
                "socks_udp", f"socks5h://{p}", t, "hello", says=rf"^hello, sent by port \d+ from {bed.echo_udp}$"
            )

    # The header of the PROXY protocol.
    from_loopback = r"v{} from 127\.0\.0\.1:\d+ to 127\.0\.0\.1:{}"
    for name, version, options in (
        ("v1", 1, ""), ("v2", 2, ""), ("v2_more", 2, "haproxy-v2_more.*TLSv1.3"), ("v2_tls", 2, "haproxy-v2_tls")
    ):
        address = bed.haproxy_headers[name]
        secure = name == "v2_more"
        url = tls(address) if secure else f"tcp://{address}"
        facts = from_loopback.format(version, address.split(":")[1])
        yield f"haproxy, PROXY header {name}, ours", lambda u=url, f=facts, o=options, n=name: run.proxied(
            u, *(ca if n == "v2_more" else []),
            log="our_proxied_tls" if n == "v2_tls" else "our_proxied", says=f"{o}.*proxy-header: open \\({f}\\)",
        )
    for version in "v1", "v2":
        yield f"nginx, our PROXY header {version}", lambda v=version: run.shows(
            "proxy_protocol", "get", bed.nginx["proxied"], v, "192.0.2.1:4711", says=r"^from 192\.0\.2\.1:4711$"
        )
