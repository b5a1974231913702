"""A Flask app as a Lambda function: serverless-wsgi, with corrected input and output.

handler.py    make_handler(app): from the event to the response
events.py     sources of HTTP events: HTTP API, REST API, load balancer, function URL
requests.py   the HTTP request in an event, one function per source
fields.py     headers, query string and body of an event
caller.py     address and verified claims of the caller
responses.py  the response, one function per source
"""

from shared.lambda_adapter.handler import make_handler

__all__ = ["make_handler"]
