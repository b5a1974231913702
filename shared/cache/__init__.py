"""The response cache in Redis.

decorators.py       @cached and @invalidates, for controllers
keys.py             the keys in Redis
store.py            generations, entries and locks in Redis
entry.py            a cached response: its metadata, freshness and bytes
single_flight.py    one request loads an entry, the others wait
response.py         the response to a cache hit
redis_client.py     the client that the settings name
redis_pool.py       the pool of connections
redis_connection.py connections with time limits
redis_replies.py    checks of the replies
redis_iam.py        ElastiCache's IAM authentication
circuit_breaker.py  leaves a failing Redis alone
"""
