"""DynamoDB for DAOs.

tables.py      binds a PynamoDB model to a table of the stage
items.py       queries and items in DynamoDB's own form
batches.py     batches with retries
errors.py      DynamoDB's errors as domain exceptions
connection.py  time limits, and checks of every response
"""
