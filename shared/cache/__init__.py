"""The response cache in Redis.

decorators.py         @cached and @invalidates, the decorators for views
keys.py               the keys in Redis and what they mean
entry.py              a cached response: metadata, freshness rules, serialization
store.py              reads and writes generations, entries and locks
single_flight.py      lets one request load an entry while the others wait
response.py           builds the response to a cache hit
circuit_breaker.py    stops calls to Redis while it fails or is slow
redis_client.py       creates the Redis client from the settings
redis_pool.py         pools connections and pipelines commands
redis_connection.py   connections with a deadline
redis_replies.py      validates the types of Redis replies
redis_iam.py          ElastiCache IAM authentication
"""
