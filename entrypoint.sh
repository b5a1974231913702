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
#   RELOAD                    1: restart workers when the code changes                  0
#   PROFILE                   1: print the ten slowest functions of each request        0
set -eu
cd "$(dirname "$0")"

fail() { # fail NAME VALUE EXPECTED: print a one-line error and exit with 1
    echo "settings: $1: '$2' is not $3" >&2
    exit 1
}
check_number() { # check_number NAME VALUE MIN MAX
    case $2 in '' | *[!0-9]* | ????????*) fail "$1" "$2" "a number from $3 to $4" ;; esac
    if [ "$2" -lt "$3" ] || [ "$2" -gt "$4" ]; then fail "$1" "$2" "a number from $3 to $4"; fi
}
check_number WORKERS "${WORKERS:=1}" 1 256
check_number TIMEOUT "${TIMEOUT:=30}" 1 3600
check_number LIMIT_REQUEST_FIELD_SIZE "${LIMIT_REQUEST_FIELD_SIZE:=8190}" 256 65536
check_number MAX_REQUESTS "${MAX_REQUESTS:=0}" 0 9999999
check_number RELOAD "${RELOAD:=0}" 0 1
[ "$RELOAD" = 0 ] || set -- --reload "$@"
case ${BIND:=127.0.0.1:8000} in
unix:?*) ;;
?*:*) check_number "port of BIND" "${BIND##*:}" 1 65535 ;;
*) fail BIND "$BIND" "an address with a port, such as 127.0.0.1:8000, or unix:PATH" ;;
esac
app=functions.wsgi:app worker=shared.gunicorn.worker.Worker
check_number PROFILE "${PROFILE:=0}" 0 1
if [ "$PROFILE" = 1 ]; then # serves one request at a time, without metrics
    app=tools.local.profiler:app worker=sync
elif [ -n "${METRICS_BIND:-}${METRICS_PATH:-}" ]; then
    export METRICS_BIND="${METRICS_BIND:-127.0.0.1:9464}"
    [ "${METRICS_BIND##*:}" != "${BIND##*:}" ] || fail METRICS_BIND "$METRICS_BIND" "on a different port than BIND"
    set -- --bind "$METRICS_BIND" "$@"
fi

python=${PYTHON:-python3}
"$python" -m shared.config # aborts with a one-line error if a setting is invalid
# Workers report that they are alive through a file. A disk may be slow, and a container's may be read-only.
if [ -w /dev/shm ]; then set -- --worker-tmp-dir /dev/shm "$@"; fi
# --keep-alive: longer than the idle timeout of a load balancer (60 s on AWS), which must close a connection first.
# --worker-connections: below the usual limit of 1,024 open files.
# --limit-request-fields: bounds the memory of a connection.
# --forwarder-headers: no client header can set a WSGI variable such as SCRIPT_NAME.
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
