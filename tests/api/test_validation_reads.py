"""What is wrong with a request that only reads: pages, filters, revisions, ids."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.support.api.callers import METHODS, POLICIES, full_path
from tests.support.api.scenes import COMMS, MESSAGING, ok
from tests.support.api.untouched import (
    AUDIT,
    BRANDS,
    INBOX,
    MESSAGES,
    SEGMENTS,
    SUPPRESSIONS,
    TEMPLATES,
    UNKNOWN,
    Untouched,
)


def lists(brand: str, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """A good request of each method that pages."""
    return {
        f"{COMMS}/ListCampaigns": {"brand_id": brand},
        f"{COMMS}/ListCampaignSends": {"id": ids["comms"]},
        f"{MESSAGING}/ListCampaigns": {"brand_id": brand},
        f"{MESSAGING}/ListCampaignSends": {"id": ids["messaging"]},
        f"{MESSAGES}/ListMessages": {"brand_id": brand},
        f"{MESSAGES}/ListScheduledMessages": {"brand_id": brand},
        f"{MESSAGES}/ListRecentMessages": {"brand_id": brand},
        f"{MESSAGES}/ListMessageAttempts": {"id": ids["message"]},
        f"{TEMPLATES}/ListTemplateRevisions": {
            "brand_id": brand,
            "channel": "email",
            "template_key": "welcome",
        },
        f"{SEGMENTS}/ListSegments": {"brand_id": brand},
        f"{INBOX}/ListInboxItems": {"brand_id": brand, "person_id": "ana"},
        f"{SUPPRESSIONS}/ListSuppressions": {"brand_id": brand},
        f"{UNKNOWN}/ListUnknownMessages": {"brand_id": brand},
        f"{AUDIT}/ListAuditEntries": {"brand_id": brand},
        f"{BRANDS}/ListBrands": {"prefix": brand},
        f"{AUDIT}/ListInstallationAuditEntries": {"subject_id": brand},
    }


def made_up_tokens() -> list[str]:
    """Tokens nobody was given."""
    texts = [
        "",
        "[]",
        '["x"]',
        '["x", 1]',
        "{}",
        "1",
        "[" * 3000,
        json.dumps(["0" * 12, "a"]),
        "\ud800",
    ]
    encoded = [
        base64.urlsafe_b64encode(text.encode("utf-8", "surrogatepass")).decode().rstrip("=")
        for text in texts
    ]
    return ["!", "é", "a", "nul\x00", "x" * 9000, *filter(None, encoded)]


async def test_every_method_that_pages_is_tested(untouched: Untouched) -> None:
    pages = {
        name for name, method in METHODS.items() if "page_token" in method.input_type.fields_by_name
    }
    assert pages == set(lists("", dict.fromkeys(("comms", "messaging", "message"), "")))


@pytest.mark.parametrize("method", lists("", {"comms": "", "messaging": "", "message": ""}))
async def test_a_page_that_cannot_be(untouched: Untouched, method: str) -> None:
    request = lists(untouched.brand, untouched.ids)[method]
    for size in (-1, -(2**31)):
        await untouched.refuses_field(method, {**request, "page_size": size}, "page_size")
    for token in made_up_tokens():
        if untouched.transport == "grpc" or "\x00" not in token:
            await untouched.refuses_field(method, {**request, "page_token": token}, "page_token")
    assert (await untouched.api.call(method, {**request, "page_size": 2**31 - 1})).status == 200


@pytest.mark.parametrize(
    "method",
    [
        f"{TEMPLATES}/ListTemplateRevisions",
        f"{MESSAGING}/ListCampaigns",
        f"{SEGMENTS}/ListSegments",
    ],
)
async def test_a_page_token_that_is_made_up_well(untouched: Untouched, method: str) -> None:
    request = lists(untouched.brand, untouched.ids)[method]
    token = (await ok(untouched.api, method, {**request, "page_size": 1}))["next_page_token"]
    fingerprint, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for after in ("nul\x00", 7, None, ["x"]):
        forged = base64.urlsafe_b64encode(json.dumps([fingerprint, after]).encode()).decode()
        await untouched.refuses_field(method, {**request, "page_token": forged}, "page_token")


async def test_a_revision_in_a_page_token_is_a_number(untouched: Untouched) -> None:
    method = f"{TEMPLATES}/ListTemplateRevisions"
    request = lists(untouched.brand, untouched.ids)[method]
    token = (await ok(untouched.api, method, {**request, "page_size": 1}))["next_page_token"]
    fingerprint, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for after in ("x", "-1", "9" * 30, "²"):
        forged = base64.urlsafe_b64encode(json.dumps([fingerprint, after]).encode()).decode()
        await untouched.refuses_field(method, {**request, "page_token": forged}, "page_token")


async def test_a_page_token_of_another_list(untouched: Untouched) -> None:
    token = (
        await ok(
            untouched.api, f"{SEGMENTS}/ListSegments", {"brand_id": untouched.brand, "page_size": 1}
        )
    )["next_page_token"]
    for method, request in lists(untouched.brand, untouched.ids).items():
        if method != f"{SEGMENTS}/ListSegments":
            await untouched.refuses_field(method, {**request, "page_token": token}, "page_token")


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


async def test_a_revision_that_cannot_be(untouched: Untouched) -> None:
    template = {"brand_id": untouched.brand, "channel": "email", "template_key": "welcome"}
    for method in (f"{TEMPLATES}/GetTemplate", f"{TEMPLATES}/PreviewTemplate"):
        await untouched.refuses_field(method, {**template, "revision": -1}, "revision")
        answer = await untouched.refuses(method, {**template, "revision": 2**31 - 1})
        assert (answer.status, answer.error) == (404, "template_not_found")


async def test_an_id_with_nul_or_of_any_length_is_only_an_unknown_id(untouched: Untouched) -> None:
    by_id = [name for name, method in METHODS.items() if "id" in method.input_type.fields_by_name]
    reads = [name for name in by_id if name.split("/")[1].startswith(("Get", "Watch"))]
    assert len(reads) >= 8
    for method in reads:
        answer = await untouched.refuses(method, {"id": "x" * 20_000})
        assert (answer.status, answer.error[-10:]) == (404, "_not_found")
        if untouched.transport == "grpc":
            await untouched.refuses_field(method, {"id": "nul\x00"}, "id")


async def test_filters_with_nul(untouched: Untouched) -> None:
    for name in ("person_id", "send_id", "dedup_key", "recipient", "campaign_id", "reason"):
        answer = await untouched.refuses(
            f"{MESSAGES}/ListMessages", {"brand_id": untouched.brand, name: "nul\x00"}
        )
        assert answer.status in (400, 422)
