"""What may be registered as a push subscription."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from server.domain.contacts.push_subscriptions import (
    check_auth,
    check_endpoint,
    check_p256dh,
    decode,
    encode,
    is_public,
)
from server.domain.validation import Checks
from tests.support.channels.browser import Browser


def fault(check: Callable[[Checks, str, str], str], text: str) -> str:
    """What is wrong with the text; empty if nothing is."""
    checks = Checks()
    check(checks, "field", text)
    return checks.violations[0].message if checks.violations else ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "https://fcm.googleapis.com/fcm/send/abc:def-_",
        "https://updates.push.services.mozilla.com/wpush/v2/gAAA",
        "https://push.example.net:8443/x?token=y",
        "https://8.8.8.8/x",
        "https://[2606:4700::1111]/x",
    ],
)
def test_an_endpoint_is_an_https_url_of_a_public_host(endpoint: str) -> None:
    assert fault(check_endpoint, endpoint) == ""


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://push.example.net/x",
        "push.example.net/x",
        "https://",
        "https://push.example.net:0/x",
        "https://push.example.net:99999/x",
        "https://ada:pw@push.example.net/x",
        "https://push.example.net/x#y",
        "https://push.example.net/a b",
        "https://b\u00fccher.example/x",
        "https://localhost/x",
        "https://api.localhost/x",
        "https://intranet/x",
        "https://intranet./x",
        "https://127.0.0.1/x",
        "https://2130706433/x",
        "https://10.1.2.3/x",
        "https://169.254.169.254/latest/meta-data",
        "https://[::1]/x",
        "https://[::ffff:10.0.0.1]/x",
        "https://[fe80::1]/x",
    ],
)
def test_another_endpoint_is_refused(endpoint: str) -> None:
    assert fault(check_endpoint, endpoint)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("0.0.0.0", False),  # noqa: S104  # compared, not bound
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::", False),
        ("::1", False),
        ("fc00::1", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::a00:1", False),
        ("2002:a00:1::1", False),
        ("2001:0:a00:1::1", False),
    ],
)
def test_public_addresses_reach_nothing_of_ours(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_keys_are_a_point_of_the_curve_and_sixteen_bytes() -> None:
    browser = Browser()
    assert fault(check_p256dh, encode(browser.point)) == ""
    assert fault(check_auth, encode(browser.auth)) == ""
    off_the_curve = browser.point[:-1] + bytes([browser.point[-1] ^ 1])
    for octets in (off_the_curve, browser.point[:-1], browser.point + b"x", b"", bytes(65)):
        assert "P-256" in fault(check_p256dh, encode(octets))
    for octets in (browser.auth[:-1], browser.auth + b"x", b""):
        assert "16 bytes" in fault(check_auth, encode(octets))
    for text in ("&" * 22, "\u00e9" * 22, "a"):
        assert fault(check_auth, text)
        assert fault(check_p256dh, text)


def test_both_alphabets_are_read_and_one_is_kept() -> None:
    secret = b"\xfb\xff" * 8
    padded = base64.b64encode(secret).decode()
    assert "+" in padded
    assert padded.endswith("=")
    assert check_auth(Checks(), "auth", padded) == encode(secret) == encode(decode(padded))
