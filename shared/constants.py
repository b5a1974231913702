"""Constants that are the same in every stage."""

MAX_BODY_BYTES = 64 * 1024
"""The maximum size of a request body; a larger one gets 413."""

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
"""The default and the maximum number of items per page."""

PROBLEM_JSON = "application/problem+json"
"""The media type of every error response (RFC 9457, section 3)."""

INTERNAL_ERROR_DETAIL = "Internal server error. Quote request_id when you report it."
"""The detail of every 500 response. The log has the cause."""

REQUEST_ID = "app.request_id"
"""WSGI environ key of the request id. Its dot prevents clients from setting it with a header (PEP 3333)."""

XRAY = "app.xray"
"""WSGI environ key of the X-Ray trace header of the Lambda invocation."""

MULTIPROC_DIR = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable of prometheus-client: the folder in which gunicorn's workers share metrics."""

DEFERRED_RECORDS = "app.held"
"""WSGI environ key of the list of deferred request records: see observability/request_log.py."""

CLAIMS = "app.claims"
"""WSGI environ key of the claims that API Gateway verified, a dict; absent without an authorizer."""

USER_AGENT = "news/0.2.0"
"""The User-Agent of requests to other services: the project and its version in pyproject.toml."""

LOCAL_ISSUER = "local"
"""The issuer of the tokens of `make token`; rejected on Lambda and in every stage but local."""

RETRY_AFTER_SECONDS = 2
"""The Retry-After of a 503: DynamoDB throttles per second."""

DYNAMODB_CONNECT_TIMEOUT_SECONDS = 1.0
"""The time limit to connect: name resolution, every address of the name, and TLS, which takes about 0.7 s
with 128 MB of memory. A new connection costs a thread, 0.15 ms of CPU; a reused one costs nothing."""

DYNAMODB_READ_TIMEOUT_SECONDS = 1.5
"""The time limit between two packets of a response; DynamoDB responds within milliseconds."""

DYNAMODB_RETRIES = 1
"""Retries after the first attempt, each after a pause of up to 1 s. A call takes at most 6 s: twice the
time to connect and read, and the pause."""

DYNAMODB_CREDENTIALS_TIMEOUT_SECONDS = 3.0
"""The time limit to create the client and to fetch credentials over the network, at startup and when they
expire. A slower fetch continues in the background; until it ends, calls get 503."""

DYNAMODB_MAX_CONNECTIONS = 1000
"""The maximum size of the connection pool: one connection per concurrent request of a gevent worker, by
gunicorn's default. Connections over the maximum close after their call; none opens before its first use."""

DATABASE_HEALTH_TIMEOUT_SECONDS = 1.0
REDIS_HEALTH_TIMEOUT_SECONDS = 0.5
"""The time limits of the deep health check."""
