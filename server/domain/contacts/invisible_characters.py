"""Finds characters that nobody sees: with one of them, two addresses or ids look the same and are
not."""

from __future__ import annotations

import re

# Controls, line and paragraph separators, half surrogate pairs, and Unicode's
# Default_Ignorable_Code_Point (DerivedCoreProperties.txt): zero-width and directional characters,
# variation selectors, fillers, tags. And three more that show as nothing: the blank Braille pattern
# and the marks around annotations.
_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f"
    "\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


def refuse_invisible(text: str) -> None:
    """Raises ValueError, with the code point, if there is an invisible character in the text. A
    space is not one of them."""
    found = _INVISIBLE.search(text)
    if found:
        raise ValueError(
            f"must not contain invisible characters, such as U+{ord(found.group()):04X}"
        )
