"""Lists of sequences and enrollments."""

from __future__ import annotations

from typing import Any

from tests.api.test_sequences import SEQUENCES, enroll
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import ok, put_sequence


async def test_enrollments_are_found_by_sequence_person_and_status(
    idle_api: Caller, brand: str
) -> None:
    first, second = [await put_sequence(idle_api, brand) for _ in range(2)]
    ann, again = [await enroll(idle_api, brand, each) for each in (first, second)]
    bob = await enroll(idle_api, brand, first, "bob")
    await ok(idle_api, f"{SEQUENCES}/CancelEnrollment", {"id": bob["id"]})

    async def found(**where: Any) -> list[str]:
        page = await ok(idle_api, f"{SEQUENCES}/ListEnrollments", where)
        return [each["id"] for each in page["data"]]

    assert await found(sequence_id=first) == [bob["id"], ann["id"]]
    assert await found(sequence_id=first, status="cancelled") == [bob["id"]]
    assert await found(person_id="ann") == [again["id"], ann["id"]]
    assert await found(person_id="ann", sequence_id=second) == [again["id"]]
    assert await found(person_id="bob", status="active") == []
    listed = await ok(idle_api, f"{SEQUENCES}/ListSequences", {"brand_id": brand})
    assert [each["id"] for each in listed["data"]] == [second, first]
    assert [step["position"] for step in listed["data"][0]["steps"]] == [0, 1]


async def test_a_list_of_enrollments_is_of_a_sequence_or_a_person(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    sequence_id = await put_sequence(idle_api, brand)
    await enroll(idle_api, brand, sequence_id)
    answer = await idle_api.call(f"{SEQUENCES}/ListEnrollments", {"brand_id": brand})
    assert (answer.status, answer.fields) == (422, {"sequence_id"})
    for where in ({"sequence_id": sequence_id}, {"person_id": "ann"}):
        answer = await idle_api.call(
            f"{SEQUENCES}/ListEnrollments", where, token=idle.token(f"other-{brand}")
        )
        assert (answer.status, answer.body["data"]) == (200, [])
