#!/bin/sh
# Serve every module with gunicorn: what `make run` and the container start.
#
#   BIND                      address and port, or unix:PATH                       127.0.0.1:8000
#   WORKERS                   processes: as many as cores, and no more             1
#   TIMEOUT                   seconds that a request may take as a whole; and      30
#                             a worker, to stop
#   LIMIT_REQUEST_FIELD_SIZE  bytes of one header field                            8190
#   MAX_REQUESTS              requests until a worker is replaced                  0, never
#   METRICS_BIND              address and port of the metrics, for Prometheus      off; 127.0.0.1:9464 with METRICS_PATH
#   METRICS_PATH              their path there                                     /metrics
#   RELOAD                    1: replace workers as code changes                   0
#   PROFILE                   1: show each request's ten costliest functions       0
set -eu
cd "$(dirname "$0")"

refuse() { # refuse NAME VALUE WHAT: one line and exit code 1
    echo "settings: $1: '$2' is not $3" >&2
    exit 1
}
number() { # number NAME VALUE LEAST MOST
    case $2 in '' | *[!0-9]* | ????????*) refuse "$1" "$2" "a number from $3 to $4" ;; esac
    if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then refuse "$1" "$2" "a number from $3 to $4"; fi
}
number WORKERS "${WORKERS:=1}" 1 256
number TIMEOUT "${TIMEOUT:=30}" 1 3600
number LIMIT_REQUEST_FIELD_SIZE "${LIMIT_REQUEST_FIELD_SIZE:=8190}" 256 65536
number MAX_REQUESTS "${MAX_REQUESTS:=0}" 0 9999999
number RELOAD "${RELOAD:=0}" 0 1
[ "$RELOAD" = 0 ] || set -- --reload "$@"
case ${BIND:=127.0.0.1:8000} in
unix:?*) ;;
?*:*) number "port of BIND" "${BIND##*:}" 1 65535 ;;
*) refuse BIND "$BIND" "an address and port such as 127.0.0.1:8000, or unix:PATH" ;;
esac
app=functions.wsgi:app worker=shared.gunicorn.worker.Worker
number PROFILE "${PROFILE:=0}" 0 1
if [ "$PROFILE" = 1 ]; then # one request at a time, and no metrics
    app=tools.local.profiler:app worker=sync
elif [ -n "${METRICS_BIND:-}${METRICS_PATH:-}" ]; then
    export METRICS_BIND="${METRICS_BIND:-127.0.0.1:9464}"
    [ "${METRICS_BIND##*:}" != "${BIND##*:}" ] || refuse METRICS_BIND "$METRICS_BIND" "on another port than BIND"
    set -- --bind "$METRICS_BIND" "$@"
fi

python=${PYTHON:-python3}
"$python" -m shared.config # says in one line what is wrong with the settings
# Workers show that they are alive in files, which on a disk can take long, and a container may have none to write to.
if [ -w /dev/shm ]; then set -- --worker-tmp-dir /dev/shm "$@"; fi
# Idle connections are kept longer than load balancers do (60 s on AWS), else these send into one that closes.
# A worker has no more connections than files that it may open, 1,024 as a rule, and each of them may hold a head of
# 64 fields.
# No header of a client becomes a variable of WSGI such as SCRIPT_NAME.
exec "$python" -m gunicorn "$app" \
    --config python:shared.gunicorn.hooks \
    --bind "$BIND" \
    --workers "$WORKERS" \
    --worker-class "$worker" \
    --logger-class shared.gunicorn.hooks.Logger \
    --worker-connections 800 \
    --keep-alive 75 \
    --timeout "$TIMEOUT" \
    --graceful-timeout "$TIMEOUT" \
    --limit-request-fields 64 \
    --limit-request-field_size "$LIMIT_REQUEST_FIELD_SIZE" \
    --max-requests "$MAX_REQUESTS" \
    --forwarder-headers '' \
    --no-control-socket \
    --log-level warning \
    "$@"
