"""How haproxy and nghttpx are started, in front of servers and proxies."""

from pathlib import Path

from addresses import free_addresses


class Fronts:
    """A part of the bed: the peers that need another behind them."""

    def start_fronts(self):
        """The peers that speak HTTP/2 for the servers and proxies behind them, in cleartext and over TLS."""
        behind = {
            "echo": self.echo["python-websockets"],
            "squid": self.squid,
            "our_websocket": self.our_websocket,
            "our_websocket_tls": self.our_websocket_tls,
        }
        more = {"http1": behind["echo"], "squid_basic": self.squid_basic, "our_connect": self.our_connect}
        behind_haproxy = {**behind, **more}
        headers = {
            "v1": ("our_proxied", "send-proxy"),
            "v2": ("our_proxied", "send-proxy-v2"),
            "v2_more": ("our_proxied", "send-proxy-v2-ssl-cn proxy-v2-options unique-id,crc32c"),
            "v2_tls": ("our_proxied_tls", "ssl verify none send-proxy-v2 proxy-v2-options unique-id"),
        }
        addresses = free_addresses(2 * len(behind) + 2 * len(behind_haproxy) + len(headers))
        self.haproxy_headers = {name: next(addresses) for name in headers}
        self.nghttpx, self.nghttpx_tls = ({name: next(addresses) for name in behind} for _ in range(2))
        self.haproxy, self.haproxy_tls = ({name: next(addresses) for name in behind_haproxy} for _ in range(2))
        self.start_haproxy(behind_haproxy, headers)
        self.start_nghttpx(behind)
        for address in (*self.haproxy.values(), *self.haproxy_tls.values(), *self.haproxy_headers.values()):
            self.await_accepting("haproxy", address)
        for name in behind:
            self.await_accepting(f"nghttpx-{name}", self.nghttpx[name])
            self.await_accepting(f"nghttpx-{name}", self.nghttpx_tls[name])

    def start_haproxy(self, behind, headers):
        """One haproxy, which speaks HTTP/2 with our WebSocket servers and HTTP/1.1 with all others.

        Before our servers that read the header of the PROXY protocol, it carries bytes and says for whom.
        """
        identity, config = self.folder / "haproxy.pem", self.folder / "haproxy.cfg"
        identity.write_text(Path(self.cert("server")).read_text() + Path(self.key("server")).read_text())
        ours = {"our_websocket": "proto h2", "our_websocket_tls": f"ssl alpn h2 ca-file {self.cert('ca')}"}
        sections = ""
        for name, address in behind.items():
            alpn = "http/1.1" if name == "http1" else "h2,http/1.1"
            sections += f"""
                frontend {name}
                    bind {self.haproxy[name]}
                    bind {self.haproxy_tls[name]} ssl crt {identity} alpn {alpn}
                    default_backend {name}
                backend {name}
                    server {name} {address} {ours.get(name, "")}"""
        for name, (server, options) in headers.items():
            tls = f"ssl crt {identity}" if name == "v2_more" else ""
            sections += f"""
                frontend header_{name}
                    mode tcp
                    option tcplog
                    unique-id-format haproxy-{name}
                    bind {self.haproxy_headers[name]} {tls}
                    default_backend header_{name}
                backend header_{name}
                    mode tcp
                    server {name} {getattr(self, server)} {options}"""
        config.write_text(f"""
            global
                log stdout format raw local0
                maxconn 200
            defaults
                mode http
                log global
                log-format "%f %HM %HU %HV %ST"
                timeout connect 5s
                timeout client 60s
                timeout server 60s
                timeout tunnel 60s
            {sections}\n""")
        self.start("haproxy", "haproxy", "-db", "-f", config)

    def start_nghttpx(self, behind):
        """An nghttpx for each server behind, since what is behind cannot depend on the port in front."""
        protocols = {"our_websocket": "h2", "our_websocket_tls": "h2;tls;sni=localhost"}
        for name, address in behind.items():
            front, front_tls, back = (
                address.replace(":", ",") for address in (self.nghttpx[name], self.nghttpx_tls[name], address)
            )
            self.start(
                f"nghttpx-{name}", "nghttpx", "--conf=/dev/null", "--single-process", "--no-ocsp",
                f"--frontend={front};no-tls", f"--frontend={front_tls}",
                f"--backend={back};;proto={protocols.get(name, 'http/1.1')}", f"--cacert={self.cert('ca')}",
                "--accesslog-file=/dev/stdout", "--accesslog-format=$request $status",
                *(["--http2-proxy"] if name == "squid" else []), self.key("server"), self.cert("server"),
            )
