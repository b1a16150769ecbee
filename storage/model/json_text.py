"""Writes JSON as it is kept and fingerprinted: without spaces, characters as they are."""

from __future__ import annotations

from collections.abc import Callable
from json import JSONEncoder
from json.encoder import c_make_encoder, encode_basestring  # type: ignore[attr-defined]


def json_writer(*, sort_keys: bool = False) -> Callable[[object], str]:
    """A function that writes a value as JSON text, and raises ValueError for NaN and infinities,
    which are not JSON.

    `JSONEncoder.encode` makes the part of it that is written in C anew at each call, which takes
    longer than writing a small object does.
    """
    encoder = JSONEncoder(
        ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=sort_keys
    )
    if c_make_encoder is None:  # another Python than CPython
        return encoder.encode
    chunks = c_make_encoder(
        None, encoder.default, encode_basestring, None, ":", ",", sort_keys, False, False
    )
    return lambda value: "".join(chunks(value, 0))
