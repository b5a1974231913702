"""Names and numbers that are the same in every stage."""

MAX_BODY_BYTES = 64 * 1024
"""A longer request body gets 413."""

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
"""Items of a page of a list, where nothing is said and at most."""

PROBLEM_JSON = "application/problem+json"
"""The media type of every error (RFC 9457, section 3)."""

ERROR_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""With every error, whoever answers it."""

REQUEST_ID = "app.request_id"
"""WSGI environ key of the request's id; with a dot in it, no header can set it (PEP 3333)."""

XRAY = "app.xray"
"""WSGI environ key of X-Ray's header as Lambda's runtime gives it for the invocation."""

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable from which prometheus-client reads where gunicorn's workers share their metrics."""

HELD = "app.held"
"""WSGI environ key of a list that takes what is to be told of the request: see shared.request_log."""

CLAIMS = "app.claims"
"""WSGI environ key of what API Gateway has verified about the caller, a dict; absent where that is none."""

LOCAL_ISSUER = "local"
"""The issuer of the tokens of `make token`; a run on Lambda, or of another stage than local, refuses it."""

RETRY_AFTER_SECONDS = 2
"""What a 503 tells the client to wait: DynamoDB's throttling is counted by the second."""

DYNAMODB_CONNECT_TIMEOUT_SECONDS = 1.0
DYNAMODB_READ_TIMEOUT_SECONDS = 2.0
DYNAMODB_RETRIES = 1
"""Retries after the first try: with the time limits above, no call takes longer than about 6 s."""

DATABASE_HEALTH_SECONDS = 1.0
REDIS_HEALTH_SECONDS = 0.5
"""How long a deep health check waits for each of the services behind the app."""
