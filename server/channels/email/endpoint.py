"""Reads from `smtp_url` which mail server to speak to, and how safely."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from server.config import is_loopback

_DEFAULT_PORTS = {"smtps": 465, "smtp": 587}


@dataclass(frozen=True, slots=True)
class SmtpEndpoint:
    """Where to connect, and as whom."""

    host: str
    port: int
    implicit_tls: bool
    """TLS from the first byte, as `smtps://` says."""
    starttls_required: bool
    """STARTTLS or nothing. Only a server on this machine may go without; there it is used where it
    is offered."""
    username: str | None = None
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> SmtpEndpoint:
        """From `smtp://[user:password@]host[:port]` or `smtps://…`, user and password
        percent-encoded. Raises ValueError, which names neither of them."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("not a URL with a host and a port") from None
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("not of the form smtp://host or smtps://host")
        _require_resolvable(parts.hostname)
        return cls(
            host=parts.hostname,
            port=port or _DEFAULT_PORTS[parts.scheme],
            implicit_tls=parts.scheme == "smtps",
            starttls_required=parts.scheme == "smtp" and not is_loopback(parts.hostname),
            username=None if parts.username is None else unquote(parts.username),
            password=unquote(parts.password or ""),
        )


def _require_resolvable(host: str) -> None:
    try:
        host.encode("idna")
    except UnicodeError:
        raise ValueError("the host could not be a name in the DNS") from None
