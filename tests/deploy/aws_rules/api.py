"""The API and the dashboard: names, quotes, preflight requests."""

import json
import re
from collections.abc import Iterator

from tools.deploy.template import PSEUDO, ResolvedTemplate


def preflights(template) -> Iterator[str]:
    """Yield OPTIONS routes beside the CORS configuration of the API, which responds to preflight requests."""
    resolved = ResolvedTemplate(template, CorsOrigins="https://app.example.com")
    for route in resolved.of_type("ApiGatewayV2::Route").values():
        if route["RouteKey"].startswith("OPTIONS "):
            yield f"{route['RouteKey']}: takes preflight requests away from the API"


def access_log(template) -> Iterator[str]:
    """Yield values of the access log that can break its JSON: API Gateway does not escape quotes."""
    for stage in ResolvedTemplate(template).of_type("ApiGatewayV2::Stage").values():
        for name, value in json.loads(stage["AccessLogSettings"]["Format"]).items():
            if value in {"$context.path", "$context.identity.userAgent", "$context.error.messageString"}:
                yield f"{name}: {value} can contain quotes"


def global_names(template) -> Iterator[str]:
    """Yield dashboards that clash with those of the same stage in another region."""
    for name, each in ResolvedTemplate(template).of_type("CloudWatch::Dashboard").items():
        if PSEUDO["AWS::Region"] not in each["DashboardName"]:
            yield f"{name}: dashboards are global, and the name contains no region"


def searches(template) -> Iterator[str]:
    """Yield SEARCH expressions whose names are not quoted, which they must be if they contain a hyphen.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/search-expression-syntax.html
    """
    for each in ResolvedTemplate(template).of_type("CloudWatch::Dashboard").values():
        text = each["DashboardBody"].replace('\\"', "'")  # JSON in JSON: its quotes are escaped
        for schema, terms in re.findall(r"SEARCH\('\{(.*?)\} (.*?)', '", text):
            names = [*schema.split(","), *re.findall(r"MetricName=([^\s)]+)", terms)]
            yield from (f"{name} is not quoted" for name in names if not re.fullmatch(r"'[^']+'", name))
