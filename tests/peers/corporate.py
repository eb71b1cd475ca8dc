"""Our program for companies, and all that none of its outputs may show."""

import base64
import re
import time

from bed import ENVIRONMENT
from failure import Failure

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
            raise Failure(f"exit code {end.code}, wanted 0; {end.errors[-800:]!r}")
        told = end.expect(0, f"^{count} open at once.*$")
        self.in_time(start, within)
        return told + (self.run.told(*log, mark) if log else "")

    def refused(self, url, *options, says, log=None, environment=None, inside=(), within=None):
        """It fails, and says why."""
        mark = log and self.bed.log_size(log[0])
        start = time.monotonic()
        end = self.ended(url, options, environment, inside)
        end.compared(1, f"(?is){says}", end.errors)
        self.in_time(start, within)
        # Its last line is the error; what stands before is the trace.
        return f"{end.errors.splitlines()[-1]!r}" + (self.run.told(*log, mark) if log else "")

    def ended(self, url, options, environment, inside):
        command = [self.run.folder / "corporate", url, "--trace", "--cacert", self.bed.cert("ca"), *options]
        if inside:
            command = [self.domain.isolated, *inside, "--", *command]
        end = self.run.ran(command, environment={**ENVIRONMENT, **(environment or self.domain.client())})
        shown = end.output.decode(errors="replace") + end.errors
        for secret in self.secrets:
            if secret in shown:
                raise Failure(f"the secret {secret!r} stands in {around(shown, shown.index(secret))!r}")
        for token in TOKENS:
            if found := re.search(token, shown):
                raise Failure(f"a token stands in {around(shown, found.start())!r}")
        return end

    def in_time(self, start, within):
        seconds = time.monotonic() - start
        if within and seconds > within:
            raise Failure(f"took {seconds:.1f} s, wanted {within} at most")


def forms(secret):
    """The secret as programs like to write it, without what depends on the bytes beside it."""
    found = [secret.encode().hex()]
    for data in secret.encode(), secret.encode("utf-16-le"):
        found += [base64.b64encode(data).decode().rstrip("="), data.hex(), ", ".join(map(str, data))]
    return found


def around(text, index):
    return text[max(0, index - 100) : index + 100]

