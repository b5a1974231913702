"""HTTP for controllers: requests, responses and problems.

requests.py        query parameters, JSON bodies and If-Match
responses.py       JSON responses with an ETag; If-None-Match and 304
compression.py     gzip for cached responses
problems.py        error responses (RFC 9457)
headers.py         security headers and CORS
request_checks.py  Host, Transfer-Encoding and Content-Encoding of every request
mount.py           the path prefix under which the app is public
health.py          GET /health
openapi.py         GET /openapi.json, and Swagger UI at /docs
"""
