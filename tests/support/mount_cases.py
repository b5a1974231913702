"""Paths of requests, and SCRIPT_NAME and PATH_INFO for each entry point and BASE_PATH."""

CUSTOM = "api.example.com"
EXECUTE_API = "abc123.execute-api.eu-central-1.amazonaws.com"
BASE_PATHS = ("", "/", "api", "v1/api")

# The host is API Gateway's own (aws) or a custom domain (own); the path is the one in the event. CloudFront
# with an origin path sends API Gateway's own host and adds the stage: the public path is the one without the
# stage, which BASE_PATH `/`, `api` and `v1/api` represent.
# A result is SCRIPT_NAME and PATH_INFO, separated by a colon.
TABLE = """
host  stage     path               unset               /               api                 v1/api

[HTTP API 2.0]
aws   $default  /news/             :/news/             :/news/         :/news/             :/news/
aws   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
aws   $default  /v1/api/news/      :/v1/api/news/      :/v1/api/news/  :/v1/api/news/      /v1/api:/news/
aws   dev       /dev/news/         /dev:/news/         :/news/         /dev:/news/         /dev:/news/
aws   dev       /dev/api/news/     /dev:/api/news/     :/api/news/     /api:/news/         /dev:/api/news/
aws   dev       /dev/v1/api/news/  /dev:/v1/api/news/  :/v1/api/news/  /dev:/v1/api/news/  /v1/api:/news/
aws   news      /news/news/        /news:/news/        :/news/         /news:/news/        /news:/news/
aws   news      /news/x            /news:/x            :/x             /news:/x            /news:/x
aws   api       /api/news/         /api:/news/         :/news/         /api:/news/         /api:/news/
aws   api       /api/api/news/     /api:/api/news/     :/api/news/     /api:/news/         /api:/api/news/
own   $default  /news/             :/news/             :/news/         /api:/news/         /v1/api:/news/
own   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         /v1/api:/api/news/
own   dev       /dev/news/         :/news/             :/news/         /api:/news/         /v1/api:/news/
own   dev       /news/             :/news/             :/news/         /api:/news/         /v1/api:/news/
own   dev       /dev/v1/api/news/  :/v1/api/news/      :/v1/api/news/  /api:/v1/api/news/  /v1/api:/news/
own   news      /news/news/        :/news/             :/news/         /api:/news/         /v1/api:/news/
own   news      /news/             :/news/             :/news/         /api:/news/         /v1/api:/news/
own   news      /news/x            :/news/x            :/news/x        /api:/news/x        /v1/api:/news/x
own   news      /news/health       :/health            :/health        /api:/health        /v1/api:/health
own   api       /api/news/         :/news/             :/news/         /api:/news/         /v1/api:/news/

[HTTP API 1.0]
aws   $default  /news/             :/news/             :/news/         :/news/             :/news/
aws   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
aws   dev       /dev/news/         /dev:/news/         :/news/         /dev:/news/         /dev:/news/
aws   dev       /dev/v1/api/news/  /dev:/v1/api/news/  :/v1/api/news/  /dev:/v1/api/news/  /v1/api:/news/
aws   news      /news/news/        /news:/news/        :/news/         /news:/news/        /news:/news/
own   $default  /news/             :/news/             :/news/         :/news/             :/news/
own   $default  /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
own   dev       /dev/news/         :/news/             :/news/         :/news/             :/news/
own   dev       /v1/api/news/      :/v1/api/news/      :/v1/api/news/  :/v1/api/news/      /v1/api:/news/
own   api       /api/news/         :/news/             :/news/         /api:/news/         :/news/
own   news      /news/             :/news/             :/news/         :/news/             :/news/

[REST API]
aws   dev       /news/             /dev:/news/         :/news/         /dev:/news/         /dev:/news/
aws   dev       /api/news/         /dev:/api/news/     :/api/news/     /api:/news/         /dev:/api/news/
aws   dev       /v1/api/news/      /dev:/v1/api/news/  :/v1/api/news/  /dev:/v1/api/news/  /v1/api:/news/
aws   news      /news/             /news:/news/        :/news/         /news:/news/        /news:/news/
own   dev       /news/             :/news/             :/news/         :/news/             :/news/
own   dev       /api/news/         :/api/news/         :/api/news/     /api:/news/         :/api/news/
own   dev       /v1/api/news/      :/v1/api/news/      :/v1/api/news/  :/v1/api/news/      /v1/api:/news/
own   news      /news/             :/news/             :/news/         :/news/             :/news/
"""
WHOLE_PATHS = """
/news/         :/news/         :/news/         :/news/         :/news/
/api/news/     :/api/news/     :/api/news/     /api:/news/     :/api/news/
/v1/api/news/  :/v1/api/news/  :/v1/api/news/  :/v1/api/news/  /v1/api:/news/
"""
"""The same for the entry points without a stage, for every host."""


def rows():
    """Return entry point, host, stage, path, BASE_PATH, SCRIPT_NAME and PATH_INFO of each row."""
    lines = TABLE.strip().splitlines()[1:]
    for name in ("Function URL", "ALB", "ALB, multi-value", "gunicorn"):
        lines.append(f"[{name}]")
        for host in ("aws", "own"):
            lines += [f"{host} $default {line}" for line in WHOLE_PATHS.strip().splitlines()]
    cases = []
    entry_point = ""
    for line in filter(None, lines):
        if line.startswith("["):
            entry_point = line.strip("[]")
            continue
        host, stage, path, *results = line.split()
        for name in (CUSTOM,) if host == "own" else (EXECUTE_API, EXECUTE_API.upper() + ":443"):
            expected = zip(BASE_PATHS, results, strict=True)
            cases += [
                (entry_point, name, stage, path, base_path, *result.split(":"))
                for base_path, result in expected
            ]
    return cases
