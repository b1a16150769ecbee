"""Pages of every list: complete, without repeats whatever is added meanwhile, bounded, and with
tokens of their own."""

from __future__ import annotations

import base64
import json
from bisect import bisect
from collections.abc import Mapping
from typing import Any

import pytest

from storage.contract.storage import Transaction
from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, POLICIES, Caller, caller, full_path
from tests.support.api.listings import LISTINGS, Listing
from tests.support.api.running import Running
from tests.support.api.scenes import TEMPLATES, ok, put_template

every_list = pytest.mark.parametrize("name", LISTINGS)


async def fill(
    running: Running, brand: str, listing: Listing, count: int, *, first: bool = True
) -> None:
    async def add_all(tx: Transaction) -> None:
        if first and listing.prepare is not None:
            await listing.prepare(tx, brand)
        for _ in range(count):
            await listing.add(tx, brand)

    assert running.service.storage is not None
    await running.service.storage.write(add_all)


async def page(
    api: Caller, name: str, request: Mapping[str, Any], **more: Any
) -> tuple[list[Any], str]:
    """Ids of the rows on a page, and the token of the next."""
    body = await ok(api, name, {**request, **more})
    return [row[LISTINGS[name].id] for row in body[LISTINGS[name].items]], body["next_page_token"]


def is_refused(name: str, answer: Answer) -> bool:
    expected = POLICIES[full_path(METHODS[name])].invalid_argument_status
    return (
        answer.status == expected
        and answer.error == "validation_failed"
        and answer.fields == {"page_token"}
    )


def test_every_list_is_tested() -> None:
    assert set(LISTINGS) == {
        name for name, method in METHODS.items() if "page_token" in method.input_type.fields_by_name
    }


@every_list
async def test_rows_added_while_paging_neither_repeat_nor_hide_others(
    idle: Running, idle_api: Caller, brand: str, name: str
) -> None:
    listing = LISTINGS[name]
    await fill(idle, brand, listing, 5)
    before, _ = await page(idle_api, name, listing.asks(brand))
    seen, token = await page(idle_api, name, listing.asks(brand), page_size=2)
    while token:
        await fill(idle, brand, listing, 1, first=False)
        rows, token = await page(idle_api, name, listing.asks(brand), page_size=2, page_token=token)
        seen += rows
        assert len(seen) < 50, "there is no end to it"
    after, _ = await page(idle_api, name, listing.asks(brand))
    assert len(before) == 5
    assert seen == (after[: len(seen)] if listing.oldest_first else before)


@every_list
async def test_page_size_is_50_unless_given_and_200_at_most(
    idle_on_sqlite: Running, brand: str, name: str
) -> None:
    """What a page holds is decided before any transport or database is asked."""
    listing, idle = LISTINGS[name], idle_on_sqlite
    idle_api = caller("grpc", idle, brand)
    await fill(idle, brand, listing, 201)
    sizes = {0: 50, 1: 1, 3: 3, 199: 199, 200: 200, 201: 200, 2**31 - 1: 200}
    pages = {
        asked: await page(idle_api, name, listing.asks(brand), page_size=asked) for asked in sizes
    }
    assert {asked: len(rows) for asked, (rows, _) in pages.items()} == sizes
    assert len((await page(idle_api, name, listing.asks(brand)))[0]) == 50
    last, end = await page(idle_api, name, listing.asks(brand), page_token=pages[200][1])
    assert (len({*pages[200][0], *last}), end) == (201, "")


@every_list
async def test_last_page_that_is_full_has_no_next(
    idle: Running, idle_api: Caller, brand: str, name: str
) -> None:
    await fill(idle, brand, LISTINGS[name], 4)
    request = LISTINGS[name].asks(brand)
    _, token = await page(idle_api, name, request, page_size=2)
    rows, end = await page(idle_api, name, request, page_size=2, page_token=token)
    assert (len(rows), end) == (2, "")


@every_list
async def test_token_of_another_list_or_filter_is_refused(
    idle: Running, idle_api: Caller, brand: str, name: str
) -> None:
    listing, both = LISTINGS[name], idle.token(brand, f"other-{brand}")
    await fill(idle, brand, listing, 2)
    _, token = await page(idle_api, name, listing.asks(brand), page_size=1)
    assert is_refused(
        name,
        await idle_api.call(name, {**listing.asks_another(brand), "page_token": token}, token=both),
    )
    plain = sorted(
        each for each, other in LISTINGS.items() if other.prepare is None and each != name
    )
    # One function decides for all of them: each token is tried on the two lists after its own.
    after = bisect(plain, name)
    for other_name in (plain + plain)[after : after + 2]:
        request = {**LISTINGS[other_name].asks(brand), "page_token": token}
        assert is_refused(other_name, await idle_api.call(other_name, request))


def encoded(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


NO_KEYS = [5, None, ["x"], "nul\x00", "\ud800"]
KEYS = ["", "abc", "0", "-1", "9" * 40, "'; --"]


@every_list
async def test_forged_key_never_breaks_a_list(
    idle: Running, idle_api: Caller, brand: str, name: str
) -> None:
    await fill(idle, brand, LISTINGS[name], 2)
    request = LISTINGS[name].asks(brand)
    _, token = await page(idle_api, name, request, page_size=1)
    list_of_token, _ = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    for key in [*NO_KEYS, *KEYS]:
        answer = await idle_api.call(name, {**request, "page_token": encoded([list_of_token, key])})
        assert is_refused(name, answer) or (key in KEYS and answer.status == 200), key


async def test_token_as_long_as_a_url_may_be_is_refused(idle_api: Caller, brand: str) -> None:
    name = "messaging.SegmentService/ListSegments"
    for kilobytes in (1, 28):
        request = {"brand_id": brand, "page_token": "W" * kilobytes * 1024}
        assert is_refused(name, await idle_api.call(name, request))


async def test_a_page_of_long_templates_ends_early_and_all_come_in_the_end(
    idle_api: Caller, brand: str
) -> None:
    name = f"{TEMPLATES}/ListTemplateVersions"
    made = [await put_template(idle_api, brand) for _ in range(9)]
    long = "x" * 195_000
    variants = [{"locale": locale, "body": long} for locale in ("de", "fr", "pt")]
    made += [await put_template(idle_api, brand, body=long, variants=variants) for _ in range(6)]
    request = {"id": made[0]["template_id"]}
    pages: list[list[str]] = []
    token = ""
    while token or not pages:
        ids, token = await page(idle_api, name, request, page_size=14, page_token=token)
        pages.append(ids)
    assert [version for ids in pages for version in ids] == [each["id"] for each in reversed(made)]
    assert [len(ids) for ids in pages] == [5, 10]
