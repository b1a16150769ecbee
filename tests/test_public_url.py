"""CARILLON_PUBLIC_URL, on which links are built."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.config import ConfigError, load


def test_without_one_links_lead_to_the_rest_port(tmp_path: Path) -> None:
    environ = {"CARILLON_REST_PORT": "8081"}
    assert load(environ, tmp_path).effective_public_url == "http://127.0.0.1:8081"
    for bind, url in (
        ("0.0.0.0", "http://127.0.0.1:8081"),  # noqa: S104
        ("::", "http://[::1]:8081"),
        ("192.0.2.1", "http://192.0.2.1:8081"),
    ):  # compared, not bound
        assert load({**environ, "CARILLON_BIND": bind}, tmp_path).effective_public_url == url


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("https://mail.example.com", "https://mail.example.com"),
        ("https://mail.example.com/", "https://mail.example.com"),
        ("https://example.com:8443/mail/", "https://example.com:8443/mail"),
        ("http://[2001:db8::1]:8080", "http://[2001:db8::1]:8080"),
    ],
)
def test_a_path_is_kept_and_a_last_slash_is_not(tmp_path: Path, given: str, used: str) -> None:
    assert load({"CARILLON_PUBLIC_URL": given}, tmp_path).effective_public_url == used


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.com",
        "ftp://mail.example.com",
        "https://",
        "https:///v1",
        "https://user@mail.example.com",
        "https://mail.example.com?x=1",
        "https://mail.example.com#x",
        "https://mail.example.com/a b",
        "https://mail.example.com/>",
        "https://mail.example.com\nBcc: x",
        "https://mail.example.com:99999",
        "https://[::1",
        "https://mail.exämple.com",
        "https://mail.example.com/" + "x" * 200,
    ],
)
def test_what_could_not_begin_a_link_is_refused_by_name(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="CARILLON_PUBLIC_URL"):
        load({"CARILLON_PUBLIC_URL": url}, tmp_path)
