"""What is wrong with a request that only reads: pages, filters, revisions, ids."""

from __future__ import annotations

import base64
import json

import pytest

from tests.support.api.callers import METHODS, POLICIES, full_path, path_fields
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES, ok
from tests.support.api.untouched import MESSAGES, SEGMENTS, Untouched

PAGED = [
    name for name, method in METHODS.items() if "page_token" in method.input_type.fields_by_name
]


def encoded(text: str) -> str:
    """What a page token would be of the text."""
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")


def made_up_tokens() -> list[str]:
    """Tokens nobody was given."""
    texts = [
        "5", "[]", "{}", '["x"]', '["x", 1]', '["a", "b", "c"]', "[null, null]", "[" * 3000,
        json.dumps(["0" * 12, "a"]), "\ud800",
    ]  # fmt: skip
    bare = ["garbage", "!", "=", "é✓", "a", "AAAA", "\n", "nul\x00", "x" * 9000]
    return [*bare, *map(encoded, texts)]


async def test_a_page_that_cannot_be(untouched: Untouched) -> None:
    for method in PAGED:
        request = untouched.good(method)
        for size in (-1, -(2**31)):
            await untouched.refuses_field(method, {**request, "page_size": size}, "page_size")
        await untouched.refuses_field(method, {**request, "page_token": "garbage"}, "page_token")
        assert (await untouched.api.call(method, {**request, "page_size": 2**31 - 1})).status == 200


async def test_a_page_token_that_nobody_was_given(untouched: Untouched) -> None:
    method = f"{SEGMENTS}/ListSegments"
    for token in made_up_tokens():
        if untouched.transport == "grpc" or "\x00" not in token:
            request = {**untouched.good(method), "page_token": token}
            await untouched.refuses_field(method, request, "page_token")


async def test_a_version_number_in_a_page_token_is_a_number(untouched: Untouched) -> None:
    method = f"{TEMPLATES}/ListTemplateVersions"
    request = untouched.good(method)
    token = (await ok(untouched.api, method, {**request, "page_size": 1}))["next_page_token"]
    of_list, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for after in ("x", "-1", "9" * 30):
        forged = {**request, "page_token": encoded(json.dumps([of_list, after]))}
        await untouched.refuses_field(method, forged, "page_token")


@pytest.mark.parametrize(
    "method", [f"{COMMS}/ListCampaigns", f"{MESSAGING}/ListCampaigns", f"{MESSAGES}/ListMessages"]
)
async def test_a_status_that_is_none_by_number(untouched: Untouched, method: str) -> None:
    answer = await untouched.refuses(method, {"brand_id": untouched.brand, "status": 99})
    # In a query, the gateway refuses it before the server does.
    assert (answer.status, answer.fields) == (
        POLICIES[full_path(METHODS[method])].invalid_argument_status,
        {"status"},
    )


async def test_an_id_with_nul_or_of_any_length_is_only_an_unknown_id(untouched: Untouched) -> None:
    by_id = [name for name, method in METHODS.items() if "id" in method.input_type.fields_by_name]
    reads = [name for name in by_id if name.split("/")[1].startswith(("Get", "Watch"))]
    assert len(reads) >= 8
    for method in reads:
        more = {name: "x" for name in path_fields(METHODS[method]) if name != "id"}
        answer = await untouched.refuses(method, {"id": "x" * 20_000, **more})
        assert (answer.status, answer.error[-10:]) == (404, "_not_found")
        if untouched.transport == "grpc":
            await untouched.refuses_field(method, {"id": "nul\x00", **more}, "id")


async def test_filters_with_nul(untouched: Untouched) -> None:
    for name in ("person_id", "send_id", "dedup_key", "recipient", "campaign_id", "reason"):
        answer = await untouched.refuses(
            f"{MESSAGES}/ListMessages", {"brand_id": untouched.brand, name: "nul\x00"}
        )
        assert answer.status in (400, 422)
