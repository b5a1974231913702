"""Malformed HTTP requests as raw bytes, and requests with a secret that gunicorn rejects."""

from support.raw_http import HOST, get, post

MALFORMED = {
    "a header too long": get(b"/health", headers=HOST + b"X-A: " + b"a" * 9000 + b"\r\n"),
    "a header without an end": b"GET /health HTTP/1.1\r\nX-A: " + b"a" * 100_000,
    "too many headers": get(
        b"/health", headers=HOST + b"".join(b"X-%d: 1\r\n" % number for number in range(200))
    ),
    "a line too long": get(b"/" + b"a" * 9000),
    "a line without an end": b"GET /" + b"a" * 100_000,
    "a length that is no number": post(b"Content-Length: five\r\n", b"{}"),
    "a length below zero": post(b"Content-Length: -1\r\n", b"{}"),
    "a length with a sign": post(b"Content-Length: +2\r\n", b"{}"),
    "a length with a digit that is not ASCII": post("Content-Length: ٢\r\n".encode(), b"{}"),
    "two lengths": post(b"Content-Length: 2\r\nContent-Length: 3\r\n", b"{} "),
    "two lengths in one": post(b"Content-Length: 2, 3\r\n", b"{} "),
    "a length and chunks": post(
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"0\r\n\r\nGET /health HTTP/1.1\r\n\r\n"
    ),
    "a length of 4,301 digits": post(b"Content-Length: " + b"0" * 4301 + b"\r\n", b"{}"),
    "a length of 4,301 nines": post(b"Content-Length: " + b"9" * 4301 + b"\r\n", b"{}"),
    "a length over the limit": post(b"Content-Length: 10000000000\r\n", b"{}"),
    "an unknown transfer coding": post(b"Transfer-Encoding: zip\r\n", b"{}"),
    "gzip, then chunks": post(b"Transfer-Encoding: gzip, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "identity, then chunks": post(b"Transfer-Encoding: identity, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "no Host": b"GET /health HTTP/1.1\r\n\r\n",
    "an empty Host": get(b"/health", headers=b"Host: \r\n"),
    "two Hosts": get(b"/health", headers=HOST * 2),
    "blanks in Host": get(b"/health", headers=b"Host: a b/c?d\r\n"),
    "a URL as Host": get(b"/health", headers=b"Host: http://a\r\n"),
    "a user in Host": get(b"/health", headers=b"Host: user@a\r\n"),
    "a list as Host": get(b"/health", headers=b"Host: a, b\r\n"),
    "a port that is no number": get(b"/health", headers=b"Host: a:http\r\n"),
    "a port too high": get(b"/health", headers=b"Host: a:65536\r\n"),
    "an IPv6 address without brackets": get(b"/health", headers=b"Host: ::1\r\n"),
    "brackets around no address": get(b"/health", headers=b"Host: [::g]\r\n"),
    "a Host with no HTTP/1.1": get(b"/health", b"HTTP/1.0", b"Host: a b\r\n"),
    "a compressed body": post(b"Content-Encoding: gzip\r\nContent-Length: 2\r\n", b"{}"),
    "chunks twice": post(b"Transfer-Encoding: chunked, chunked\r\n", b"2\r\n{}\r\n0\r\n\r\n"),
    "chunks in HTTP/1.0": b"POST /news/ HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    "a NUL in the path": get(b"/news/\x00"),
    "a NUL in a header": get(b"/health", headers=HOST + b"X-A: a\x00b\r\n"),
    "a NUL in the path, encoded": get(b"/news/%00"),
    "a line break in the path, encoded": get(b"/news/%0d%0aSet-Cookie:%20a=1"),
    "dots": get(b"/news/../../../../etc/passwd"),
    "dots, encoded": get(b"/news/%2e%2e/%2e%2e/etc/passwd"),
    "dots with backslashes": get(b"\\..\\..\\etc\\passwd"),
    "overlong UTF-8": get(b"/news/%c0%af%c0%ae"),
    "overlong UTF-8, raw": get(b"/news/\xc0\xaf"),
    "half a surrogate pair": get(b"/news/%ed%a0%80"),
    "UTF-8 cut short": get(b"/news/%e2%82"),
    "a header without a colon": get(b"/health", headers=HOST + b"nonsense\r\n"),
    "a blank before the colon": get(b"/health", headers=HOST + b"Content-Length : 0\r\n"),
    "a folded header": get(b"/health", headers=HOST + b"X-A: a\r\n b\r\n"),
    "a header without a name": get(b"/health", headers=HOST + b": a\r\n"),
    "a carriage return in a header": get(b"/health", headers=HOST + b"X-A: a\rX-B: b\r\n"),
    "no version": b"GET /health\r\n\r\n",
    "a future version": get(b"/health", b"HTTP/3.0"),
    "HTTP/2's beginning": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "an invalid method": b"G@T /health HTTP/1.1\r\n" + HOST + b"\r\n",
    "an unknown method": b"BREW /news/ HTTP/1.1\r\n" + HOST + b"\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303") + b"\x00" * 160,
    "nothing": b"",
    "line breaks only": b"\r\n" * 50,
    "noise": bytes(range(256)) * 8,
}


SECRET = b"s3cr3t"
REJECTED_WITH_SECRET = {
    "in the line": (
        400,
        b"GET /news/?token=" + SECRET + "Ⅷ".encode() + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    ),
    "in a long line": (414, get(b"/news/?cursor=" + SECRET * 1500)),
    "in the method": (400, SECRET + b" /health HTTP/1.1\r\n" + HOST + b"\r\n"),
    "in the version": (400, b"GET /health " + SECRET + b"\r\n" + HOST + b"\r\n"),
    "in a header's name": (400, get(b"/health", headers=HOST + b"X " + SECRET + b": a\r\n")),
    "in a header's value": (
        400,
        get(b"/health", headers=HOST + b"Authorization: " + SECRET + b"\x00\r\n"),
    ),
    "in a long header": (
        431,
        get(b"/health", headers=HOST + b"Authorization: " + SECRET * 1500 + b"\r\n"),
    ),
    "in the expectation": (417, get(b"/health", headers=HOST + b"Expect: " + SECRET + b"\r\n")),
    "in the coding": (501, post(b"Transfer-Encoding: " + SECRET + b"\r\n", b"{}")),
    "in a chunk": (400, post(b"Transfer-Encoding: chunked\r\n", SECRET + b"\r\n{}\r\n0\r\n\r\n")),
    "in a long body": (413, post(b"Content-Length: 70000\r\n", SECRET * 12_000)),
    "in a short body": (400, post(b"Content-Length: 70\r\n", SECRET)),
}
