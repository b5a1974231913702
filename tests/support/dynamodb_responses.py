"""Error responses and damaged responses of DynamoDB."""

import json

from support.dynamodb_proxy import StubResponse

JSON = {"Content-Type": "application/x-amz-json-1.0"}
HTML = b"<!DOCTYPE html>\n<html><body>Service Unavailable</body></html>"


def error(status, code, message="by design"):
    return StubResponse(status, json.dumps({"__type": code, "message": message}).encode(), JSON)


TEMPORARY = {
    "500 of DynamoDB": error(500, "com.amazonaws.dynamodb.v20120810#InternalServerError"),
    "500 of its framework": error(500, "com.amazon.coral.service#InternalFailure"),
    "500 with an unknown code": error(500, "SomethingNewException"),
    "500 with a code of the caller's": error(500, "ValidationException"),
    "500 empty": StubResponse(500, b""),
    "502 html": StubResponse(502, HTML, {"Content-Type": "text/html"}),
    "503 html": StubResponse(503, b"<html>no server is available</html>", {"Content-Type": "text/html"}),
    "503 empty object": StubResponse(503, b"{}", JSON),
    "503 list": StubResponse(503, b"[]", JSON),
    "503 null": StubResponse(503, b"null", JSON),
    "503 text": StubResponse(503, b'"down"', JSON),
    "503 not UTF-8": StubResponse(503, b"\xff\xfe", JSON),
    "503 cut short": StubResponse(503, b'{"__type"', JSON | {"Content-Length": "4000"}),
    "503 code is a list": StubResponse(503, b'{"__type": []}', JSON),
    "503 code is an object": StubResponse(503, b'{"__type": {}}', JSON),
    "503 code is a number": StubResponse(503, b'{"__type": 7}', JSON),
    "503 code is null": StubResponse(503, b'{"__type": null}', JSON),
    "503 nested": StubResponse(503, b"[" * 100_000, JSON),
    "504 text": StubResponse(504, b"upstream request timeout", {"Content-Type": "text/plain"}),
    "529": StubResponse(529, b"overloaded"),
    "599": StubResponse(599, b""),
    "429 html": StubResponse(429, b"<html>slow down</html>", {"Content-Type": "text/html"}),
    "429 empty": StubResponse(429, b""),
    "429 code": error(429, "TooManyRequestsException"),
    "400 without a code": StubResponse(400, b'{"message": "no"}', JSON),
    "403 html": StubResponse(403, HTML, {"Content-Type": "text/html"}),
    "407 html": StubResponse(407, HTML, {"Content-Type": "text/html"}),
    "301": StubResponse(301, b"", {"Location": "http://127.0.0.1:1/"}),
    "400 signature expired": error(
        400, "InvalidSignatureException", "Signature expired: 1 is now earlier than 2"
    ),
} | {
    f"400 {code}": error(400, code)
    for code in (
        "ExpiredTokenException",
        "InternalFailure",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "ReplicatedWriteConflictException",
        "RequestLimitExceeded",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailableException",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "TransactionConflict",
        "TransactionConflictException",
        "TransactionInProgress",
        "TransactionInProgressException",
    )
}

DAMAGED = {
    "html": StubResponse(200, HTML, {"Content-Type": "text/html"}),
    "empty": StubResponse(200, b"", JSON),
    "blank": StubResponse(200, b"\r\n", JSON),
    "truncated": StubResponse(200, b'{"Item": {"id": {"S": "a', JSON),
    "cut short": StubResponse(200, b'{"Item": {"id"', JSON | {"Content-Length": "4000"}),
    "null": StubResponse(200, b"null", JSON),
    "list": StubResponse(200, b"[]", JSON),
    "number": StubResponse(200, b"0", JSON),
    "text": StubResponse(200, b'"ok"', JSON),
    "two objects": StubResponse(200, b"{}{}", JSON),
    "not UTF-8": StubResponse(200, b"\xff{}", JSON),
    "nested": StubResponse(200, b"[" * 100_000, JSON),
    "another service's": StubResponse(200, b'{"message": "Please log in"}', JSON),
    "wrong checksum": StubResponse(200, b"{}", JSON | {"x-amz-crc32": "12345"}),
    "checksum that is no number": StubResponse(200, b"{}", JSON | {"x-amz-crc32": "abc"}),
    "item is a list": StubResponse(
        200, b'{"Item": ["a"], "Items": 1, "Responses": [1], "Attributes": [1]}', JSON
    ),
    "item is a text": StubResponse(
        200, b'{"Item": "a", "Items": "a", "Responses": "a", "Attributes": "a"}', JSON
    ),
    "attribute is a text": StubResponse(
        200,
        b'{"Item": {"id": "a"}, "Items": [{"id": "a"}], "Responses": {"t": [1]}, "Attributes": {"id": "a"}}',
        JSON,
    ),
    "201": StubResponse(201, b'{"created": true}', JSON),
    "204": StubResponse(204, b""),
    "206": StubResponse(206, b'{"It', JSON),
}
