"""Consents and preferences through the API, the check of a consent, and what they hold back."""

from __future__ import annotations

from typing import Any

from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import MESSAGING, messaging_campaign, ok, put_person
from tests.support.api.suppressing import suppress
from tests.support.api.untouched import BRANDS, CONSENTS, PEOPLE, PREFERENCES

CHECK = "messaging.ConsentCheckService/CheckConsent"


def news(brand: str, **more: Any) -> dict[str, Any]:
    return {"brand_id": brand, "person_id": "ann", "channel": "email", "category": "news", **more}


async def put_consent(api: Caller, brand: str, *, opted_in: bool, **more: Any) -> dict[str, Any]:
    request = news(brand, opted_in=opted_in, source="signup", **more)
    return await ok(api, f"{CONSENTS}/PutConsent", request)


async def consents(api: Caller, brand: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await ok(api, f"{CONSENTS}/ListConsents", {"brand_id": brand, "person_id": "ann"})
    )["data"]
    return found


async def check(api: Caller, brand: str, **more: Any) -> tuple[bool, str, bool | None, str | None]:
    found = await ok(api, CHECK, news(brand, **more))
    return found["consented"], found["reason"], found["opted_in"], found["source"]


async def test_what_was_said_last_counts(idle_api: Caller, brand: str) -> None:
    first = await put_consent(idle_api, brand, opted_in=True)
    assert first | {"id": "", "updated_at": ""} == news(
        brand, id="", opted_in=True, source="signup", updated_at=""
    )
    answer = await ok(idle_api, f"{CONSENTS}/RevokeConsent", news(brand))
    assert answer == news(brand, opted_in=False)
    (said,) = await consents(idle_api, brand)
    assert said == first | {
        "opted_in": False, "source": "unsubscribe", "updated_at": said["updated_at"]
    }  # fmt: skip
    await put_consent(idle_api, brand, opted_in=False, category="tips")
    assert [each["category"] for each in await consents(idle_api, brand)] == ["tips", "news"]


async def test_a_preference_is_set_and_set_again(idle_api: Caller, brand: str) -> None:
    off = await ok(idle_api, f"{PREFERENCES}/PutPreference", news(brand, enabled=False))
    assert off == news(brand, id=off["id"], enabled=False)
    on = await ok(idle_api, f"{PREFERENCES}/PutPreference", news(brand, enabled=True))
    assert on == off | {"enabled": True}
    listed = {"brand_id": brand, "person_id": "ann"}
    assert (await ok(idle_api, f"{PREFERENCES}/ListPreferences", listed))["data"] == [on]


async def test_a_check_has_four_reasons(idle_api: Caller, brand: str) -> None:
    assert await check(idle_api, brand) == (True, "no_consent_row", None, None)
    assert await check(idle_api, brand, channel="sms") == (False, "no_consent_row", None, None)
    await put_consent(idle_api, brand, opted_in=True, channel="sms")
    assert await check(idle_api, brand, channel="sms") == (True, "opted_in", True, "signup")
    await ok(idle_api, f"{CONSENTS}/RevokeConsent", news(brand))
    assert await check(idle_api, brand) == (False, "opted_out", False, "unsubscribe")
    bypass = (True, "transactional_bypass", None, None)
    assert await check(idle_api, brand, category="transactional") == bypass
    policy = {
        "brand_id": brand,
        "consent_defaults": [{"channel": "push", "meaning": "opt_in"}],
        "transactional_categories": ["news"],
    }
    await ok(idle_api, f"{BRANDS}/SetBrandPolicy", policy)
    assert await check(idle_api, brand) == bypass
    assert (await check(idle_api, brand, channel="push", category="tips"))[0] is False


async def test_bad_requests_name_everything_and_change_nothing(
    idle_api: Caller, brand: str
) -> None:
    bad = {"brand_id": brand, "person_id": "..", "category": " "}
    fields = {"person_id", "category", "channel"}
    for method, more, status in (
        (f"{CONSENTS}/PutConsent", {"opted_in", "source"}, 422),
        (f"{CONSENTS}/RevokeConsent", set(), 422),
        (f"{PREFERENCES}/PutPreference", {"enabled"}, 422),
        (CHECK, set(), 400),
    ):
        answer = await idle_api.call(method, bad)
        assert (answer.status, answer.fields) == (status, fields | more), method
    assert await consents(idle_api, brand) == []


async def test_those_of_other_brands_do_not_exist(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    stranger = idle.token(f"{brand}-other")
    for method, request in (
        (f"{CONSENTS}/PutConsent", news(brand, opted_in=True, source="x")),
        (f"{CONSENTS}/RevokeConsent", news(brand)),
        (f"{CONSENTS}/ListConsents", {"brand_id": brand, "person_id": "ann"}),
        (f"{PREFERENCES}/PutPreference", news(brand, enabled=True)),
        (f"{PREFERENCES}/ListPreferences", {"brand_id": brand, "person_id": "ann"}),
        (CHECK, news(brand)),
        (f"{PEOPLE}/ExplainContact", news(brand)),
    ):
        assert (await idle_api.call(method, request, token=stranger)).status == 404, method


async def test_a_campaign_skips_who_did_not_agree_or_does_not_want_it(
    idle_api: Caller, brand: str
) -> None:
    for name in ("ann", "bob", "cem"):
        await put_person(idle_api, brand, name)
    about = {"category": "marketing"}
    await put_consent(idle_api, brand, opted_in=False, **about)
    off = news(brand, person_id="bob", enabled=False, **about)
    await ok(idle_api, f"{PREFERENCES}/PutPreference", off)
    campaign_id = await messaging_campaign(idle_api, brand)
    send = await ok(
        idle_api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "audience": "segment"}
    )
    report = await ok(idle_api, "messaging.SendService/GetSendReport", {"id": send["id"]})
    assert {row["reason"]: row["count"] for row in report["rows"]} == {
        None: 1, "no_consent": 1, "preference_off": 1
    }  # fmt: skip


def told(answer: dict[str, Any]) -> dict[str, tuple[bool, str]]:
    return {each["rule"]: (each["passes"], each["because"]) for each in answer["rules"]}


async def test_an_explanation_has_every_rule_in_order(idle_api: Caller, brand: str) -> None:
    async def explain(**more: Any) -> dict[str, Any]:
        request = {"brand_id": brand, "person_id": "ann", "channel": "email", **more}
        return await ok(idle_api, f"{PEOPLE}/ExplainContact", request)

    nobody = await explain()
    assert (nobody["would_send"], nobody["reason"], nobody["recipient"]) == (
        False,
        "no_address",
        None,
    )
    await put_person(idle_api, brand, "ann")
    open_to_all = await explain()
    assert (open_to_all["would_send"], open_to_all["reason"]) == (True, None)
    assert open_to_all["recipient"] == "ann@example.com"
    assert told(open_to_all) == {
        "address": (True, "own_address"),
        "suppression": (True, "not_suppressed"),
        "consent": (True, "no_consent_row"),
        "preference": (True, "not_set"),
    }
    await suppress(idle_api, brand, "ann@example.com", "unsubscribe")
    await put_consent(idle_api, brand, opted_in=False)
    await ok(idle_api, f"{PREFERENCES}/PutPreference", news(brand, enabled=False))
    closed = await explain(category="news")
    assert (closed["would_send"], closed["reason"]) == (False, "suppressed")
    assert told(closed) == {
        "address": (True, "own_address"),
        "suppression": (False, "unsubscribe"),
        "consent": (False, "opted_out"),
        "preference": (False, "disabled"),
    }
    assert list(told(closed)) == ["address", "suppression", "consent", "preference"]
    elsewhere = await explain(category="news", recipient="Other@Example.com")
    assert (elsewhere["recipient"], elsewhere["reason"]) == ("other@example.com", "no_consent")
    receipt = await explain(category="transactional")
    assert (receipt["would_send"], told(receipt)["suppression"]) == (True, (True, "unsubscribe"))
    bad = {"brand_id": brand, "person_id": "ann", "channel": "email", "recipient": "nobody"}
    answer = await idle_api.call(f"{PEOPLE}/ExplainContact", bad)
    assert answer.fields == {"recipient"}
