"""Our program for companies, and all that none of its outputs may show."""

import base64
import re
import time

from bed import ENVIRONMENT
from failure import Failure

PATIENCE = 2  # seconds for a KDC that says nothing
# The last message of NTLM, and a token of Kerberos: who reads one may use it, or guess the password by it.
TOKENS = [r"TlRMTVNTUAAD[\w+/]{20}", r"\bYI[A-Z][\w+/]{80}", r"\bod[A-Z][\w+/]{80}", r"(?i)4e544c4d5353500003"]


class Corporate:
    """Runs our `corporate`, which tells all that it knows, and compares what it did."""

    def __init__(self, bed, run, domain):
        self.bed, self.run, self.domain = bed, run, domain
        self.secrets = [*bed.SECRETS, *forms(bed.PASSWORD), *forms(f"user:{bed.PASSWORD}"), *forms(f"user:{bed.WRONG}")]
        for key in domain.keys():
            self.secrets += [key, base64.b64encode(bytes.fromhex(key)).decode()]

    def opens(self, url, *options, log=None, environment=None, inside=(), count=1, within=None):
        """It opens a WebSocket, and has its echo; who is on the way tells of it."""
        mark = log and self.bed.log_size(log[0])
        start = time.monotonic()
        end = self.ended(url, [*options, "--connections", count], environment, inside)
        if end.code != 0:
            raise Failure(f"exit code {end.code}, wanted 0; {reason(end)!r}")
        told = end.expect(0, f"^{count} open at once.*$")
        self.in_time(start, within)
        return told + (self.told(*log, mark, count) if log else "")

    def told(self, log, pattern, mark, count):
        """Waits until the pattern has been told so often, as each connection is a tunnel of its own."""
        told = self.run.told(log, f"(?:{pattern}.*?){{{count}}}" if count > 1 else pattern, mark)
        return told if count == 1 else f"; {log}.log tells {pattern!r} {count} times"

    def finds_secrets(self):
        """The search for secrets finds each one: else all that it does not find would prove nothing."""
        type_3 = base64.b64encode(b"NTLMSSP\0\3\0\0\0" + bytes(60)).decode()
        planted = [*self.secrets, f"NTLM {type_3}", "Negotiate YIIG" + "A" * 100]
        for secret in planted:
            try:
                self.show_nothing(f"hop 1: {secret}, and more")
            except Failure:
                continue
            raise Failure(f"it does not find {secret!r}")
        return f"{len(planted)} found"

    def refused(self, url, *options, says, log=None, environment=None, inside=(), within=None):
        """It fails, and says why."""
        mark = log and self.bed.log_size(log[0])
        start = time.monotonic()
        end = self.ended(url, options, environment, inside)
        told = end.compared(1, f"(?i){says}", reason(end)).string
        self.in_time(start, within)
        return repr(told) + (self.run.told(*log, mark) if log else "")

    def ended(self, url, options, environment, inside):
        command = [self.run.folder / "corporate", url, "--trace", "--cacert", self.bed.cert("ca"), *options]
        if inside:
            command = [self.domain.isolated, *inside, "--", *command]
        end = self.run.ran(command, environment={**ENVIRONMENT, **(environment or self.domain.client())})
        self.show_nothing(end.output.decode(errors="replace") + end.errors)
        return end

    def show_nothing(self, shown):
        for secret in self.secrets:
            if secret in shown:
                raise Failure(f"the secret {secret!r} stands in {around(shown, shown.index(secret))!r}")
        for token in TOKENS:
            if found := re.search(token, shown):
                raise Failure(f"a token stands in {around(shown, found.start())!r}")

    def in_time(self, start, within):
        seconds = time.monotonic() - start
        if within and seconds > within:
            raise Failure(f"took {seconds:.1f} s, wanted {within} at most")


def reason(end):
    """Its last word, behind all that it logged."""
    found = re.findall(r"^failed: (.*)", end.errors, re.MULTILINE)
    return found[-1] if found else end.errors[-800:]


def forms(secret):
    """The secret as programs like to write it, without what depends on the bytes beside it."""
    found = [secret.encode().hex()]
    for data in secret.encode(), secret.encode("utf-16-le"):
        found += [base64.b64encode(data).decode().rstrip("="), data.hex(), ", ".join(map(str, data))]
    return found


def around(text, index):
    return text[max(0, index - 100) : index + 100]

