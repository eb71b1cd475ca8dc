"""Negotiate from a password in a company's domain: no ticket, and nothing of the system's Kerberos."""

import domain
from checks_domain import Ways
from corporate import PATIENCE, Corporate
from domain import REALM, USER, Domain

NEEDS = domain.NEEDS


def checks(bed, run):
    company = Domain(bed, "kerberos").start(["negotiate", "four"])
    ways = Ways(bed, company)
    corporate = Corporate(bed, run, company)
    known = f"{USER}@{REALM}"
    right, wrong = ways.via("negotiate", known), ways.via("negotiate", known, bed.WRONG)
    kdc = ["--kdc", company.kdc]
    told = ways.told("negotiate", "Negotiate", known)

    yield "kerberos, password", lambda: corporate.opens(ways.wss, *right, *kdc, log=told)
    yield "kerberos, password, realm before the user", lambda: corporate.opens(
        ways.wss, *ways.via("negotiate", rf"{REALM}\{USER}"), *kdc, log=told
    )
    yield "kerberos, password, over TLS", lambda: corporate.opens(
        ways.wss, *ways.via("negotiate", known, tls=True), *kdc, log=told
    )
    yield "kerberos, SOCKS, password", lambda: corporate.opens(ways.wss, *ways.socks, *right, *kdc, log=told)
    yield "kerberos, password, 50 at once", lambda: corporate.opens(ways.wss, *right, *kdc, log=told, count=50)
    yield "kerberos, four at once, password", lambda: corporate.opens(
        ways.wss, *ways.via("four", known), *kdc, log=ways.told("four", "Negotiate", known)
    )
    yield "kerberos, wrong password", lambda: corporate.refused(ways.wss, *wrong, *kdc, says=f"wrong password of {known}")
    yield "kerberos, unknown user", lambda: corporate.refused(
        ways.wss, *ways.via("negotiate", f"nobody@{REALM}"), *kdc, says=f"knows no user nobody@{REALM}"
    )
    yield "kerberos, the proxy is not in the realm", lambda: corporate.refused(
        ways.wss, right[0], right[1].replace("localhost", "127.0.0.1"), *kdc, says="knows no service HTTP/127.0.0.1"
    )
    yield "kerberos, the clock of the KDC is wrong", lambda: corporate.refused(
        ways.wss, *right, "--kdc", company.fast_kdc, says="its clock says .* that of the KDC says"
    )
    # Not over TLS, as its certificates are not yet valid.
    yield "kerberos, our clock is wrong", lambda: corporate.opens(
        ways.ws, *right, *kdc, log=ways.told("negotiate", "Negotiate", known, ways.ws), environment={**company.client(), **company.at_another_time("-2h")}
    )
    yield "kerberos, the KDC never answers", lambda: corporate.refused(
        ways.wss, *right, "--kdc", bed.mute, "--patience", PATIENCE, says=f"{bed.mute}|timed out", within=6 * PATIENCE
    )
    yield "kerberos, there is no KDC", lambda: corporate.refused(
        ways.wss, *right, "--kdc", bed.nobody, says=f"{bed.nobody}.*refused"
    )
    yield "kerberos, what answers is no KDC", lambda: corporate.refused(
        ways.wss, *right, "--kdc", bed.greeter, says=f"407.*Negotiate.*{bed.greeter}"
    )
    yield "kerberos, inside, password", lambda: corporate.opens(
        ways.wss, *right, *kdc, inside=[company.plain["negotiate"], company.kdc], log=told
    )
