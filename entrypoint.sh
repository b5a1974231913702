#!/bin/sh
# Start gunicorn with every module. `make run` and the container image use this script.
#
#   variable                  meaning                                                   default
#   BIND                      address and port, or unix:PATH                            127.0.0.1:8000
#   WORKERS                   worker processes, at most one per core                    1
#   TIMEOUT                   seconds for a whole request, and for a graceful stop      30
#   LIMIT_REQUEST_FIELD_SIZE  maximum bytes of a header field                           8190
#   MAX_REQUESTS              requests after which a worker is replaced; 0: unlimited   0
#   METRICS_BIND              address and port of the Prometheus metrics                disabled; 127.0.0.1:9464 with METRICS_PATH
#   METRICS_PATH              path of the Prometheus metrics                            /metrics
#   RELOAD                    yes: restart workers when the code changes                no
#   PROFILE                   yes: print the slowest functions of each request          no
#
# shared/gunicorn/hooks.py has the options that do not depend on the environment.
set -eu
cd "$(dirname "$0")"

python=${PYTHON:-python3} app=functions.wsgi:app
export BIND="${BIND:=127.0.0.1:8000}"
if [ -n "${METRICS_BIND:-}${METRICS_PATH:-}" ]; then export METRICS_BIND="${METRICS_BIND:-127.0.0.1:9464}"; fi
"$python" -m shared.config # aborts with a one-line error if a setting is invalid

if [ "${RELOAD:=no}" = yes ]; then set -- --reload "$@"; fi
if [ "${PROFILE:=no}" = yes ]; then # one request at a time, without metrics
    app=tools.local.profiler:app
    set -- --worker-class sync "$@"
elif [ -n "${METRICS_BIND:-}" ]; then
    set -- --bind "$METRICS_BIND" "$@"
fi
exec "$python" -m gunicorn "$app" \
    --config python:shared.gunicorn.hooks \
    --bind "$BIND" \
    --workers "${WORKERS:=1}" \
    --timeout "${TIMEOUT:=30}" \
    --graceful-timeout "$TIMEOUT" \
    --limit-request-field_size "${LIMIT_REQUEST_FIELD_SIZE:=8190}" \
    --max-requests "${MAX_REQUESTS:=0}" \
    "$@"
