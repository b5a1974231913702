"""Valid trace headers, W3C and X-Ray."""

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"
ROOT_ID = "1-5759e988-bd862e3fe1be46a994272793"
XRAY = f"Root={ROOT_ID};Parent=53995c3f42cd8ad8;Sampled=1"
