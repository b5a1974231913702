"""HTTP for controllers: requests in, responses and problems out.

requests.py     query parameters, JSON bodies, If-Match
responses.py    JSON responses with an ETag
conditional.py  If-None-Match and 304
request_checks.py  Host, Transfer-Encoding and Content-Encoding of every request
mount.py        the path below which the app is public
headers.py      security headers and CORS
health.py       GET /health
openapi.py      GET /openapi.json and the page at /docs
"""
