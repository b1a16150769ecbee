"""The OpenAPI document is true of the service: what it takes, and what it answers."""

from __future__ import annotations

from tests.support.api.callers import METHODS, POLICIES, bind, full_path, takes_json
from tests.support.api.openapi import check_answer, check_body
from tests.support.api.running import Running
from tests.support.api.untouched import untouched_brand


async def test_good_requests_and_their_answers_are_as_the_document_says(
    idle_on_sqlite: Running,
) -> None:
    brand = await untouched_brand(idle_on_sqlite, "rest")
    succeeded = 0
    for name, method in METHODS.items():
        if POLICIES[full_path(method)].public or method.server_streaming:
            continue
        request = brand.good(name)
        if takes_json(name):
            check_body(name, bind(method, request)[2])
        answer = await brand.api.call(name, request)
        check_answer(name, answer.status, answer.body)
        succeeded += answer.status < 300
    assert succeeded > 80
