"""A stand-in for ElastiCache's door: TLS, and IAM tokens for the users that are deployed.

What is behind it is a real Valkey, whose users have the access strings that are deployed.
"""

import contextlib
import hashlib
import hmac
import socket
import ssl
import threading
from fnmatch import fnmatchcase
from urllib.parse import parse_qsl, quote

CONNECT = "elasticache:Connect"
REFUSED = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


class ElastiCache:
    """Listens on a port of its own.

    Attributes:
        port: where it listens.
        keys: for each access key that was given out: its secret, its session's token, its role's statements.
        caches: for each cache by its name, its ARN and its users by their ids: their ARN and access string.
        refusals: why log-ins failed.
    """

    def __init__(self, valkey, certificate):
        self.keys, self.caches, self.refusals = {}, {}, []
        self._valkey = valkey
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Listen no more."""
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), self._tls.wrap_socket(client, server_side=True) as door:
            user, refusal = self._log_in(*read_command(door))
            if refusal:
                self.refusals.append(refusal)
                door.sendall(REFUSED)
                return
            with socket.create_connection(("127.0.0.1", self._valkey.port)) as server:
                server.sendall(f"AUTH {user} any\r\n".encode())
                threading.Thread(target=_copy, args=(server, door), daemon=True).start()
                _copy(door, server)

    def _log_in(self, command, user, token):
        """The user, and why it may not come in."""
        name, _, query = token.partition("/?")
        asked = dict(parse_qsl(query, keep_blank_values=True))
        key = self.keys.get(asked.get("X-Amz-Credential", "").partition("/")[0])
        cache = self.caches.get(name)
        checks = {
            "the first command is AUTH": lambda: command.upper() == "AUTH",
            "there is such a cache": lambda: cache is not None,
            "it has the user": lambda: user in cache.users and asked.get("User") == user,
            "the token is for a serverless cache": lambda: asked.get("ResourceType") == "ServerlessCache",
            "it ends after 15 minutes": lambda: int(asked.get("X-Amz-Expires", "901")) <= 900,
            "its key is known": lambda: key and asked.get("X-Amz-Security-Token") == key.token,
            "it is signed": lambda: asked.get("X-Amz-Signature") == signature(name, query, key.secret),
            "the role may connect to the cache": lambda: allows(key.statements, CONNECT, cache.arn),
            "the role may connect as the user": lambda: allows(
                key.statements, CONNECT, cache.users[user].arn
            ),
        }
        return user, next((what for what, holds in checks.items() if not holds()), None)


def allows(statements, action, resource):
    """Whether a role's statements allow an action on a resource."""

    def among(patterns, value):
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return any(fnmatchcase(value, each) for each in patterns)

    return any(
        each["Effect"] == "Allow" and among(each["Action"], action) and among(each["Resource"], resource)
        for each in statements
    )


def signature(host, query, secret):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html"""
    asked = parse_qsl(query, keep_blank_values=True)
    rest = sorted(
        f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in asked if k != "X-Amz-Signature"
    )
    empty = hashlib.sha256(b"").hexdigest()
    request = "\n".join(["GET", "/", "&".join(rest), f"host:{host}\n", "host", empty])
    date, scope = dict(asked)["X-Amz-Date"], dict(asked)["X-Amz-Credential"].partition("/")[2]
    signed = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, signed.encode(), "sha256").hexdigest()


def read_command(connection):
    """A command of Redis's protocol, an array of texts."""
    reader = connection.makefile("rb", buffering=0)  # what follows is for the server
    words = []
    for _ in range(int(_line(reader)[1:])):
        length = int(_line(reader)[1:])
        words.append(b"".join(reader.read(1) for _ in range(length)).decode())
        _line(reader)
    return words


def _line(reader):
    line = b""
    while not line.endswith(b"\r\n"):
        byte = reader.read(1)
        if not byte:
            raise ConnectionError("it has gone")
        line += byte
    return line.strip()


def _copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
