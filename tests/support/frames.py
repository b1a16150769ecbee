"""HTTP/2 as bytes (RFC 9113, RFC 7541), for what no client would send."""

from __future__ import annotations

from collections.abc import Mapping

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, SETTINGS = 0, 1, 4
END_STREAM, END_HEADERS = 1, 4
GRPC = {
    ":method": b"POST",
    ":scheme": b"http",
    ":authority": b"x",
    "te": b"trailers",
    "content-type": b"application/grpc",
}


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """One frame."""
    length = len(payload).to_bytes(3, "big")
    return length + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def opening() -> bytes:
    """What a client says first."""
    return PREFACE + frame(SETTINGS, 0, 0, b"")


def head(headers: Mapping[str, bytes]) -> bytes:
    """The head of a gRPC call, each header spelled out."""
    fields = {**GRPC, **headers}
    return b"".join(
        b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value
        for name, value in sorted(fields.items())
    )
