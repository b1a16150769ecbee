"""Requests of every method with values at the edges of their rules."""

from __future__ import annotations

from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

from server.api.policies import service_descriptors

REQUESTS = {
    method.input_type.full_name: method.input_type
    for service in service_descriptors()
    for method in service.methods
    # What is not read by the rules of a proto.
    if method.input_type.full_name != "google.api.HttpBody"
}

_CHARACTERS = (
    "aZ9._- \t\n\r\x00\x1c\x1f\x7f\x80\x85\xa0\xad"
    "\u0130\u1680\u200b\u2003\u2028\u202f\u205f\u3000\ufeff日😀"
)
_TEXTS = st.one_of(
    st.text(_CHARACTERS, max_size=6),
    st.sampled_from(["", "welcome", "ana@example.com", "pt-BR", "a-123456789", "Europe/Lisbon"]),
    st.builds(
        str.__mul__, st.sampled_from("a日😀 "), st.sampled_from([127, 128, 129, 200, 201, 512, 513])
    ),
)
_NUMBERS = st.sampled_from([-(2**31), -1, 0, 1, 50, 200, 100_000, 100_001, 31_536_001, 2**31 - 1])
_SCALARS: dict[int, st.SearchStrategy[Any]] = {
    FieldDescriptor.CPPTYPE_STRING: _TEXTS,
    FieldDescriptor.CPPTYPE_INT32: _NUMBERS,
    FieldDescriptor.CPPTYPE_DOUBLE: st.sampled_from(
        [0.0, 0.009, 0.01, 1.0, 100_000.0, 100_000.5, float("nan"), float("inf")]
    ),
    FieldDescriptor.CPPTYPE_BOOL: st.booleans(),
    FieldDescriptor.CPPTYPE_ENUM: st.sampled_from([0, 1, 2, 3, 4, 9, -1]),
}


def messages_of(descriptor: Descriptor) -> st.SearchStrategy[Message]:
    """Messages in which each field is absent, good or bad."""
    made = message_factory.GetMessageClass(descriptor)
    fields = {field.name: _values_of(field) for field in descriptor.fields}
    return st.fixed_dictionaries({}, optional=fields).map(lambda values: made(**values))


def _values_of(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    if field.message_type is None:
        one = _SCALARS[field.cpp_type]
    elif field.message_type.full_name.startswith("google.protobuf."):
        one = st.just(message_factory.GetMessageClass(field.message_type)())
    else:
        one = messages_of(field.message_type)
    return st.lists(one, max_size=3) if field.is_repeated else one
