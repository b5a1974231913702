"""Domain exceptions, raised by services and DAOs. `shared.web.problems` turns them into HTTP responses.

DomainError
├── InvalidInput
├── Unauthenticated
├── Forbidden
├── NotFound
├── Conflict
├── KeyReused
├── Stale
├── PreconditionMissing
├── UnreadableItem
└── Unavailable
"""

import msgspec


class FieldError(msgspec.Struct, frozen=True):
    """An error in one field of the input; `field` is empty if the input as a whole is wrong."""

    field: str
    message: str


class DomainError(Exception):
    """Base class of the domain exceptions. Clients see the message."""


class InvalidInput(DomainError):
    """The input breaks a rule."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.errors = [FieldError(field, message)]


class Unauthenticated(DomainError):
    """The request has no valid token.

    Attributes:
        scope: the scope that the request needs.
        code: an error code of RFC 6750, section 3.1; empty if the request has no token.
    """

    def __init__(self, message: str, scope: str, code: str = "") -> None:
        super().__init__(message)
        self.scope = scope
        self.code = code


class Forbidden(DomainError):
    """The token does not grant the scope; `scope` is None if no scope would be enough."""

    def __init__(self, message: str, scope: str | None) -> None:
        super().__init__(message)
        self.scope = scope


class NotFound(DomainError):
    """The item does not exist."""


class Conflict(DomainError):
    """Another item already has this key."""


class KeyReused(DomainError):
    """A create has the idempotency key of another one."""


class Stale(DomainError):
    """The item was changed after the caller read it."""


class PreconditionMissing(DomainError):
    """The request must name the version that it changes (RFC 6585, section 3)."""


class UnreadableItem(DomainError):
    """An attribute of a stored item is missing or malformed."""


class Unavailable(DomainError):
    """A service behind the app is unreachable or over its limit; a retry may succeed."""
