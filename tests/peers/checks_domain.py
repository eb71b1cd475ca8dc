"""squid in a company's domain: NTLM against winbindd, Negotiate against a KDC, and all that it may offer at once."""

from urllib.parse import quote

import domain
from bed import ENVIRONMENT
from corporate import Corporate
from domain import DOMAIN, PRINCIPAL, USER, Domain

NEEDS = [*domain.NEEDS, "cntlm"]
AT_ONCE = 200


def checks(bed, run):
    company = Domain(bed).start()
    ways = Ways(bed, company)
    corporate = Corporate(bed, run, company)
    yield "domain, the search for secrets", corporate.finds_secrets
    yield from by_curl(bed, run, company, ways)
    yield from ntlm(bed, corporate, company, ways)
    yield from several(bed, corporate, company, ways)
    yield from inside(bed, corporate, company, ways)


class Ways:
    """The hops and targets of these checks."""

    def __init__(self, bed, company):
        self.bed, self.company = bed, company
        self.ws = f"ws://{bed.our_websocket}/"
        self.wss = f"wss://{bed.our_websocket_tls}/".replace("127.0.0.1", "localhost")
        self.socks = ["--via", f"socks5h://{bed.microsocks}"]

    def via(self, name, user="", password=None, tls=False):
        """The option that names a squid, with who asks."""
        login = user and f"{quote(user)}:{password or self.bed.QUOTED}@"
        at = (self.company.tls if tls else self.company.plain)[name].replace("127.0.0.1", "localhost")
        return ["--via", f"{'https' if tls else 'http'}://{login}{at}"]

    def told(self, name, scheme, user, url=None):
        """What a squid's log tells of a tunnel for this user, who logged in by this scheme."""
        target = (url or self.wss).split("/")[2]
        return f"{self.company.name}_{name}/access", rf"CONNECT {target} {user} 200 {scheme}"


def by_curl(bed, run, company, ways):
    """The same as ours below, so that what fails there only is our fault."""
    https = f"https://{bed.nginx['rsa']}/".replace("127.0.0.1", "localhost")
    ticket = {**ENVIRONMENT, **company.kinit("curl")}
    for name, tls in ("NTLM", False), ("NTLM over TLS", True):
        proxy = ["-x", ways.via("ntlm", tls=tls)[1], "--proxy-cacert", bed.cert("ca"), "--proxy-ntlm"]
        yield f"curl, domain, {name}", lambda: run.curl(
            https, *proxy, "-U", f"{USER}:{bed.PASSWORD}", says="connect=200"
        )
        yield f"curl, domain, {name}, wrong password", lambda: run.curl(
            https, *proxy, "-U", f"{USER}:{bed.WRONG}", code=56, says="connect=407"
        )
    for user in rf"{DOMAIN}\{USER}", PRINCIPAL:
        yield f"curl, domain, NTLM, {user}", lambda: run.curl(
            https, "-x", ways.via("ntlm")[1], "--proxy-ntlm", "-U", f"{user}:{bed.PASSWORD}", says="connect=200"
        )
    yield "curl, domain, Negotiate", lambda: run.curl(
        https, "-x", ways.via("negotiate")[1], "--proxy-negotiate", "-U", ":", environment=ticket, says="connect=200"
    )
    for name in "four", "weak":
        yield f"curl, domain, {name} at once", lambda: run.curl(
            https, "-x", ways.via(name)[1], "--proxy-anyauth", "-U", f"{USER}:{bed.PASSWORD}", environment=ticket,
            says="connect=200",
        )


def ntlm(bed, corporate, company, ways):
    right, wrong = ways.via("ntlm", USER), ways.via("ntlm", USER, bed.WRONG)
    as_user = rf"{DOMAIN}\\\\{USER}"
    told = ways.told("ntlm", "NTLM", as_user)
    for how, options in ("Basic first", []), ("on challenge", ["--on-challenge"]):
        yield f"domain, NTLM, {how}", lambda: corporate.opens(ways.wss, *right, *options, log=told)
        yield f"domain, NTLM, {how}, wrong password", lambda: corporate.refused(
            ways.wss, *wrong, *options, says="407.*refused the user or the password.*NTLM"
        )
    yield "domain, NTLM, no password", lambda: corporate.refused(
        ways.wss, *ways.via("ntlm"), says="407.*NTLM.*no user and no password"
    )
    yield "domain, NTLM, ws", lambda: corporate.opens(
        ways.ws, *right, log=ways.told("ntlm", "NTLM", as_user, ways.ws)
    )
    yield "domain, NTLM, domain and user", lambda: corporate.opens(
        ways.wss, *ways.via("ntlm", rf"{DOMAIN}\{USER}"), log=told
    )
    yield "domain, NTLM, another domain", lambda: corporate.refused(
        ways.wss, *ways.via("ntlm", rf"ELSEWHERE\{USER}"), says="407.*refused the user or the password.*NTLM"
    )
    yield "domain, NTLM, user@domain", lambda: corporate.opens(
        ways.wss, *ways.via("ntlm", PRINCIPAL), log=ways.told("ntlm", "NTLM", rf"\S*{PRINCIPAL}")
    )
    yield "domain, NTLM over TLS", lambda: corporate.opens(ways.wss, *ways.via("ntlm", USER, tls=True), log=told)
    yield "domain, NTLM over TLS, wrong password", lambda: corporate.refused(
        ways.wss, *ways.via("ntlm", USER, bed.WRONG, tls=True), says="407.*refused the user or the password.*NTLM"
    )
    certified = right[1].replace("http:", "https:").replace(*(
        at["ntlm"].split(":")[1] for at in (company.plain, company.certified)
    ))
    identity = ["--proxy-cert", bed.cert("client"), "--proxy-key", bed.key("client")]
    yield "domain, client certificate, NTLM", lambda: corporate.opens(
        ways.wss, "--via", certified, *identity, log=told
    )
    yield "domain, no client certificate", lambda: corporate.refused(
        ways.wss, "--via", certified, says="hop 1 .*certificate"
    )
    yield "domain, SOCKS, NTLM", lambda: corporate.opens(ways.wss, *ways.socks, *right, log=told)
    yield "domain, SOCKS, NTLM over TLS", lambda: corporate.opens(
        ways.wss, *ways.socks, *ways.via("ntlm", USER, tls=True), log=told
    )
    yield "domain, NTLM, NTLM", lambda: corporate.opens(
        ways.wss, *ways.via("weak", USER), "--on-challenge", *right, log=told
    )
    yield f"domain, NTLM, {AT_ONCE} at once", lambda: corporate.opens(
        ways.wss, *right, "--on-challenge", log=told, count=AT_ONCE
    )
    yield "domain, NTLM inside Negotiate", lambda: corporate.refused(
        ways.wss, *ways.via("spnego", USER), says="407.*it offers Negotiate"
    )
    company.start_cntlm(company.plain["ntlm"])
    yield "domain, cntlm", lambda: corporate.opens(ways.wss, "--via", f"http://{company.cntlm}", log=told)
    yield "domain, SOCKS, cntlm", lambda: corporate.opens(
        ways.wss, *ways.socks, "--via", f"http://{company.cntlm}", log=told
    )


def several(bed, corporate, company, ways):
    """Of several schemes that are offered at once the strongest one is used for which there is something."""
    for name in "four", "weak":
        right, wrong = ways.via(name, USER), ways.via(name, USER, bed.WRONG)
        yield f"domain, {name} at once, password", lambda: corporate.opens(
            ways.wss, *right, "--on-challenge", log=ways.told(name, "NTLM", rf"{DOMAIN}\\\\{USER}")
        )
        yield f"domain, {name} at once, password, Basic first", lambda: corporate.opens(
            ways.wss, *right, log=ways.told(name, "Basic", USER)
        )
        yield f"domain, {name} at once, wrong password", lambda: corporate.refused(
            ways.wss, *wrong, "--on-challenge", says="407.*refused the user or the password"
        )
    yield "domain, four at once, nothing", lambda: corporate.refused(
        ways.wss, *ways.via("four"), says="407.*Basic.*Digest.*NTLM.*Negotiate"
    )


def inside(bed, corporate, company, ways):
    """In a network where only the proxy can be reached."""
    yield "domain, inside, direct", lambda: corporate.refused(
        ways.wss, inside=[company.plain["ntlm"]], says="refused|unreachable"
    )
    yield "domain, inside, NTLM", lambda: corporate.opens(
        ways.wss, *ways.via("ntlm", USER), inside=[company.plain["ntlm"]],
        log=ways.told("ntlm", "NTLM", rf"{DOMAIN}\\\\{USER}"),
    )
