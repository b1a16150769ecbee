"""Reads where servers listen, and where they are reached from."""

from __future__ import annotations

import ipaddress

from server.config.values import EVERY_ADDRESS, ip_address

UNIX = "unix:"
LONGEST_SOCKET = 107
"""Bytes of the path of a Unix socket (unix(7), without the NUL)."""


def ip_or_socket(value: str) -> str:
    """Checks an address to listen on, or `unix:` and the path of a socket."""
    if not value.startswith(UNIX):
        return ip_address(value)
    path = value.removeprefix(UNIX)
    if not path.startswith("/") or len(path.encode()) > LONGEST_SOCKET:
        raise ValueError(
            f"{value!r} is not unix: and an absolute path of at most {LONGEST_SOCKET} bytes"
        )
    return value


def reached(bind: str) -> str:
    """Where a server that is bound so is reached from this host: loopback when it is bound to every
    address."""
    address = str(ipaddress.ip_address(bind))
    return EVERY_ADDRESS.get(address, address)


def in_url(address: str) -> str:
    """An IP address as it is written before a port."""
    return f"[{address}]" if ":" in address else address
