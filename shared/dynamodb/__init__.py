"""DynamoDB for DAOs, on top of PynamoDB.

tables.py              binds a model to a stage's table, gets items and runs queries
items.py               reads the attributes of raw items and collects pages of a list
conditional_writes.py  creates, replaces and deletes items that have versions
batches.py             batch reads and writes with retries
errors.py              maps PynamoDB exceptions to domain exceptions
connection.py          timeouts, credentials, response validation and metrics
"""
