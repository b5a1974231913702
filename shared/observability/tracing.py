"""Trace headers: W3C `traceparent` and X-Ray's `X-Amzn-Trace-Id`. A malformed header is ignored.

No SDK is needed: Lambda writes the segments, botocore forwards X-Ray's header to DynamoDB, and every log
record includes the trace id. An HTTP API writes no segment.
"""

import re
import secrets

from shared.observability.context import request_context

TRACEPARENT = r"(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
XRAY_ROOT = r"Root=(1-[0-9a-f]{8}-[0-9a-f]{24})(?![^;])"


def valid_traceparent(header: str) -> str:
    """Return the header as version 00, `00-<32 digits>-<16 digits>-<2 digits>`, or empty if it is invalid.

    https://www.w3.org/TR/trace-context/#traceparent-header. The fields that a later version adds are removed.
    """
    match = re.match(TRACEPARENT, header)
    if not match:
        return ""
    rest = header[match.end() :]
    is_valid = not rest or (match[1] != "00" and rest[0] == "-")
    return f"00{match[0][2:]}" if is_valid else ""


def xray_root(header: str) -> str:
    """Return the trace id in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=...;Sampled=1`, or empty.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    match = re.search(XRAY_ROOT, header)
    return match[1] if match else ""


def trace_headers() -> dict[str, str]:
    """Return the headers that add an outgoing request to the current trace.

    They are built from the validated trace id and the sampled flag, so that no client text is forwarded.
    """
    ctx = request_context()
    headers = {}
    if ctx.traceparent:
        _, trace_id, _, flags = ctx.traceparent.split("-")
        headers["traceparent"] = f"00-{trace_id}-{secrets.token_hex(8)}-{int(flags, 16) & 1:02x}"
    if root := xray_root(ctx.xray):
        headers["X-Amzn-Trace-Id"] = f"Root={root}"
    return headers
