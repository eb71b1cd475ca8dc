"""curl through our proxies, and beside ours."""

import environment
from addresses import sixth
from ways import Ways


def checks(bed, run):
    ways = Ways(bed)
    yield "curl and ours, the proxy of the environment", lambda: environment.compare(run.folder / "environment")

    origin, page = bed.nginx["rsa"], "nginx TLSv1.3"
    https = f"https://{origin}/".replace("127.0.0.1", "localhost")
    socks4 = bed.our_socks
    yield "curl --socks4, our socks", lambda: run.curl(https, "--socks4", socks4, says=page)
    yield "curl --socks4a, our socks", lambda: run.curl(https, "--socks4a", socks4, says=page)
    yield "curl --socks4, our socks, nobody listens", lambda: run.curl(
        f"https://{bed.nobody}/", "--socks4", socks4, code=97, says=r"\(91\)"
    )
    yield "curl --socks4, our socks with a password", lambda: run.curl(
        https, "--socks4", bed.our_socks_auth, code=97, says="request rejected or failed"
    )

    socks, socks_auth = bed.our_socks, bed.our_socks_auth
    http, http_auth = f"http://{bed.our_connect}", f"http://{bed.our_connect_auth}"
    user, stranger = f"user:{bed.PASSWORD}", f"user:{bed.WRONG}"
    yield "curl, our socks5, name", lambda: run.curl(https, "--socks5-hostname", socks, says=page)
    yield "curl, our socks5, address", lambda: run.curl(https, "--socks5", socks, says=page)
    if bed.ipv6:
        yield "curl, our socks5, IPv6", lambda: run.curl(
            f"https://{sixth(origin)}/", "--socks5-hostname", socks, says=page
        )
        yield "curl, our CONNECT, IPv6", lambda: run.curl(f"https://{sixth(origin)}/", "-x", http, says=page)
    yield "curl, our socks5, password", lambda: run.curl(
        https, "--socks5-hostname", socks_auth, "--proxy-user", user, says=page
    )
    yield "curl, our socks5, wrong password", lambda: run.curl(
        https, "--socks5-hostname", socks_auth, "--proxy-user", stranger, code=97, says="rejected"
    )
    yield "curl, our socks5, no password", lambda: run.curl(
        https, "--socks5-hostname", socks_auth, code=97, says="authentication method"
    )
    yield "curl, our socks5, nobody listens", lambda: run.curl(
        f"https://{bed.nobody}/", "--socks5", socks, code=97, says=r"\(5\)"
    )
    yield "curl, our socks5, not loopback", lambda: run.curl(
        "https://192.0.2.1/", "--socks5", socks, code=97, says=r"\(2\)"
    )
    secure = f"https://{bed.our_connect_tls}".replace("127.0.0.1", "localhost")
    trust = ["--proxy-cacert", bed.cert("ca")]
    yield "curl, our CONNECT", lambda: run.curl(https, "-x", http, says=page)
    yield "curl, our CONNECT, Basic", lambda: run.curl(https, "-x", http_auth, "--proxy-user", user, says=page)
    yield "curl, our CONNECT, any scheme", lambda: run.curl(
        https, "-x", http_auth, "--proxy-user", user, "--proxy-anyauth", says=page
    )
    yield "curl, our CONNECT, Basic, wrong password", lambda: run.curl(
        https, "-x", http_auth, "--proxy-user", stranger, code=56, says="connect=407"
    )
    yield "curl, our CONNECT, Basic, no password", lambda: run.curl(
        https, "-x", http_auth, code=56, says="connect=407"
    )
    yield "curl, our CONNECT, nobody listens", lambda: run.curl(
        f"https://{bed.nobody}/", "-x", http, code=56, says="connect=50[234]"
    )
    yield "curl, our CONNECT, not loopback", lambda: run.curl(
        "https://192.0.2.1/", "-x", http, code=56, says="connect=403"
    )
    digest = f"http://{bed.our_connect_digest}"
    for how in "--proxy-digest", "--proxy-anyauth":
        yield f"curl {how}, our CONNECT, Digest", lambda h=how: run.curl(https, "-x", digest, "--proxy-user", user, h, says=page)
        yield f"curl {how}, our CONNECT, Digest, wrong password", lambda h=how: run.curl(
            https, "-x", digest, "--proxy-user", stranger, h, code=56, says="connect=407"
        )
    yield "curl, our CONNECT over TLS, Basic", lambda: run.curl(
        https, "-x", secure, *trust, "--proxy-user", user, says=page
    )
    yield "curl, our socks5, our CONNECT", lambda: run.curl(
        https, "--preproxy", f"socks5h://{socks}", "-x", http, says=page
    )
    yield "curl, our socks5, our CONNECT, passwords", lambda: run.curl(
        https, "--preproxy", f"socks5h://user:{bed.QUOTED}@{socks_auth}", "-x", http_auth,
        "--proxy-user", user, says=page,
    )
    yield "curl, our socks5, squid over TLS", lambda: run.curl(
        https, "--preproxy", f"socks5h://{socks}", "-x", ways.squid(scheme="https"), *trust,
        "--proxy-user", user, says=page,
    )
