"""Whom limits count together."""

import pytest

from webapp.limits import network


@pytest.mark.parametrize(
    ('address', 'counted'),
    [
        ('192.0.2.1', '192.0.2.1'),
        ('::ffff:192.0.2.1', '192.0.2.1'),
        ('2001:db8:0:1:2:3:4:5', '2001:db8:0:1::/64'),
        ('2001:db8:0:1::9', '2001:db8:0:1::/64'),
        ('fe80::1%eth0', 'fe80::/64'),
        ('', ''),
        ('unknown', 'unknown'),
    ],
)
def test_an_address_counts_as_the_network_of_one_customer(address: str, counted: str) -> None:
    assert network(address) == counted
