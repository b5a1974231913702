"""Authentication and authorization of requests.

scopes.py      @require_scope, and its enforcement before every request
tokens.py      verification of bearer tokens (JWT)
jwks.py        the cache of the issuer's public keys
jwks_fetch.py  one fetch of these keys, with a time limit and a size limit
"""
