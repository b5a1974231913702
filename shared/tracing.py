"""Which trace a request belongs to: W3C's `traceparent`, and X-Ray's header.

No SDK is needed: API Gateway and Lambda write the segments, botocore passes X-Ray's header on to DynamoDB,
and every line of the log names the trace. A header that is malformed is as good as absent.
"""

from shared.observed import observed

HEX = "0123456789abcdef"

ROOT_LENGTH = len("1-5759e988-bd862e3fe1be46a994272793")


def valid_traceparent(header: str) -> str:
    """The header, `00-<32 digits>-<16 digits>-<2 digits>`, if it is valid, else empty.

    https://www.w3.org/TR/trace-context/#traceparent-header; what a version after 00 adds is left out.
    """
    version, trace_id, parent_id, flags = (*header[:55].split("-"), "", "", "", "")[:4]
    rest = header[55:]
    is_valid = (
        (len(version), len(trace_id), len(parent_id), len(flags)) == (2, 32, 16, 2)
        and not (version + trace_id + parent_id + flags).strip(HEX)
        and version != "ff"
        and trace_id.strip("0")
        and parent_id.strip("0")
        and (not rest or (version != "00" and rest[0] == "-"))
    )
    return f"00-{trace_id}-{parent_id}-{flags}" if is_valid else ""


def xray_root(header: str) -> str:
    """The trace id in `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=...;Sampled=1`, or empty.

    https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    start = header.find("Root=1-") + len("Root=")
    root, behind = header[start : start + ROOT_LENGTH], header[start + ROOT_LENGTH :]
    is_valid = len(root) == ROOT_LENGTH and root[1] == root[10] == "-" and not behind[:1].strip(";")
    return root if is_valid and not (root[2:10] + root[11:]).strip(HEX) and root[0] == "1" else ""


def trace_headers() -> dict[str, str]:
    """What a request of ours to another service carries, so that it belongs to the same trace."""
    request = observed()
    headers = {"traceparent": request.traceparent, "X-Amzn-Trace-Id": request.xray}
    return {name: value for name, value in headers.items() if value}
