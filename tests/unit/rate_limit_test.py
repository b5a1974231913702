"""The client whose requests the rate limit counts: an IPv4 address or an IPv6 network."""

import pytest

from shared.rate_limit import client_of


@pytest.mark.parametrize(
    ("address", "client"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:FFFF:FFFF:FFFF:FFFF", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_client_is_an_ipv4_address_or_an_ipv6_network(address, client):
    assert client_of(address) == client


@pytest.mark.parametrize("address", ["", "0.0.0.0", "::", "unix:", "203.0.113.7:80", "x" * 10_000])
def test_an_invalid_address_is_no_client(address):
    assert client_of(address) == ""
