#!/usr/bin/env python3
"""A company's domain on loopback: a KDC, a winbindd, and the proxies that ask them.

    tests/peers/domain.py

starts it by hand, tells how each of its proxies is asked by curl, and ends it at Ctrl-C or at the end of its input.
Everything that it makes is in a temporary folder; it needs root, as squid's helpers do.

The realm is PEERS.TEST, the domain of NTLM is PEERBOX, the user is `user`, the proxies' name is `localhost`.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from addresses import free_addresses

REALM, DOMAIN, USER, PRINCIPAL = "PEERS.TEST", "PEERBOX", "user", "user@peers.test"
NSS_WRAPPER = next(iter(Path("/usr/lib").glob("*/libnss_wrapper.so")), Path("libnss_wrapper.so"))
NTLM_AUTH, HELPERS = "/usr/bin/ntlm_auth", Path("/usr/lib/squid")
NEEDS = ["krb5kdc", "kadmin.local", "kinit", "winbindd", "smbpasswd", NTLM_AUTH, HELPERS / "negotiate_kerberos_auth",
         "faketime", NSS_WRAPPER, "unshare", "root"]
# What a company's squid writes of a login: the first letters of what the client sent, which name the scheme.
FORMAT = "logformat peers %>a %rm %ru %[un %>Hs %.12{Proxy-Authorization}>h"


class Domain:
    """The domain; its attributes are the addresses of its proxies, "127.0.0.1:PORT"."""

    isolated = Path(__file__).resolve().parent / "isolated.py"
    # Of each squid: the schemes that it offers, in its order.
    SQUIDS = {
        "ntlm": ["ntlm"], "negotiate": ["negotiate"], "four": ["basic", "digest", "ntlm", "negotiate"],
        "weak": ["basic", "digest", "ntlm"], "spnego": ["spnego"],
    }

    def __init__(self, bed, name="domain"):
        self.bed, self.name, self.folder = bed, name, bed.folder / name
        self.folder.mkdir(mode=0o755)
        addresses = free_addresses(2 + 3 * len(self.SQUIDS))
        self.kdc, self.fast_kdc = next(addresses), next(addresses)
        self.plain = {name: next(addresses) for name in self.SQUIDS}
        self.tls = {name: next(addresses) for name in self.SQUIDS}
        self.certified = {name: next(addresses) for name in self.SQUIDS}
        self.samba = self.folder / "samba"
        self.hosts = self.folder / "hosts"
        self.hosts.write_text("127.0.0.1 localhost ntlm.peers.test ticket.peers.test four.peers.test dead.peers.test\n")  # as the proxies see them

    def start(self, squids=SQUIDS):
        """Starts it, with these of the proxies, and waits until all of it answers."""
        self.start_kdc()
        self.start_winbindd()
        for name in squids:
            self.start_squid(name, self.SQUIDS[name])
        for name in squids:
            self.bed.await_accepting(f"{self.name}_{name}", self.plain[name])
        return self

    # Kerberos

    def start_kdc(self):
        """Two KDCs over one database, with their keytabs: the clock of the second one is two hours fast."""
        (self.folder / "kdc").mkdir(mode=0o700)
        self.krb5_conf = self.write_krb5_conf("right", self.kdc)
        self.fast_krb5_conf = self.write_krb5_conf("fast", self.fast_kdc)
        self.proxy_keytab, self.user_keytab = self.folder / "proxy.keytab", self.folder / "user.keytab"
        commands = {
            "kdc": ["krb5kdc"], "fast_kdc": ["faketime", "-f", "+2h", "krb5kdc"],
        }
        for name in commands:
            self.write_kdc_conf(name)
        environment = self.kdc_environment("kdc")
        made = {"env": {**os.environ, **environment}, "check": True, "capture_output": True}
        subprocess.run(["kdb5_util", "-r", REALM, "create", "-s", "-P", "of-the-database"], **made)
        for query in (
            f"addprinc -pw {self.bed.PASSWORD} +requires_preauth {USER}",
            "addprinc -randkey HTTP/localhost",
            f"ktadd -k {self.proxy_keytab} HTTP/localhost",
            f"ktadd -norandkey -k {self.user_keytab} {USER}",
        ):
            subprocess.run(["kadmin.local", "-r", REALM, "-q", query], **made)
        self.proxy_keytab.chmod(0o644)  # squid reads it as another user
        for name, command in commands.items():
            words = [f"{key}={value}" for key, value in self.kdc_environment(name).items()]
            pid = self.folder / f"{name}.pid"
            self.bed.start(f"{self.name}-{name}", "env", *words, *command, "-n", "-r", REALM, "-P", pid)
        for name in commands:
            self.bed.await_accepting(f"{self.name}-{name}", getattr(self, name))

    def kdc_environment(self, name):
        return {"KRB5_CONFIG": str(self.krb5_conf), "KRB5_KDC_PROFILE": str(self.folder / f"{name}.kdc.conf")}

    def write_kdc_conf(self, name):
        address = getattr(self, name)
        (self.folder / f"{name}.kdc.conf").write_text(f"""
[kdcdefaults]
    kdc_listen = {address}
    kdc_tcp_listen = {address}
[realms]
    {REALM} = {{
        key_stash_file = {self.folder}/kdc/stash
        acl_file = {self.folder}/kdc/acl
        supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal
    }}
[dbmodules]
    {REALM} = {{
        db_library = db2
        database_name = {self.folder}/kdc/principal
        disable_last_success = true
        disable_lockout = true
    }}
[logging]
    kdc = STDERR
""")

    def write_krb5_conf(self, name, kdc):
        """A client's settings, whose KDC is at this address; returns their file."""
        path = self.folder / f"{name}.krb5.conf"
        # It is asked over TCP, and no name is looked up.
        path.write_text(f"""
[libdefaults]
    default_realm = {REALM}
    dns_lookup_realm = false
    dns_lookup_kdc = false
    dns_canonicalize_hostname = false
    rdns = false
    udp_preference_limit = 1
[realms]
    {REALM} = {{
        kdc = {kdc}
    }}
[domain_realm]
    localhost = {REALM}
    127.0.0.1 = {REALM}
    .peers.test = {REALM}
""")
        return path

    def client(self, cache="none", krb5_conf=None, keytab=None):
        """The environment of a client, whose tickets are in a cache of this name, or whose key is in a keytab."""
        return {
            "KRB5_CONFIG": str(krb5_conf or self.krb5_conf),
            "KRB5CCNAME": f"FILE:{self.folder}/{cache}.cache",
            "KRB5_CLIENT_KTNAME": f"FILE:{keytab or self.folder / 'no.keytab'}",
        }

    def keys(self):
        """The keys that are made of the user's password, in hexadecimal digits."""
        told = subprocess.run(
            [*self.samba_environment(), "pdbedit", "-s", self.smb_conf, "-L", "-w", "-u", USER], check=True,
            capture_output=True, text=True,
        ).stdout
        of_ntlm = told.split(":")[3]
        told = subprocess.run(["klist", "-k", "-K", self.user_keytab], check=True, capture_output=True, text=True).stdout
        return [of_ntlm.lower(), of_ntlm, *re.findall(r"\(0x([0-9a-f]+)\)", told)]

    def at_another_time(self, when):
        """The environment of a program whose clock is wrong by so much."""
        library = next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
        # What waits, waits by the clock that goes on.
        return {"LD_PRELOAD": str(library), "FAKETIME": when, "DONT_FAKE_MONOTONIC": "1"}

    def kinit(self, cache, *options):
        """Gets the user's ticket into the cache of this name; returns the environment that uses it."""
        environment = self.client(cache)
        command = ["kinit", *options, USER]
        subprocess.run(
            command, env={**os.environ, **environment}, input=f"{self.bed.PASSWORD}\n".encode(), check=True,
            capture_output=True,
        )
        return environment

    # NTLM

    def start_winbindd(self):
        """A winbindd that knows one user, by its own database of passwords.

        Neither /etc/passwd nor /run has anything of it: libnss_wrapper, with which Samba tests itself, names the
        user, and has the program take another folder for its socket.
        """
        samba = self.samba
        samba.mkdir(mode=0o755)
        for name in ("state", "cache", "lock", "private", "run", "ncalrpc", "socket"):
            (samba / name).mkdir(mode=0o755)
        privileged = samba / "state/winbindd_privileged"
        privileged.mkdir()
        privileged.chmod(0o750)
        if os.geteuid() == 0:
            shutil.chown(privileged, group="proxy")
        accounts = samba / "passwd"
        # The second name is how Active Directory takes `user@domain`: whole, as a user without a domain.
        more = [f"{user}:x:{54321 + i}:54321::/nonexistent:/usr/sbin/nologin\n" for i, user in enumerate((USER, PRINCIPAL))]
        accounts.write_text(Path("/etc/passwd").read_text() + "".join(more))
        groups = samba / "group"
        groups.write_text(Path("/etc/group").read_text() + f"{USER}:x:54321:\n")
        self.smb_conf = samba / "smb.conf"
        self.smb_conf.write_text(f"""
[global]
    workgroup = PEERS
    netbios name = {DOMAIN}
    server role = standalone server
    interfaces = lo
    bind interfaces only = yes
    disable netbios = yes
    state directory = {samba}/state
    cache directory = {samba}/cache
    lock directory = {samba}/lock
    private dir = {samba}/private
    pid directory = {samba}/run
    ncalrpc dir = {samba}/ncalrpc
    winbindd socket directory = {samba}/socket
    log file = {samba}/log.%m
    passdb backend = tdbsam:{samba}/private/passdb.tdb
    ntlm auth = ntlmv2-only
    winbind max clients = 1000
    load printers = no
    rpc start on demand helpers = no
""")
        password = f"{self.bed.PASSWORD}\n" * 2
        for user in USER, PRINCIPAL:
            subprocess.run(
                [*self.samba_environment(), "smbpasswd", "-c", self.smb_conf, "-s", "-a", user], input=password.encode(),
                check=True, capture_output=True,
            )
        self.bed.start(
            f"{self.name}-winbindd", *self.samba_environment(), "winbindd", "-F", "--no-process-group", "--debug-stdout",
            "-s", self.smb_conf,
        )
        self.bed.await_start(f"{self.name}-winbindd", lambda: (samba / "socket/pipe").exists() and (privileged / "pipe").exists())

    def samba_environment(self):
        """The words before a command of Samba."""
        return [
            "/usr/bin/env", f"LD_PRELOAD={NSS_WRAPPER}", f"NSS_WRAPPER_PASSWD={self.samba}/passwd",
            f"NSS_WRAPPER_GROUP={self.samba}/group", f"SELFTEST_WINBINDD_SOCKET_DIR={self.samba}/socket",
        ]

    def ntlm_auth(self, protocol):
        return " ".join(map(str, [*self.samba_environment(), NTLM_AUTH, f"--configfile={self.smb_conf}", f"--helper-protocol={protocol}"]))

    # The proxies

    def start_squid(self, name, schemes):
        """A squid that offers these schemes in this order: plain, over TLS, and to those with a certificate."""
        bed, squid = self.bed, f"{self.name}_{name}"
        kerberos = f"{HELPERS}/negotiate_kerberos_auth -k {self.proxy_keytab} -s HTTP/localhost@{REALM}"
        lines = {
            "basic": bed.by_basic(squid),
            "digest": bed.by_digest(squid),
            "ntlm": f"""
                auth_param ntlm program {self.ntlm_auth("squid-2.5-ntlmssp")}
                auth_param ntlm children 20 startup=2 idle=2 queue-size=400""",
            "negotiate": f"""
                auth_param negotiate program {kerberos}
                auth_param negotiate children 10 startup=1 idle=1 queue-size=400""",
        }
        # NTLM inside Negotiate, as Active Directory has it.
        lines["spnego"] = lines["ntlm"].replace("param ntlm", "param negotiate").replace("squid-2.5-ntlmssp", "gss-spnego")
        identity = f"tls-cert={bed.cert('server')} tls-key={bed.readable('server.key')}"
        offered = "\n".join(lines[scheme] for scheme in schemes)
        bed.squid_with(squid, f"""
            http_port {self.plain[name]}
            https_port {self.tls[name]} {identity}
            https_port {self.certified[name]} {identity} clientca={bed.cert("ca")}
            hosts_file {self.hosts}
            {FORMAT}
            {offered}
            """, environment={"KRB5_CONFIG": self.krb5_conf, "KRB5RCACHENAME": "none:"}, format="peers")

    def start_cntlm(self, proxy):
        """A cntlm, which asks nothing of its clients and logs in at this proxy by NTLMv2."""
        self.cntlm = next(free_addresses(1))
        config = self.folder / "cntlm.conf"
        config.write_text(
            f"Username {USER}\nDomain {DOMAIN}\nPassword {self.bed.PASSWORD}\nAuth NTLMv2\n"
            f"Proxy {proxy}\nListen {self.cntlm}\n"
        )
        config.chmod(0o600)
        self.bed.start(f"{self.name}-cntlm", "cntlm", "-f", "-v", "-c", config)
        self.bed.await_accepting(f"{self.name}-cntlm", self.cntlm)


def main():
    from bed import Bed, HERE

    with tempfile.TemporaryDirectory(prefix="domain.") as folder:
        bed = Bed(Path(folder), None)
        try:
            Path(folder).chmod(0o755)
            subprocess.run([HERE / "certs.sh", bed.folder / "certs"], check=True)
            domain = Domain(bed).start()
            tell(bed, domain)
            sys.stdin.read()
        except KeyboardInterrupt:
            pass
        finally:
            bed.__exit__()


def tell(bed, domain):
    from targets import Greeter

    target, password = bed.listen(Greeter), shlex.quote(f"{USER}:{bed.PASSWORD}")
    environment = domain.kinit("user")
    print(f"folder   {bed.folder} (logs: *.log, domain_*/access.log)")
    print(f"ca       {bed.cert('ca')}")
    print(f"target   {target} greets and echoes")
    print(f"user     {USER}, password {bed.PASSWORD}, realm {REALM}, NTLM domain {DOMAIN}")
    print(f"kdc      {domain.kdc}; two hours fast: {domain.fast_kdc}; keytab {domain.user_keytab}")
    print("ticket   " + " ".join(f"{key}={value}" for key, value in environment.items()))
    for name, schemes in domain.SQUIDS.items():
        plain, tls = (at[name].replace("127.0.0.1", "localhost") for at in (domain.plain, domain.tls))
        print(f"proxy    http://{plain} https://{tls} {', '.join(schemes)}")
    ntlm, negotiate = (domain.plain[name].replace("127.0.0.1", "localhost") for name in ("ntlm", "negotiate"))
    print(f"curl -v telnet://{target} -p -x http://{ntlm} --proxy-ntlm -U {password}")
    print(f"curl -v telnet://{target} -p -x http://{negotiate} --proxy-negotiate -U :   # with the variables of the ticket")
    print("It ends with the end of its input.", flush=True)


if __name__ == "__main__":
    main()
