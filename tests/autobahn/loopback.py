"""Autobahn's wstest (Python 2.7), which would listen on every interface, on loopback alone."""

import autobahntestsuite.choosereactor  # it must choose before anybody else imports a reactor
from twisted.internet import reactor

tcp, ssl = reactor.listenTCP, reactor.listenSSL


def listen_tcp(port, factory, backlog=50, interface="127.0.0.1"):
    return tcp(port, factory, backlog, "127.0.0.1")


def listen_ssl(port, factory, context, backlog=50, interface="127.0.0.1"):
    return ssl(port, factory, context, backlog, "127.0.0.1")


reactor.listenTCP, reactor.listenSSL = listen_tcp, listen_ssl

if __name__ == "__main__":
    from autobahntestsuite.wstest import run

    run()
