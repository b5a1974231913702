"""The addresses that the code of a function calls, and whether its network reaches them.

aws_rules/routes.py reads the network from the template, stand_in/deployed_network.py from the EC2 API.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import urlsplit

from deploy.project import REGION

URL_SETTINGS = ("AWS_ENDPOINT_URL_DYNAMODB", "AUTH_JWKS", "REDIS_URL")
"""Settings with a URL that the code calls.

AUTH_JWKS is not set behind API Gateway, whose authorizer fetches the keys itself.
"""

REFERENCES = ("secretsmanager", "ssm")
"""Schemes of settings that are a reference: the code calls the service of that name."""

ANYWHERE = {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}
NO_ROUTE = "no route"


class Address(NamedTuple):
    """An address, and the setting that names it."""

    setting: str
    host: str
    port: int = 443


INTERNET = Address("Egress", "the internet")
DYNAMODB = Address("AWS_REGION", "DynamoDB")


def addresses(variables) -> Iterator[Address]:
    """Yield the addresses that the code calls with these environment variables."""
    has_table = any(name.endswith("_TABLE") for name in variables)
    if has_table and "AWS_ENDPOINT_URL_DYNAMODB" not in variables:
        yield DYNAMODB
    for name, value in variables.items():
        scheme, _, rest = value.partition(":")
        if scheme in REFERENCES and rest:
            yield Address(name, f"{scheme}.{REGION}.amazonaws.com")
        elif name in URL_SETTINGS:
            url = urlsplit(re.sub(r"\$\{ResponseCache\.Endpoint\.(\w+)\}", _endpoint, value))
            yield Address(name, url.hostname, url.port or (6379 if "redis" in scheme else 443))


def _endpoint(found):
    return {"Address": "own.cache.amazonaws.com", "Port": "6379"}[found[1]]


class Rule(NamedTuple):
    """A rule of a security group: protocol, ports, and the CIDR blocks or groups on the other side."""

    protocol: str
    first: int
    last: int
    peers: frozenset

    def allows(self, port, peers):
        """Return whether the rule allows TCP on a port with one of the peers."""
        return bool(self.peers & set(peers)) and (
            self.protocol == "-1" or (self.protocol == "tcp" and self.first <= port <= self.last)
        )


@dataclass
class Network:
    """Subnets and security groups.

    Attributes:
        routes: what the route table of each subnet reaches: `dynamodb`, `ipv4`, `ipv6`.
        dual_stack: the subnets with a block of IPv6 addresses.
        egress, ingress: the rules of each security group.
        cache_groups: the security groups of the cache.
    """

    routes: dict = field(default_factory=dict)
    dual_stack: set = field(default_factory=set)
    egress: dict = field(default_factory=dict)
    ingress: dict = field(default_factory=dict)
    cache_groups: list = field(default_factory=list)

    def problems(self, vpc, called) -> Iterator[str]:
        """Yield the addresses that a function with the VpcConfig does not reach, with the reasons."""
        for address in called:
            if reason := self.problem(vpc, address):
                yield f"{address.host} ({address.setting}): {reason}"

    def problem(self, vpc, address):
        """Return why a function does not reach an address, or None."""
        if address.host.endswith(".cache.amazonaws.com"):
            return self._cache_problem(vpc["SecurityGroupIds"], address.port)
        if address == DYNAMODB and "dynamodb" in self._common_routes(vpc):
            return self._port_problem(vpc, "ipv4", address.port)
        found = [self._problem_over(family, vpc, address.port) for family in ANYWHERE]
        return None if None in found else next((each for each in found if each != NO_ROUTE), NO_ROUTE)

    def _common_routes(self, vpc):
        return set.intersection(*(self.routes.get(subnet, set()) for subnet in vpc["SubnetIds"]))

    def _problem_over(self, family, vpc, port):
        if family not in self._common_routes(vpc):
            return NO_ROUTE
        if family == "ipv6" and not self.dual_stack.issuperset(vpc["SubnetIds"]):
            return "a subnet has no IPv6 addresses"
        if family == "ipv6" and not vpc.get("Ipv6AllowedForDualStack"):
            return "the function is not allowed to use IPv6"
        return self._port_problem(vpc, family, port)

    def _port_problem(self, vpc, family, port):
        rules = [rule for group in vpc["SecurityGroupIds"] for rule in self.egress.get(group, [])]
        if any(rule.allows(port, [ANYWHERE[family]]) for rule in rules):
            return None
        return f"the security groups of the function block port {port}"

    def _cache_problem(self, groups, port):
        """Return why functions in the groups do not reach the cache, which may be in the same groups."""
        everywhere = ANYWHERE["ipv4"]
        sent = [rule for group in groups for rule in self.egress.get(group, [])]
        received = [rule for group in self.cache_groups for rule in self.ingress.get(group, [])]
        if not any(rule.allows(port, [*self.cache_groups, everywhere]) for rule in sent):
            return f"the security groups of the function block port {port}"
        if not any(rule.allows(port, [*groups, everywhere]) for rule in received):
            return f"the security groups of the cache block port {port}"
        return None
