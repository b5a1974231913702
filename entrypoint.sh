#!/bin/sh
# Serve every module with gunicorn: what `make run` and the container start.
#
#   BIND                      address and port, or unix:PATH                       127.0.0.1:8000
#   WORKERS                   processes: as many as cores, and no more             1
#   THREADS                   requests that each of them answers at once           4
#   TIMEOUT                   seconds a client may take to send a request, and     30
#                             to take the answer; and a worker, to stop
#   LIMIT_REQUEST_FIELD_SIZE  bytes of one header field                            8190
#   MAX_REQUESTS              requests until a worker is replaced                  0, never
#   METRICS_PATH              where Prometheus finds the metrics                   nowhere
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
number THREADS "${THREADS:=4}" 1 64
number TIMEOUT "${TIMEOUT:=30}" 1 3600
number LIMIT_REQUEST_FIELD_SIZE "${LIMIT_REQUEST_FIELD_SIZE:=8190}" 256 65536
number MAX_REQUESTS "${MAX_REQUESTS:=0}" 0 9999999
number RELOAD "${RELOAD:=0}" 0 1
[ "$RELOAD" = 0 ] || set -- --reload "$@"
number PROFILE "${PROFILE:=0}" 0 1
app=functions.wsgi:app
if [ "$PROFILE" = 1 ]; then app=tools.profiled:app THREADS=1; fi # a process profiles one thread
case ${BIND:=127.0.0.1:8000} in
unix:?*) ;;
?*:*) number "port of BIND" "${BIND##*:}" 1 65535 ;;
*) refuse BIND "$BIND" "an address and port such as 127.0.0.1:8000, or unix:PATH" ;;
esac

if [ -n "${METRICS_PATH:-}" ]; then # the workers add them up in an empty folder
    PROMETHEUS_MULTIPROC_DIR=$(mktemp -d)
    export PROMETHEUS_MULTIPROC_DIR
fi

python=${PYTHON:-python3}
"$python" -m shared.config # says in one line what is wrong with the settings
# Workers show that they are alive in files, which on a disk can take long, and a container may have none to write to.
if [ -w /dev/shm ]; then set -- --worker-tmp-dir /dev/shm "$@"; fi
# Idle connections are kept longer than load balancers do (60 s on AWS), else these send into one that closes.
# A worker has no more connections than files that it may open, 1,024 as a rule.
exec "$python" -m gunicorn "$app" \
    --bind "$BIND" \
    --workers "$WORKERS" \
    --threads "$THREADS" \
    --worker-class shared.gunicorn_worker.Worker \
    --worker-connections 800 \
    --keep-alive 75 \
    --timeout "$TIMEOUT" \
    --graceful-timeout "$TIMEOUT" \
    --limit-request-field_size "$LIMIT_REQUEST_FIELD_SIZE" \
    --max-requests "$MAX_REQUESTS" \
    --no-control-socket \
    --log-level warning \
    "$@"
