#!/bin/sh
# Serve every module with gunicorn: what `make run` and the container start.
#
#   BIND                      address and port, or unix:PATH       127.0.0.1:8000
#   WORKERS                   processes                            1
#   TIMEOUT                   seconds a request may take           30
#   LIMIT_REQUEST_FIELD_SIZE  bytes of one header field            8190
#   MAX_REQUESTS              requests until a worker is replaced  0, never
#   RELOAD                    1: replace workers as code changes   0
set -eu
cd "$(dirname "$0")"

number() { # number NAME VALUE LEAST: one line and exit code 1 unless it is a number, at least that
    case $2 in '' | *[!0-9]* | ????????*) bad=1 ;; *) bad=0 ;; esac
    if [ "$bad" = 1 ] || [ "$2" -lt "$3" ]; then
        echo "settings: $1: '$2' is not a number from $3" >&2
        exit 1
    fi
}
number WORKERS "${WORKERS:=1}" 1
number TIMEOUT "${TIMEOUT:=30}" 1
number LIMIT_REQUEST_FIELD_SIZE "${LIMIT_REQUEST_FIELD_SIZE:=8190}" 1
number MAX_REQUESTS "${MAX_REQUESTS:=0}" 0
number RELOAD "${RELOAD:=0}" 0
[ "$RELOAD" = 0 ] || set -- --reload

python=${PYTHON:-python3}
"$python" -m shared.config # says in one line what is wrong with the settings
exec "$python" -m gunicorn functions.wsgi:app \
    --bind "${BIND:=127.0.0.1:8000}" \
    --workers "$WORKERS" \
    --timeout "$TIMEOUT" \
    --limit-request-field_size "$LIMIT_REQUEST_FIELD_SIZE" \
    --max-requests "$MAX_REQUESTS" \
    --no-control-socket \
    --log-level warning "$@"
