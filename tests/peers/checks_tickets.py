"""Negotiate with a ticket in a company's domain: what the system has of the user who is logged in."""

import subprocess
import time
from pathlib import Path

import domain
from bed import ENVIRONMENT
from checks_domain import Ways
from corporate import PATIENCE, Corporate
from domain import REALM, USER, Domain
from failure import Failure

LIBCLANG = next(Path("/usr/lib").glob("llvm-*/lib/libclang*.so*"), Path("libclang.so"))
BUILT_WITH = ["/usr/include/gssapi/gssapi.h", LIBCLANG]
NEEDS = [*domain.NEEDS, *BUILT_WITH]
OURS = "--default-credentials"


def checks(bed, run):
    company = Domain(bed, "tickets").start(["negotiate", "four"])
    ways = Ways(bed, company)
    corporate = Corporate(bed, run, company)
    yield from tickets(bed, corporate, company, ways)
    yield from several(corporate, company, ways)


def tickets(bed, corporate, company, ways):
    """Negotiate with what the system has of the user."""
    hop = ways.via("negotiate")
    ticket = company.kinit("user")
    told = ways.told("negotiate", "Negotiate", f"{USER}@{REALM}")
    yield "ticket", lambda: corporate.opens(ways.wss, *hop, OURS, environment=ticket, log=told)
    yield "ticket, over TLS", lambda: corporate.opens(
        ways.wss, *ways.via("negotiate", tls=True), OURS, environment=ticket, log=told
    )
    yield "SOCKS, ticket", lambda: corporate.opens(
        ways.wss, *ways.socks, *hop, OURS, environment=ticket, log=told
    )
    yield "ticket, 50 at once", lambda: corporate.opens(
        ways.wss, *hop, OURS, environment=ticket, log=told, count=50
    )
    yield "ticket, by a keytab", lambda: corporate.opens(
        ways.wss, *hop, OURS, environment=company.client("of-a-keytab", keytab=company.user_keytab), log=told
    )
    yield "ticket, not asked for", lambda: corporate.refused(
        ways.wss, *hop, environment=ticket, says="407.*Negotiate"
    )
    yield "ticket, there is none", lambda: corporate.refused(
        ways.wss, *hop, OURS, environment=company.client("nothing"), says="407.*Negotiate.*ticket.*kinit"
    )
    yield "ticket, expired", lambda: corporate.refused(
        ways.wss, *hop, OURS, environment=expired(company), says="407.*Negotiate.*expired.*kinit"
    )
    yield "ticket, the proxy is not in the realm", lambda: corporate.refused(
        ways.wss, hop[0], hop[1].replace("localhost", "127.0.0.1"), OURS, environment=ticket,
        says="407.*Negotiate.*HTTP/127.0.0.1",
    )
    yield "ticket, the clock of the KDC is wrong", lambda: corporate.refused(
        ways.wss, *hop, OURS, environment={**company.kinit("fast"), "KRB5_CONFIG": str(company.fast_krb5_conf)},
        says="407.*Negotiate.*clock",
    )
    mute = company.write_krb5_conf("mute", bed.mute)
    yield "ticket, the KDC never answers", lambda: corporate.refused(
        ways.wss, *hop, OURS, "--patience", PATIENCE, environment={**company.kinit("mute"), "KRB5_CONFIG": str(mute)},
        says="timed out|KDC", within=4 * PATIENCE,
    )
    dead = company.write_krb5_conf("dead", bed.nobody)
    yield "ticket, there is no KDC", lambda: corporate.refused(
        ways.wss, *hop, OURS, environment={**company.kinit("dead"), "KRB5_CONFIG": str(dead)}, says="407.*Negotiate.*KDC"
    )
    yield "ticket, inside", lambda: corporate.opens(
        ways.wss, *hop, OURS, environment=ticket, inside=[company.plain["negotiate"], company.kdc], log=told
    )


def several(corporate, company, ways):
    """A ticket is stronger than all that a password is good for."""
    ticket, right = company.kinit("several"), ways.via("four", USER)
    told = ways.told("four", "Negotiate", f"{USER}@{REALM}")
    yield "ticket, four at once", lambda: corporate.opens(ways.wss, *ways.via("four"), OURS, environment=ticket, log=told)
    yield "ticket, four at once, and a password", lambda: corporate.opens(
        ways.wss, *right, OURS, "--on-challenge", environment=ticket, log=told
    )
    yield "ticket, four at once, over TLS", lambda: corporate.opens(
        ways.wss, *ways.via("four", tls=True), OURS, environment=ticket, log=told
    )
    yield "ticket, four at once, there is none, but a password", lambda: corporate.opens(
        ways.wss, *right, OURS, "--on-challenge", environment=company.client("nothing"),
        log=ways.told("four", "NTLM", rf"{domain.DOMAIN}\\\\{USER}"),
    )


def expired(company):
    """The environment of a client whose ticket was good for a second."""
    environment, deadline = company.kinit("expired", "-l", "1s"), time.monotonic() + 10
    while subprocess.run(["klist", "-s"], env={**ENVIRONMENT, **environment}).returncode == 0:
        if time.monotonic() > deadline:
            raise Failure("the ticket does not expire")
        time.sleep(0.1)
    time.sleep(2)  # to others it is good until the end of its last second
    return environment
