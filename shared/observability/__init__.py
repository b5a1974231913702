"""Logs, metrics and traces.

context.py      per-request ids and counters
request_log.py  one record per request, for logs and metrics
log_formats.py  the record as a line of JSON or text
logs.py         the process's log
metrics.py      CloudWatch metrics in the log line (EMF)
prometheus.py   the same metrics for Prometheus
tracing.py      W3C and X-Ray trace headers
"""
