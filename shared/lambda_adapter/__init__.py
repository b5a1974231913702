"""A Flask app as a Lambda function: serverless-wsgi, with its input and output corrected.

handler.py    make_handler(app)
events.py     the source of an event: HTTP API, REST API, load balancer, function URL
requests.py   the HTTP request in an event, one function per source
fields.py     headers, query and body of an event
caller.py     the caller's address and verified claims
responses.py  the response, one function per source
"""

from shared.lambda_adapter.handler import make_handler

__all__ = ["make_handler"]
