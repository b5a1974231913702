"""Names and numbers that are the same in every stage."""

MAX_BODY_BYTES = 64 * 1024
"""A longer request body gets 413."""

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
"""Items of a page of a list, where nothing is said and at most."""

PROBLEM_JSON = "application/problem+json"
"""The media type of every error (RFC 9457, section 3)."""

INTERNAL_ERROR_DETAIL = "Internal server error. Quote request_id when you report it."
"""The detail of every 500 response. The log has the cause."""

ERROR_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
"""With every error, whoever answers it."""

REQUEST_ID = "app.request_id"
"""WSGI environ key of the request's id; with a dot in it, no header can set it (PEP 3333)."""

XRAY = "app.xray"
"""WSGI environ key of X-Ray's header as Lambda's runtime gives it for the invocation."""

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable from which prometheus-client reads where gunicorn's workers share their metrics."""

DEFERRED_RECORDS = "app.held"
"""WSGI environ key of a list for deferred request records: see observability/request_log.py."""

CLAIMS = "app.claims"
"""WSGI environ key of what API Gateway has verified about the caller, a dict; absent where that is none."""

USER_AGENT = "news/0.1.0"
"""The project and its version, as pyproject.toml has them, in requests to other services."""

LOCAL_ISSUER = "local"
"""The issuer of the tokens of `make token`; a run on Lambda, or of another stage than local, refuses it."""

RETRY_AFTER_SECONDS = 2
"""What a 503 tells the client to wait: DynamoDB's throttling is counted by the second."""

DYNAMODB_CONNECT_TIMEOUT_SECONDS = 1.0
"""For connecting as a whole: name resolution, every address of the name, and TLS, which takes a function of
128 MB about 0.7 s. The limit costs each new connection a thread, 0.15 ms of CPU, and a kept one nothing."""

DYNAMODB_READ_TIMEOUT_SECONDS = 1.5
"""Between two packets of a reply; DynamoDB replies within milliseconds."""

DYNAMODB_RETRIES = 1
"""Retries after the first try, with a pause of up to 1 s before it. No call takes longer than 6 s: twice the
time to connect and read, and the pause."""

DYNAMODB_CREDENTIALS_TIMEOUT_SECONDS = 3.0
"""For making the client, and for credentials that are fetched over the network: at the start, and when they
expire. A fetch that takes longer goes on in the background, and the call gets 503 meanwhile."""

DYNAMODB_MAX_CONNECTIONS = 1000
"""Connections that are kept for the next call: one for each request that a gevent worker serves at once, by
gunicorn's default. Further ones would be closed after their call; none is opened before it is needed."""

DATABASE_HEALTH_SECONDS = 1.0
REDIS_HEALTH_SECONDS = 0.5
"""How long a deep health check waits for each of the services behind the app."""
