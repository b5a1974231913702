"""Code that all modules share. It imports no module.

app.py           create_app(settings): the Flask factory
errors.py        domain exceptions
validation.py    validation of input against msgspec types
pagination.py    cursors of lists
revisions.py     changes of items that have revisions
config/          settings, the only reader of the environment
web/             requests, responses, problems, headers, health, openapi
auth/            scopes, tokens, JWKS
cache/           cached responses in Redis
dynamodb/        DynamoDB access for DAOs
observability/   logs, metrics, tracing
rate_limit.py    limits the requests of each client
lambda_adapter/  the app as a Lambda function
gunicorn/        the app under gunicorn
clock.py  constants.py  deadline.py  lazy.py  socket_poll.py
"""
