"""Tells the clients of the gateway apart, before it is known who calls."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

from server.api.interceptors.call import Metadata

FORWARDED_FOR = "x-forwarded-for"
"""The gateway adds the address of its client as the last one."""
_HOST_BITS = 64
"""Of an address of IPv6: who has one has all that differ in these alone."""


def client_of(metadata: Metadata) -> str:
    """The network of the client that sent a call through the gateway. Empty for those who call
    gRPC directly, or come from a socket: they count as one. Behind a load balancer all are one too,
    since its address is the client's."""
    said = [value for key, value in metadata if key == FORWARDED_FOR and isinstance(value, str)]
    last = said[-1].rpartition(",")[2].strip() if said else ""
    try:
        address = ip_address(last)
    except ValueError:
        return ""
    if isinstance(address, IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or int(address) >> _HOST_BITS)
