"""What a request refers to or is made of: templates, segments, Liquid, criteria, recipients."""

from __future__ import annotations

from typing import Any

import pytest

from storage.model.audiences import SkipReason
from tests.rules.limits import ADDRESS_LENGTH, ID_LENGTH
from tests.support.api.callers import Caller
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    TEMPLATES,
    campaign,
    campaign_in,
    comms_campaign,
    messaging_campaign,
    ok,
    put_segment,
    until,
)
from tests.support.api.untouched import MESSAGES, SEGMENTS, SENDS, Untouched, put

UNKNOWN_TEMPLATE = [
    (f"{COMMS}/CreateCampaign", "template_key"),
    (f"{COMMS}/UpdateCampaign", "template_key"),
    (f"{MESSAGES}/ScheduleMessage", "template_key"),
]
BAD_LIQUID = ["{{ name", "{% if x %}", "{% nope %}", "{{ x | nope }}", "{% " + "n" * 9000 + " %}"]


def skipped(report: dict[str, Any]) -> list[tuple[str, int]]:
    """Why messages of a send were skipped, and how many."""
    rows = report["rows"]
    return [(row["reason"], row["count"]) for row in rows if row["status"] == "skipped"]


@pytest.mark.parametrize(("method", "field"), UNKNOWN_TEMPLATE)
async def test_a_template_that_is_needed_and_does_not_exist(
    untouched: Untouched, method: str, field: str
) -> None:
    await untouched.refuses_field(
        method, put(untouched.good(method), field, "no-such-template"), field
    )
    await untouched.refuses_field(method, put(untouched.good(method), "channel", "push"), field)


@pytest.mark.parametrize("channel", ["email", "push"])
async def test_a_draft_without_its_template_cannot_start(
    idle_api: Caller, brand: str, channel: str
) -> None:
    request = {
        "brand_id": brand, "name": "news", "subject": "News",
        "channel": channel, "template_key": "later",
    }  # fmt: skip
    campaign_id = (await ok(idle_api, f"{COMMS}/CreateCampaign", request))["campaign"]["id"]
    recipients = [{"person_id": "ana", "recipient": "ana@example.com"}]
    for whom in ({"recipients": recipients}, {"audience": "segment"}):
        answer = await idle_api.call(f"{COMMS}/SendCampaign", {"id": campaign_id, **whom})
        assert (answer.error, answer.fields) == ("validation_failed", {"template_key"})
    assert (await campaign(idle_api, COMMS, campaign_id))["status"] == "draft"
    assert (await ok(idle_api, f"{MESSAGES}/ListMessages", {"brand_id": brand}))["data"] == []


async def test_a_scheduled_campaign_keeps_a_template_that_exists(
    idle_api: Caller, brand: str
) -> None:
    campaign_id = await campaign_in(idle_api, brand, COMMS, "scheduled")
    request = {"id": campaign_id, "template_key": "no-such-template"}
    answer = await idle_api.call(f"{COMMS}/UpdateCampaign", request)
    assert (answer.status, answer.fields) == (422, {"template_key"})
    assert (await campaign(idle_api, COMMS, campaign_id))["template_key"] == "welcome"


@pytest.mark.parametrize("method", [f"{MESSAGING}/CreateCampaign", f"{MESSAGING}/UpdateCampaign"])
async def test_a_segment_that_does_not_exist(untouched: Untouched, method: str) -> None:
    for bad in ("no-such-segment", "", "  ", "nul\x00", "x" * 20_000):
        await untouched.refuses_field(
            method, put(untouched.good(method), "segment_id", bad), "segment_id"
        )


async def test_a_segment_of_another_brand_does_not_exist(
    untouched: Untouched, idle_api: Caller, brand: str
) -> None:
    theirs = await put_segment(idle_api, brand)
    for method in (f"{MESSAGING}/CreateCampaign", f"{MESSAGING}/UpdateCampaign"):
        await untouched.refuses_field(
            method, put(untouched.good(method), "segment_id", theirs), "segment_id"
        )


@pytest.mark.parametrize(
    ("method", "field"),
    [
        (f"{TEMPLATES}/CreateTemplateVersion", "subject"),
        (f"{TEMPLATES}/CreateTemplateVersion", "body"),
        (f"{TEMPLATES}/CreateTemplateVersion", "html"),
        (f"{COMMS}/CreateCampaign", "subject"),
        (f"{COMMS}/UpdateCampaign", "subject"),
    ],
)
async def test_what_is_not_liquid(untouched: Untouched, method: str, field: str) -> None:
    for bad in BAD_LIQUID:
        if len(bad) < 900 or field in ("body", "html"):
            await untouched.refuses_field(method, put(untouched.good(method), field, bad), field)


@pytest.mark.parametrize(
    ("criteria", "inside"),
    [
        ({"ana@example.com": [1, 2]}, ""),
        ({"==": [1]}, ".=="),
        ({"==": "x"}, ".=="),
        ({"==": [{"var": ""}, 1]}, ".==[0].var"),
        ({"==": [{"var": "plan"}, ["pro"]]}, ".==[1]"),
        ({"and": [{}, {"<": [{"vra": "age"}, 18]}]}, ".and[1].<[0]"),
        ({"in": [{"var": "plan"}, ["x" * 900] * 80]}, ""),
        ({"==": [1, 1], "!=": [1, 1]}, ""),
    ],
)
async def test_criteria_that_cannot_be_read(
    untouched: Untouched, criteria: dict[str, Any], inside: str
) -> None:
    for method, field in (
        (f"{SEGMENTS}/CreateSegment", "predicate"),
        (f"{COMMS}/CreateCampaign", "segment_criteria"),
        (f"{COMMS}/UpdateCampaign", "segment_criteria"),
    ):
        await untouched.refuses_field(
            method, put(untouched.good(method), field, criteria), field + inside
        )


async def test_comms_recipients_have_a_person_and_an_address(untouched: Untouched) -> None:
    method = f"{COMMS}/SendCampaign"
    await untouched.refuses_field(
        method, put(untouched.good(method), "recipients", []), "recipients"
    )
    for blank in ("", "  "):
        for name in ("person_id", "recipient"):
            request = untouched.good(method)
            request["recipients"][1][name] = blank
            await untouched.refuses_field(method, request, f"recipients[1].{name}")


@pytest.mark.parametrize("method", [f"{COMMS}/SendCampaign", f"{MESSAGING}/PublishCampaign"])
async def test_recipients_that_cannot_be_stored(untouched: Untouched, method: str) -> None:
    for name, longest in (("person_id", ID_LENGTH), ("recipient", ADDRESS_LENGTH)):
        for bad in ("x" * (longest + 1), "nul\x00"):
            request = untouched.good(method)
            request["recipients"][1][name] = bad
            await untouched.refuses_field(method, request, f"recipients[1].{name}")


async def test_of_many_bad_recipients_the_first_are_named(untouched: Untouched) -> None:
    method = f"{COMMS}/SendCampaign"
    answer = await untouched.refuses(
        method,
        put(untouched.good(method), "recipients", [{"person_id": "", "recipient": ""}] * 5000),
    )
    assert answer.status == 422
    first = {
        f"recipients[{index}].{name}" for index in range(10) for name in ("person_id", "recipient")
    }
    assert answer.fields == first | {"recipients"}, "which says how far they were looked at"


@pytest.mark.parametrize("face", [COMMS, MESSAGING])
async def test_the_same_address_again_is_a_skip_whoever_has_it(
    running: Running, api: Caller, brand: str, face: str
) -> None:
    ana, bo = (
        {"person_id": "ana", "recipient": "ana@example.com"},
        {"person_id": "bo", "recipient": "ana@example.com"},
    )
    campaign_id = await (
        comms_campaign(api, brand) if face == COMMS else messaging_campaign(api, brand)
    )
    verb = "SendCampaign" if face == COMMS else "PublishCampaign"
    body = await ok(api, f"{face}/{verb}", {"id": campaign_id, "recipients": [ana, bo, ana, ana]})
    send_id = body.get("send", body)["id"]
    await until(
        running, lambda: ok(api, f"{SENDS}/GetSend", {"id": send_id}), "status", "completed"
    )
    report = await ok(api, f"{SENDS}/GetSendReport", {"id": send_id})
    assert (report["total"], report["sent"], report["skipped"]) == (4, 1, 3)
    assert skipped(report) == [(SkipReason.DUPLICATE, 3)]


async def test_bad_messaging_recipients_are_skipped_and_counted(
    running: Running, api: Caller, brand: str
) -> None:
    good = {"person_id": "ana", "recipient": "ana@example.com"}
    bad = [{**good, name: value} for name in good for value in ("", "  ", "line\nbreak")]
    campaign_id = await messaging_campaign(api, brand)
    send = await ok(
        api, f"{MESSAGING}/PublishCampaign", {"id": campaign_id, "recipients": [good, *bad]}
    )
    assert (send["total_recipients"], send["skipped_count"]) == (7, 6)
    done = await until(
        running, lambda: ok(api, f"{SENDS}/GetSend", {"id": send["id"]}), "status", "completed"
    )
    assert (done["sent_count"], done["failed_count"], done["skipped_count"]) == (1, 0, 6)
    report = await ok(api, f"{SENDS}/GetSendReport", {"id": send["id"]})
    assert skipped(report) == [(SkipReason.INVALID_RECIPIENT, 6)]
