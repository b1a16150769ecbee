"""Origins that may be allowed are those that a browser sends."""

from __future__ import annotations

import pytest

from server.config.origins import origins_in


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("https://app.example.com", ("https://app.example.com",)),
        (
            "http://localhost:3000, https://127.0.0.1:8443",
            ("http://localhost:3000", "https://127.0.0.1:8443"),
        ),
        (
            "https://[2001:db8::1]:8443,https://xn--strae-oqa.example.com",
            ("https://[2001:db8::1]:8443", "https://xn--strae-oqa.example.com"),
        ),
    ],
)
def test_origins_are_a_list_with_commas(text: str, origins: tuple[str, ...]) -> None:
    assert origins_in(text) == origins


@pytest.mark.parametrize(
    "text",
    [
        "*",
        "null",
        "app.example.com",
        "https://",
        "https://*.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://straße.example.com",
        "https://user@app.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "http://app.example.com:0",
        "http://app.example.com:65536",
        "ftp://app.example.com",
        "https://app.example.com,",
        "https://a.example.com https://b.example.com",
        "https://app.example.com?x",
    ],
)
def test_what_no_browser_sends_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not an origin as browsers send it"):
        origins_in(text)
