"""Requests in protobuf that no honest client sends: made of the descriptor, of a good request with
something changed in it, or of bytes alone."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from tests.support.hostile.values import EDGES, NUMBERS, text

DEEPEST = 40
"""How far messages go into one another; protobuf reads 100."""
_SIGNED32 = {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32}
_UNSIGNED32 = {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32}
_UNSIGNED64 = {FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64}


def hostile_message(good: Message, chance: Random) -> bytes:
    """What goes over the wire in place of a good request."""
    return chance.choice(_WAYS)(good, chance)


def _changed(good: Message, chance: Random) -> bytes:
    changed = type(good)()
    changed.CopyFrom(good)
    fields = _fields(changed)
    for field in chance.sample(fields, min(len(fields), chance.choice((1, 1, 1, 2, 3)))):
        changed.ClearField(field.name)
        if chance.random() < 0.9:
            _fill(changed, field, chance, 0)
    return changed.SerializeToString()


def _invented(good: Message, chance: Random) -> bytes:
    invented = type(good)()
    for field in _fields(invented):
        if chance.random() < 0.7:
            _fill(invented, field, chance, 0)
    return invented.SerializeToString()


def _damaged(good: Message, chance: Random) -> bytes:
    data = bytearray(good.SerializeToString())
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(4):
            case 0:
                del data[at:]
            case 1:
                data[at : at + 1] = chance.randbytes(1)
            case 2:
                data[at:at] = chance.randbytes(chance.choice((1, 4, 300)))
            case _:
                data[at:at] = data[: chance.randrange(len(data) + 1)]
    return bytes(data)


def _bytes(good: Message, chance: Random) -> bytes:
    return chance.randbytes(chance.choice((1, 2, 7, 60, 1000, 20000)))


def _with_unknown(good: Message, chance: Random) -> bytes:
    """Fields that nobody has defined: numbers, text, and groups in groups."""
    number = chance.choice((15, 99, 19000, 2**29 - 1))
    unknown = (
        _varint(number << 3) + _varint(chance.choice(EDGES) % 2**64),
        _varint(number << 3 | 2) + _varint(3) + b"abc",
        _varint(number << 3 | 2) + _varint(2**31 - 1),
        _varint(number << 3 | 3) * 90 + _varint(number << 3 | 4) * 90,
        _varint(number << 3 | 3) * 2000,
        _varint(0) + b"\x00",
        _varint(number << 3 | 7),
        b"\xff" * 11,
    )
    return good.SerializeToString() + chance.choice(unknown) * chance.choice((1, 1, 50))


_WAYS: tuple[Callable[[Message, Random], bytes], ...] = (
    _changed,
    _changed,
    _changed,
    _invented,
    _damaged,
    _with_unknown,
    _bytes,
)


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _fields(message: Message) -> list[FieldDescriptor]:
    descriptor: Any = message.DESCRIPTOR
    return list(descriptor.fields)


def _fill(message: Any, field: FieldDescriptor, chance: Random, depth: int) -> None:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        _fill_map(getattr(message, field.name), field, chance, depth)
    elif field.is_repeated:
        items = getattr(message, field.name)
        for _ in range(chance.choice((1, 2, 5, 200 if depth == 0 else 3))):
            if field.message_type is None:
                items.append(_scalar(field, chance))
            else:
                _fill_message(items.add(), chance, depth + 1)
    elif field.message_type is not None:
        getattr(message, field.name).SetInParent()
        _fill_message(getattr(message, field.name), chance, depth + 1)
    else:
        setattr(message, field.name, _scalar(field, chance))


def _fill_message(message: Any, chance: Random, depth: int) -> None:
    if depth > DEEPEST:
        return
    fields = _fields(message)
    # Of a Value one field counts; the rarer the deeper, or it would never end.
    for field in chance.sample(fields, min(len(fields), chance.choice((1, 2, 9)))):
        if depth < 3 or chance.random() < 0.5:
            _fill(message, field, chance, depth)


def _fill_map(items: Any, field: FieldDescriptor, chance: Random, depth: int) -> None:
    entry: Any = field.message_type
    value = entry.fields_by_name["value"]
    for _ in range(chance.choice((0, 1, 3, 100 if depth < 2 else 1))):
        key = text(chance)
        if value.message_type is None:
            items[key] = _scalar(value, chance)
        else:
            _fill_message(items[key], chance, depth + 1)


def _scalar(field: FieldDescriptor, chance: Random) -> Any:
    kind = field.type
    if kind == FieldDescriptor.TYPE_STRING:
        return text(chance)
    if kind == FieldDescriptor.TYPE_BYTES:
        return chance.randbytes(chance.choice((0, 1, 60, 5000)))
    if kind == FieldDescriptor.TYPE_BOOL:
        return chance.random() < 0.5
    if kind == FieldDescriptor.TYPE_ENUM:
        return chance.choice((0, 1, 2, 3, 99, -1, 2**31 - 1))
    if kind in {FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT}:
        return chance.choice(NUMBERS)
    return _integer(kind, chance.choice(EDGES))


def _integer(kind: int, number: int) -> int:
    if kind in _UNSIGNED64:
        return number % 2**64
    if kind in _UNSIGNED32:
        return number % 2**32
    bits = 32 if kind in _SIGNED32 else 64
    half = 1 << (bits - 1)
    return (number + half) % (2 * half) - half
