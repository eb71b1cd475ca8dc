#!/usr/bin/env python3
"""Puts a server or a client to the test with the cases of RFC 9113, RFC 8441 and RFC 7541:

    check.py server ADDRESS [--ca FILE]      a server over cleartext, or over TLS with ALPN
    check.py client PROGRAM                  our program `pipe`, whose proxy is played here

Prints each case that does not come out as wanted, then how many did, and ends non-zero if another
one failed than those in `known.tsv`, or if one of these passed.
"""

import argparse
import concurrent.futures
import socket
import subprocess
import sys
from pathlib import Path

import client_cases
import server_cases
from wire import *

HERE = Path(__file__).resolve().parent


def to_server(address, ca, case, raw):
    """Returns None, or what came instead of what was wanted."""
    _, _, sent, wanted = case
    connection = dial(address, ca)
    with connection.sock:
        if raw:
            connection.send(sent)
            return wanted.judge(connection)
        connection.send(PREFACE + settings())
        greeting = connection.wait(lambda f: f[:2] == (SETTINGS, 0))
        if greeting is None:
            return "the server sent no SETTINGS"
        if wanted == "offers":
            return None if struct.pack(">HI", 8, 1) in greeting[3] else f"saw SETTINGS {greeting[3].hex()}"
        connection.send(frame(SETTINGS, ACK))
        # The acknowledgement of these SETTINGS is none of an answer.
        connection.wait(lambda f: f[:2] == (SETTINGS, ACK))
        connection.send(sent)
        return wanted.judge(connection)


def to_client(program, case, greets):
    """Plays the proxy of one run of our program. Returns None, or what came instead."""
    _, _, sent, wanted = case
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        at = "127.0.0.1:%d" % listener.getsockname()[1]
        process = subprocess.Popen(
            [program, "tcp://target.test:1", "--via", f"h2c://{at}"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            sock, _ = listener.accept()
            with sock:
                connection = Connection(sock, preface=True)
                connection.send(sent if greets else settings())
                if greets:
                    return wanted.judge(connection)
                greeting = connection.wait(lambda f: f[:2] == (SETTINGS, 0))
                if wanted == "no push":
                    return None if struct.pack(">HI", 2, 0) in greeting[3] else f"saw SETTINGS {greeting[3].hex()}"
                if connection.wait(lambda f: f[0] == HEADERS) is None:
                    return "the client sent no request"
                connection.send(frame(SETTINGS, ACK) + sent)
                return wanted.judge(connection)
        finally:
            process.kill()
            process.stdin.close()
            process.wait()


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("side", choices=["server", "client"])
    arguments.add_argument("peer", help="the address of the server, or the client's program")
    arguments.add_argument("--ca", help="the certificate that signed the server's: speak TLS")
    asked = arguments.parse_args()
    if asked.side == "server":
        jobs = [(case, lambda c=case: to_server(asked.peer, asked.ca, c, True)) for case in server_cases.RAW]
        jobs += [(case, lambda c=case: to_server(asked.peer, asked.ca, c, False)) for case in server_cases.CASES]
    else:
        jobs = [(case, lambda c=case: to_client(asked.peer, c, True)) for case in client_cases.GREETINGS]
        jobs += [(case, lambda c=case: to_client(asked.peer, c, False)) for case in client_cases.CASES]
    known = dict(
        (tuple(line.split("\t")[:3]), line.split("\t")[3])
        for line in (HERE / "known.tsv").read_text().splitlines() if line and not line.startswith("#")
    )
    passed, surprises, failed = 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(24) as pool:
        results = [(case, pool.submit(job)) for case, job in jobs]
        for (section, title, _, wanted), result in results:
            came = result.result()
            why = known.pop((asked.side, section, title), None)
            if came is None:
                passed += 1
                if why is not None:
                    surprises += 1
                    print(f"PASSED  {section}: {title}, which known.tsv says fails")
                continue
            failed += 1
            name = wanted if isinstance(wanted, str) else wanted.name
            if why is None:
                surprises += 1
                print(f"FAILED  {section}: {title}: {came}, wanted {name}")
            else:
                print(f"known   {section}: {title}: {came}, wanted {name}: {why}")
    print(f"{len(jobs)} cases, {passed} as wanted, {failed} not: {failed} known" if not surprises else
          f"{len(jobs)} cases, {passed} as wanted, {failed} not, {surprises} unexpected")
    return surprises != 0


if __name__ == "__main__":
    sys.exit(main())
