"""The trace that a request belongs to: W3C's `traceparent`, and X-Ray's header.

No SDK is needed: API Gateway and Lambda write the segments, botocore passes X-Ray's header on to DynamoDB,
and every line of the log names the trace. A header that is malformed is as good as absent.
"""

import re
import secrets

from shared.observability.context import request_context

TRACEPARENT = re.compile(r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
XRAY_ROOT = re.compile(r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?![^;])")


def valid_traceparent(header: str) -> str:
    """The header, `00-<32 digits>-<16 digits>-<2 digits>`, if it is valid, else empty.

    https://www.w3.org/TR/trace-context/#traceparent-header; what a version after 00 adds is left out.
    """
    found = TRACEPARENT.match(header)
    if not found:
        return ""
    rest = header[found.end() :]
    is_valid = not rest or (found[1] != "00" and rest[0] == "-")
    return f"00{found[0][2:]}" if is_valid else ""


def xray_root(header: str) -> str:
    """The trace id in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=...;Sampled=1`, or empty.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    found = XRAY_ROOT.search(header)
    return found[1] if found else ""


def trace_headers() -> dict[str, str]:
    """Return the headers that put a request to another service into the current trace.

    They are built here, from the trace id and the sampled flag: no text of a client leaves the service.
    """
    request = request_context()
    headers = {}
    if request.traceparent:
        _, trace_id, _, flags = request.traceparent.split("-")
        headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-{int(flags, 16) & 1:02x}"
    if root := xray_root(request.xray):
        headers["X-Amzn-Trace-Id"] = f"Root={root}"
    return headers
