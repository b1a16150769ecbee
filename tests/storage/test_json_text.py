"""JSON as it is kept: what `json.dumps` writes, in less time."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.model.json_text import json_writer

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)  # fmt: skip


@given(VALUES, st.booleans())
def test_it_is_what_the_library_writes(value: object, sort_keys: bool) -> None:
    expected = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort_keys)
    assert json_writer(sort_keys=sort_keys)(value) == expected


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_what_is_not_json_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_writer()({"deep": [number]})
