"""The service under gunicorn.

worker.py        the gevent worker: errors as problems, time limits
hooks.py         the logger class and the server hooks
request_body.py  reads a request's body before the app is called
health_probe.py  the HEALTHCHECK of the image
"""
