"""The settings of a desktop, GNOME's and KDE's, which name the company's squid."""

import domain
from checks_domain import Ways
from checks_pac import served
from corporate import Corporate
from domain import DOMAIN, USER, Domain

NEEDS = [*domain.NEEDS, "gsettings"]


def checks(bed, run):
    company = Domain(bed, "settings").start(["ntlm"])
    ways = Ways(bed, company)
    corporate = Corporate(bed, run, company)
    at = company.plain["ntlm"].replace("127.0.0.1", "localhost")
    host, port = at.split(":")
    script = f'function FindProxyForURL() {{ return "PROXY {at}"; }}'
    pac = f"http://{served(bed, {'/proxy.pac': script})[1]}/proxy.pac"
    ours = ["--system-proxy", "--proxy-user", f"{USER}:{bed.PASSWORD}", "--on-challenge"]
    wss = f"wss://ntlm.peers.test:{bed.our_websocket_tls.split(':')[1]}/"
    told = ways.told("ntlm", "NTLM", rf"{DOMAIN}\\\\{USER}", wss)

    def gnome(name, mode, more=""):
        folder = company.folder / name / "glib-2.0/settings"
        folder.mkdir(parents=True)
        (folder / "keyfile").write_text(f"[system/proxy]\nmode='{mode}'\n{more}")
        return {
            "XDG_CURRENT_DESKTOP": "GNOME", "XDG_CONFIG_HOME": company.folder / name, "GSETTINGS_BACKEND": "keyfile"
        }

    def kde(name, kind, more):
        folder = company.folder / name
        folder.mkdir()
        (folder / "kioslaverc").write_text(f"[Proxy Settings]\nProxyType={kind}\n{more}")
        return {"XDG_CURRENT_DESKTOP": "KDE", "XDG_CONFIG_HOME": folder}

    by_hand = f"[system/proxy/https]\nhost='{host}'\nport={port}\n"
    dead = f"[system/proxy/https]\nhost='127.0.0.1'\nport={bed.nobody.split(':')[1]}\n"
    environments = {
        "GNOME, by hand": lambda: gnome("gnome", "manual", by_hand),
        "GNOME, a PAC file": lambda: gnome("gnome-pac", "auto", f"autoconfig-url='{pac}'\n"),
        "KDE, by hand": lambda: kde("kde", 1, f"httpsProxy=http://{host} {port}\n"),
        "KDE, a PAC file": lambda: kde("kde-pac", 2, f"Proxy Config Script={pac}\n"),
        "GNOME, the environment is before it": lambda: {
            **gnome("gnome-environment", "manual", dead), "https_proxy": f"http://{at}"
        },
    }
    for name, environment in environments.items():
        yield f"settings, {name}", lambda: corporate.opens(
            wss, *ours, environment={**company.client(), **environment()}, log=told
        )
    yield "settings, GNOME, its proxy is dead", lambda: corporate.refused(
        wss, *ours, environment={**company.client(), **gnome("gnome-dead", "manual", dead)}, says=f"{bed.nobody}.*refused"
    )
    yield "settings, GNOME, direct", lambda: corporate.opens(
        ways.wss, *ours, environment={**company.client(), **gnome("gnome-direct", "none")}
    )
