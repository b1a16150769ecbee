"""Whom the gateway says that a call is from."""

from __future__ import annotations

import pytest

from server.api.interceptors.clients import client_of

FORWARDED = "x-forwarded-for"


@pytest.mark.parametrize(
    ("said", "client"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ("10.9.9.9, 10.0.0.1", "10.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("nobody", ""),
        ("10.0.0.1,", ""),
        ("", ""),
    ],
)
def test_a_client_is_the_last_address(said: str, client: str) -> None:
    assert client_of(((FORWARDED, "10.1.1.1"), (FORWARDED, said))) == client


def test_addresses_of_one_network_of_ipv6_are_one_client() -> None:
    one, same, other = (
        client_of(((FORWARDED, address),))
        for address in ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")
    )
    assert one == same != other
    assert client_of(()) == ""
