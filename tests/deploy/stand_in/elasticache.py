"""An emulator of ElastiCache Serverless: TLS and IAM authentication in front of a real Valkey.

The Valkey users have the deployed access strings.
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
REJECTION = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"


class ElastiCache:
    """A TLS server that verifies IAM tokens and forwards connections to Valkey.

    Attributes:
        port: the port that it listens on.
        keys: secret, session token and role statements, by access key ID.
        caches: ARN and users of each cache, by name.
        refusals: the failed check of each rejected login.
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
        """Stop listening."""
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), self._tls.wrap_socket(client, server_side=True) as client_tls:
            user, refusal = self._log_in(*read_command(client_tls))
            if refusal:
                self.refusals.append(refusal)
                client_tls.sendall(REJECTION)
                return
            with socket.create_connection(("127.0.0.1", self._valkey.port)) as server:
                server.sendall(f"AUTH {user} any\r\n".encode())
                threading.Thread(target=_copy, args=(server, client_tls), daemon=True).start()
                _copy(client_tls, server)

    def _log_in(self, command, user, token):
        """Return the user, and the first check that the login fails, or None."""
        name, _, query = token.partition("/?")
        params = dict(parse_qsl(query, keep_blank_values=True))
        key = self.keys.get(params.get("X-Amz-Credential", "").partition("/")[0])
        cache = self.caches.get(name)
        checks = {
            "the first command is AUTH": lambda: command.upper() == "AUTH",
            "the cache exists": lambda: cache is not None,
            "the cache has the user": lambda: user in cache.users and params.get("User") == user,
            "ResourceType is ServerlessCache": lambda: params.get("ResourceType") == "ServerlessCache",
            "the token expires after 15 minutes": lambda: int(params.get("X-Amz-Expires", "901")) <= 900,
            "the access key is known": lambda: key and params.get("X-Amz-Security-Token") == key.token,
            "the signature is valid": lambda: (
                params.get("X-Amz-Signature") == signature(name, query, key.secret)
            ),
            "the role can connect to the cache": lambda: allows(key.statements, CONNECT, cache.arn),
            "the role can connect as the user": lambda: allows(
                key.statements, CONNECT, cache.users[user].arn
            ),
        }
        return user, next((what for what, holds in checks.items() if not holds()), None)


def allows(statements, action, resource):
    """Return whether policy statements allow an action on a resource."""

    def any_match(patterns, value):
        patterns = [patterns] if isinstance(patterns, str) else patterns
        return any(fnmatchcase(value, each) for each in patterns)

    return any(
        each["Effect"] == "Allow"
        and any_match(each["Action"], action)
        and any_match(each["Resource"], resource)
        for each in statements
    )


def signature(host, query, secret):
    """Return the SigV4 signature of a presigned token.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
    """
    params = parse_qsl(query, keep_blank_values=True)
    rest = sorted(
        f"{quote(k, safe='-_.~')}={quote(v, safe='-_.~')}" for k, v in params if k != "X-Amz-Signature"
    )
    empty = hashlib.sha256(b"").hexdigest()
    request = "\n".join(["GET", "/", "&".join(rest), f"host:{host}\n", "host", empty])
    date, scope = dict(params)["X-Amz-Date"], dict(params)["X-Amz-Credential"].partition("/")[2]
    signed = "\n".join(["AWS4-HMAC-SHA256", date, scope, hashlib.sha256(request.encode()).hexdigest()])
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.new(key, signed.encode(), "sha256").hexdigest()


def read_command(connection):
    """Read a Redis command, an array of bulk strings."""
    reader = connection.makefile("rb", buffering=0)  # later bytes belong to Valkey
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
            raise ConnectionError("connection closed")
        line += byte
    return line.strip()


def _copy(source, target):
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
