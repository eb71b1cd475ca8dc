"""squid with NTLM: ours says that it cannot answer, and answers what is offered beside it."""

from addresses import free_addresses

NTLM = """
    auth_param ntlm program /usr/lib/squid/ntlm_fake_auth
    auth_param ntlm children 1 startup=1 idle=1"""
NEEDS = ["/usr/lib/squid/ntlm_fake_auth"]


def checks(bed, run):
    addresses = free_addresses(2)
    ntlm, several = next(addresses), next(addresses)
    bed.squid_with("squid_ntlm", f"http_port {ntlm}\n{NTLM}")
    name = "squid_several"
    bed.squid_with(name, f"http_port {several}\n{NTLM}\n{bed.by_digest(name)}\n{bed.by_basic(name)}")
    bed.await_accepting("squid_ntlm", ntlm)
    bed.await_accepting("squid_several", several)
    greeter = f"tcp://{bed.greeter}"
    right, wrong = f"user:{bed.QUOTED}@", f"user:{bed.WRONG}@"
    told = "squid_several/access", f"CONNECT {bed.greeter} user "

    yield "squid, NTLM", lambda: run.refused(greeter, f"http://{right}{ntlm}", options=["--on-challenge"], says="407.*NTLM")
    for how, options in ("Basic first", []), ("on challenge", ["--on-challenge"]):
        yield f"squid, NTLM or Digest or Basic, {how}", lambda: run.tunnel(
            greeter, f"http://{right}{several}", options=options, log=told
        )
    yield "squid, NTLM or Digest or Basic, wrong password", lambda: run.refused(
        greeter, f"http://{wrong}{several}", options=["--on-challenge"], says="407.*refused the user or the password .Digest"
    )
