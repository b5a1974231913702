"""Authentication and scopes.

scopes.py  @require_scope, and the check before every request
tokens.py  verification of bearer tokens
jwks.py        the issuer's public keys
jwks_fetch.py  one fetch of them, with a time limit
"""
