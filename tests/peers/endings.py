"""A TLS server whose connections end as the request's path says:  endings.py CERT KEY

    /clean      close_notify, then FIN
    /truncate   FIN without close_notify
    /midrecord  half of a record, then FIN

Each answers first with one line, "the body of PATH".
"""

import socket
import ssl
import sys
import threading


def main(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    listener = socket.create_server(("127.0.0.1", 0))
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(context, connection), daemon=True).start()


def serve(context, connection):
    # Over memory, because only there a record can be cut in two.
    wire_in, wire_out = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(wire_in, wire_out, server_side=True)

    def step(operation, *arguments):
        while True:
            try:
                return operation(*arguments)
            except ssl.SSLWantReadError:
                connection.sendall(wire_out.read())
                received = connection.recv(65536)
                if not received:
                    raise EOFError from None
                wire_in.write(received)

    try:
        step(tls.do_handshake)
        path = step(tls.read).split()[1].decode()
        tls.write(f"the body of {path}\n".encode())
        connection.sendall(wire_out.read())
        if path == "/clean":
            try:
                tls.unwrap()
            except ssl.SSLWantReadError:
                pass
            connection.sendall(wire_out.read())
        elif path == "/midrecord":
            tls.write(b"never whole " * 40)
            record = wire_out.read()
            connection.sendall(record[: len(record) // 2])
        connection.shutdown(socket.SHUT_WR)
        # Closing with bytes unread would send a reset, which may overtake the end just sent.
        while connection.recv(65536):
            pass
    except (OSError, EOFError) as error:
        print("ended", repr(error), flush=True)
    finally:
        connection.close()


main(*sys.argv[1:])
