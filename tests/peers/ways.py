"""The addresses of the bed as the URLs and hops that checks want."""


class Ways:
    """What many checks use: credentials, targets, hops, and the lines that logs have of them."""

    def __init__(self, bed):
        self.bed = bed
        self.right, self.wrong = f"user:{bed.QUOTED}@", f"user:{bed.WRONG}@"
        self.greeter, self.nobody = f"tcp://{bed.greeter}", f"tcp://{bed.nobody}"
        self.named = self.greeter.replace("127.0.0.1", "localhost")
        self.ca = ["--cacert", bed.cert("ca")]
        self.tunnelled_as_user = ("squid/access", f"CONNECT {bed.greeter} user ")
        self.ws = f"ws://{bed.our_websocket}/"
        self.wss = f"wss://{bed.our_websocket_tls}/".replace("127.0.0.1", "localhost")

    def microsocks(self, credentials=""):
        port = self.bed.microsocks_auth if credentials else self.bed.microsocks
        return f"socks5h://{credentials}{port}"

    def squid(self, credentials="", scheme="http"):
        bed = self.bed
        port = bed.squid_tls if scheme == "https" else bed.squid_basic if credentials else bed.squid
        return f"{scheme}://{credentials}{port}"

    def tinyproxy(self, credentials=""):
        return f"http://{credentials}{self.bed.tinyproxy_basic if credentials else self.bed.tinyproxy}"


def tls(server):
    return f"tls://{server}".replace("127.0.0.1", "localhost")


def chat(scheme, server):
    return f"{scheme}://{server}/chat".replace("127.0.0.1", "localhost")
