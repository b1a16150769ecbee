"""Every request is refused with all that is wrong with its fields, by the rules that stand in the protos."""

from __future__ import annotations

from tests.api.test_validation_fields import REQUIRED
from tests.api.untouched import MESSAGES, Untouched


async def test_all_missing_fields_are_named_at_once(untouched: Untouched) -> None:
    method = f"{MESSAGES}/ScheduleMessage"
    answer = await untouched.refuses(method, {"channel": "sms"})
    assert (answer.status, answer.fields) == (422, set(REQUIRED[method]) - {"channel"})
