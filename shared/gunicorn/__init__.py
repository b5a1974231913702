"""The service under gunicorn.

worker.py        the gevent worker: time limits, and errors as problem details
hooks.py         options, the logger class and the server hooks
request_body.py  reads the request body before calling the app
health_probe.py  the HEALTHCHECK of the container image
"""
