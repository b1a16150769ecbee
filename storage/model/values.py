"""Types that records are made of."""

from __future__ import annotations

JsonObject = dict[str, object]
