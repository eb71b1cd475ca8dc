"""PAC in a company's domain: some hosts through squid, some through SOCKS, some direct, and a proxy of it is dead."""

import base64
import http.server

import checks_tickets
import domain
from checks_domain import Ways
from corporate import PATIENCE, Corporate
from domain import DOMAIN, USER, Domain
from failure import Failure

NEEDS = checks_tickets.NEEDS
ENDLESS = "function FindProxyForURL(url, host) { while (true) {} }"


def checks(bed, run):
    company = Domain(bed, "pac").start(["ntlm", "negotiate", "four"])
    ways = Ways(bed, company)
    corporate = Corporate(bed, run, company)
    script = written(bed, company)
    pages, address = served(bed, {"/proxy.pac": script, "/broken.pac": "function Find", "/endless.pac": ENDLESS})
    path = company.folder / "proxy.pac"
    path.write_text(script)
    encoded = base64.b64encode(script.encode()).decode()
    pac = ["--pac", f"http://{address}/proxy.pac"]
    user = ["--proxy-user", f"{USER}:{bed.PASSWORD}", "--on-challenge"]
    ticket = company.kinit("pac")
    as_user, as_principal = rf"{DOMAIN}\\\\{USER}", f"{USER}@{domain.REALM}"
    port = bed.our_websocket_tls.split(":")[1]

    def wss(host):
        return f"wss://{host}:{port}/secret-path?secret-query"

    def told(name, scheme, user, host):
        return ways.told(name, scheme, user, wss(host))

    yield "pac, direct", lambda: corporate.opens(wss("127.0.0.1"), *pac)
    yield "pac, direct by the script", lambda: corporate.opens(wss("127.0.0.1"), *pac, "--also-for-local")
    yield "pac, SOCKS", lambda: corporate.opens(
        wss("localhost"), *pac, "--also-for-local", log=("microsocks", rf"connected to \S+:{port}")
    )
    for name, address_of in ("", f"http://{address}/proxy.pac"), (", file", f"file://{path}"), (
        ", data", f"data:application/x-ns-proxy-autoconfig;base64,{encoded}"
    ):
        yield f"pac{name}, squid, NTLM", lambda: corporate.opens(
            wss("ntlm.peers.test"), "--pac", address_of, *user,
            log=told("ntlm", "NTLM", as_user, "ntlm.peers.test"),
        )
    yield "pac, squid, NTLM, wrong password", lambda: corporate.refused(
        wss("ntlm.peers.test"), *pac, "--proxy-user", f"{USER}:{bed.WRONG}", "--on-challenge",
        says="407.*refused the user or the password.*NTLM",
    )
    yield "pac, squid, ticket", lambda: corporate.opens(
        wss("ticket.peers.test"), *pac, "--default-credentials", environment=ticket,
        log=told("negotiate", "Negotiate", as_principal, "ticket.peers.test"),
    )
    yield "pac, squid, four at once", lambda: corporate.opens(
        wss("four.peers.test"), *pac, "--default-credentials", *user, environment=ticket,
        log=told("four", "Negotiate", as_principal, "four.peers.test"),
    )
    yield "pac, a dead proxy, squid", lambda: corporate.opens(
        wss("dead.peers.test"), *pac, *user, log=told("ntlm", "NTLM", as_user, "dead.peers.test")
    )
    yield "pac, dead proxies only", lambda: corporate.refused(
        wss("lost.peers.test"), *pac, *user, says=f"hop 1 .*{bed.nobody}.*refused"
    )
    yield "pac, it is shown no path and no query", lambda: hidden(pages, bed, corporate, wss, pac)
    for name, page, says in (
        ("cannot be had", "missing.pac", "404"),
        ("does not parse", "broken.pac", "broken.pac"),
        ("never ends", "endless.pac", "endless.pac"),
    ):
        yield f"pac, it {name}", lambda: corporate.refused(
            wss("ntlm.peers.test"), "--pac", f"http://{address}/{page}", says=says, within=15
        )
    yield "pac, its server is dead", lambda: corporate.refused(
        wss("ntlm.peers.test"), "--pac", f"http://{bed.nobody}/proxy.pac", says=f"{bed.nobody}.*refused"
    )
    yield "pac, its server never answers", lambda: corporate.refused(
        wss("ntlm.peers.test"), "--pac", f"http://{bed.mute}/proxy.pac", "--patience", PATIENCE,
        says="timed out", within=4 * PATIENCE,
    )
    yield "pac, broken, and direct is allowed", lambda: corporate.opens(
        wss("127.0.0.1"), "--pac", f"http://{address}/broken.pac", "--direct-if-broken", "--also-for-local"
    )
    # What all of this is for.
    inside = [address, company.plain["ntlm"]]
    yield "pac, inside, NTLM", lambda: corporate.opens(
        wss("ntlm.peers.test"), *pac, *user, inside=inside, log=told("ntlm", "NTLM", as_user, "ntlm.peers.test")
    )
    yield "pac, inside, NTLM, without the PAC", lambda: corporate.refused(
        wss("ntlm.peers.test"), *user, inside=inside, says="ntlm.peers.test"
    )
    inside = [address, company.plain["negotiate"], company.kdc]
    yield "pac, inside, ticket", lambda: corporate.opens(
        wss("ticket.peers.test"), *pac, "--default-credentials", environment=ticket, inside=inside,
        log=told("negotiate", "Negotiate", as_principal, "ticket.peers.test"),
    )


def written(bed, company):
    """The script of the company."""
    at = {name: company.plain[name].replace("127.0.0.1", "localhost") for name in ("ntlm", "negotiate", "four")}
    return f"""
        // The ways out of the company.
        function FindProxyForURL(url, host) {{
            if (url.indexOf("secret") !== -1) return "PROXY {bed.nobody}";
            if (isPlainHostName(host)) return "SOCKS5 {bed.microsocks}";
            if (isInNet(host, "127.0.0.0", "255.0.0.0")) return "DIRECT";
            if (shExpMatch(host, "dead.*")) return "PROXY {bed.nobody}; PROXY {at["ntlm"]}";
            if (shExpMatch(host, "lost.*")) return "PROXY {bed.nobody}; HTTPS {bed.nobody}";
            if (host === "ticket.peers.test") return "PROXY {at["negotiate"]}";
            if (host === "four.peers.test") return "PROXY {at["four"]}";
            if (dnsDomainIs(host, ".peers.test")) return "PROXY {at["ntlm"]}";
            return "PROXY {bed.nobody}";
        }}
        """


def hidden(pages, bed, corporate, wss, pac):
    """The script above sends who shows it "secret" to a dead proxy; and its server saw no such path."""
    told = corporate.opens(wss("127.0.0.1"), *pac, "--also-for-local")
    if wrong := [path for path in pages.asked if "secret" in path]:
        raise Failure(f"its server was asked for {wrong}")
    return f"{told}; its server was asked for {len(pages.asked)} pages"


def served(bed, pages):
    """Starts a server of these pages; returns what it was asked for, and its address."""

    class Pages(http.server.BaseHTTPRequestHandler):
        asked = []

        def do_GET(self):
            self.asked.append(self.path)
            page = pages.get(self.path)
            content = (page or "there is no such page").encode()
            self.send_response(200 if page else 404)
            self.send_header("Content-Type", "application/x-ns-proxy-autoconfig")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            """Says nothing."""

    return Pages, bed.listen(Pages)
