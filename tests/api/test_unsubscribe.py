"""The way of an unsubscribe: from the header of a mail, through the gateway, to the next campaign.
Nobody has a bearer token here."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import Any

import httpx
import pytest

from tests.support.api.callers import Caller, GrpcCaller, RestCaller
from tests.support.api.operating import AUDIT
from tests.support.api.running import Running
from tests.support.api.scenes import COMMS, comms_campaign, ok, put_template, until
from tests.support.api.suppressing import found, suppress

UNSUBSCRIBE = "comms.UnsubscribeService"
ANN = {"person_id": "ann", "recipient": "Ann@Example.com"}
ONE_CLICK = {"List-Unsubscribe": "One-Click"}


async def send_to_ann(running: Running, rest: Caller, brand: str) -> dict[str, Any]:
    """The message of a campaign to Ann, once its send is complete."""
    campaign_id = await comms_campaign(rest, brand)
    send = (await ok(rest, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": [ANN]}))[
        "send"
    ]
    await until(
        running,
        lambda: ok(rest, "messaging.SendService/GetSend", {"id": send["id"]}),
        "status",
        "completed",
    )
    (message,) = (
        await ok(
            rest, "comms.MessageService/ListMessages", {"brand_id": brand, "send_id": send["id"]}
        )
    )["data"]
    assert isinstance(message, dict)
    return message


def link_in_mail(running: Running, message_id: str) -> str:
    """The link in the headers of a mail in the outbox."""
    mail = message_from_bytes(
        (running.settings.data_dir / "outbox" / "email" / f"{message_id}.eml").read_bytes(),
        policy=policy.default,
    )
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    return str(mail["List-Unsubscribe"]).removeprefix("<").removesuffix(">")


@pytest.fixture
async def link(running: Running, rest: RestCaller, brand: str) -> str:
    message = await send_to_ann(running, rest, brand)
    assert message["status"] == "sent"
    return link_in_mail(running, message["id"])


@pytest.fixture
def people(running: Running) -> httpx.AsyncClient:
    """Somebody's mail program: no token, no JSON."""
    return running.http


async def test_one_click_suppresses_at_once_and_once(
    running: Running, rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    assert link.startswith(str(people.base_url).rstrip("/") + "/v1/unsubscribe/")
    first = await people.post(link, data=ONE_CLICK)
    assert (first.status_code, first.headers["content-type"]) == (200, "text/html; charset=utf-8")
    suppression = await found(rest, brand, "ann@example.com")
    assert suppression is not None
    assert (suppression["reason"], suppression["source"]) == ("unsubscribe", "one-click")
    again = await people.post(link, data=ONE_CLICK)
    assert (again.status_code, again.content) == (200, first.content)
    assert await found(rest, brand, "ann@example.com") == suppression
    (logged,) = [
        entry
        for entry in (await ok(rest, f"{AUDIT}/ListAuditEntries", {}))["audit_entries"]
        if entry["action"] == "unsubscribed"
    ]
    assert (logged["actor"], logged["details"]) == (
        "recipient",
        {"suppression_id": suppression["id"]},
    )
    assert logged["request_id"], "the gateway gives each request an id"
    message = await send_to_ann(running, rest, brand)
    assert (message["status"], message["failure_reason"]) == ("skipped", "suppressed")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": "List-Unsubscribe=One-Click", "headers": {"content-type": "text/plain"}},
        {"json": {"token": "another"}},
    ],
    ids=["none", "multipart", "plain", "json"],
)
async def test_the_body_of_an_unsubscribe_does_not_matter(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient, body: dict[str, Any]
) -> None:
    assert (await people.post(link, **body)).status_code == 200
    assert await found(rest, brand, "ann@example.com") is not None


async def test_the_page_changes_nothing_and_its_form_unsubscribes(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    page = await people.get(link)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert await found(rest, brand, "ann@example.com") is None
    assert '<form method="post">' in page.text, "without an action it goes to the same link"
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page.text))
    assert fields == ONE_CLICK
    assert (await people.post(link, data=fields)).status_code == 200
    assert await found(rest, brand, "ann@example.com") is not None


async def test_a_scanner_that_asks_with_head_changes_nothing(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    head, page = await people.head(link), await people.get(link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == page.headers["content-length"]
    assert await found(rest, brand, "ann@example.com") is None


@pytest.mark.parametrize("verb", ["GET", "POST"])
async def test_the_page_runs_nothing_tells_nothing_and_is_kept_nowhere(
    brand: str, link: str, people: httpx.AsyncClient, verb: str
) -> None:
    page = await people.request(verb, link)
    token = link.rpartition("/")[2]
    for personal in ("ann", brand, token, "example.com"):
        assert personal not in page.text.lower()
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    directives = dict(
        each.strip().split(" ", 1) for each in page.headers["content-security-policy"].split(";")
    )
    assert (
        directives["default-src"],
        directives["frame-ancestors"],
        directives["form-action"],
    ) == ("'none'", "'none'", "'self'")
    assert "script" not in page.text


async def test_a_link_says_neither_address_nor_brand(brand: str, link: str) -> None:
    assert brand not in link
    assert "ann" not in link.rpartition("/v1/")[2].lower()


async def test_a_bad_token_is_message_not_found(running: Running, transport: str) -> None:
    links = running.service.links
    api: Caller = (
        GrpcCaller(running.channel, "") if transport == "grpc" else RestCaller(running.http, "")
    )
    for token in ("nonsense", links.token("no-such-message"), links.token("m")[:-4] + "AAAA"):
        for method in ("ShowUnsubscribePage", "Unsubscribe"):
            answer = await api.call(f"{UNSUBSCRIBE}/{method}", {"token": token})
            assert (answer.status, answer.body) == (
                404,
                {"error": "message_not_found", "message": "no such message"},
            )


async def test_an_unsubscribe_does_not_weaken_what_was_there(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    complaint = (await suppress(rest, brand, "ann@example.com", "complaint")).body
    assert (await people.post(link)).status_code == 200
    assert await found(rest, brand, "ann@example.com") == complaint


async def test_templates_can_show_the_link(running: Running, rest: RestCaller, brand: str) -> None:
    campaign_id = await comms_campaign(rest, brand)
    await put_template(rest, brand, body="Leave: {{ unsubscribe_url }}")
    send = (await ok(rest, f"{COMMS}/SendCampaign", {"id": campaign_id, "recipients": [ANN]}))[
        "send"
    ]
    await until(
        running,
        lambda: ok(rest, "messaging.SendService/GetSend", {"id": send["id"]}),
        "status",
        "completed",
    )
    (message,) = (
        await ok(
            rest, "comms.MessageService/ListMessages", {"brand_id": brand, "send_id": send["id"]}
        )
    )["data"]
    content = message_from_bytes(
        (running.settings.data_dir / "outbox" / "email" / f"{message['id']}.eml").read_bytes(),
        policy=policy.default,
    ).get_content()
    assert content.strip() == f"Leave: {link_in_mail(running, message['id'])}"
