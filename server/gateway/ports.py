"""Finds out beforehand whether a port can be listened on, so that a taken one is one clear line and
not a stack of Envoy's logs."""

from __future__ import annotations

import errno
import socket

from server.gateway.errors import GatewayError


def require_free(address: str, port: int, setting: str) -> None:
    """Raises GatewayError naming the port and `setting` when nobody could listen on it now."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As Envoy does: connections of a process that has just ended do not keep the port from us.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            raise GatewayError(f"{setting}: {_reason(error, address, port)}") from None


def _reason(error: OSError, address: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {address} is already in use; stop what uses it or set another port"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights this process does not have; set a port above 1023"
    return f"cannot listen on {address} port {port}: {error.strerror}"
