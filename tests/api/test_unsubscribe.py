"""The way of an unsubscribe: from the header of a mail, through the gateway, to the next campaign.
Nobody has a bearer token here."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from html import unescape
from typing import Any

import httpx
import pytest

from server.domain.contacts.unsubscribe import LinkedContact
from tests.support.api.callers import Caller, GrpcCaller, RestCaller
from tests.support.api.operating import AUDIT
from tests.support.api.running import Running
from tests.support.api.scenes import COMMS, comms_campaign, ok, put_person, put_template, until
from tests.support.api.suppressing import found, suppress
from tests.support.api.untouched import CONSENTS, PREFERENCES

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


async def said(api: Caller, brand: str) -> list[dict[str, Any]]:
    """What Ann said of marketing by email; nothing if she did not."""
    request = {"brand_id": brand, "person_id": "ann"}
    found: list[dict[str, Any]] = (await ok(api, f"{CONSENTS}/ListConsents", request))["data"]
    return [each for each in found if each["category"] == "marketing"]


async def test_one_click_takes_the_consent_back_at_once_and_once(
    running: Running, rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    assert link.startswith(str(people.base_url).rstrip("/") + "/v1/unsubscribe/")
    first = await people.post(link, data=ONE_CLICK)
    assert (first.status_code, first.headers["content-type"]) == (200, "text/html; charset=utf-8")
    (consent,) = await said(rest, brand)
    assert (consent["opted_in"], consent["source"]) == (False, "one-click")
    again = await people.post(link, data=ONE_CLICK)
    assert (again.status_code, again.content) == (200, first.content)
    assert await said(rest, brand) == [consent]
    assert await found(rest, brand, "ann@example.com") is None
    (logged,) = [
        entry
        for entry in (await ok(rest, f"{AUDIT}/ListAuditEntries", {}))["audit_entries"]
        if entry["action"] == "unsubscribed"
    ]
    assert (logged["actor"], logged["details"]) == (
        "recipient",
        {"channel": "email", "category": "marketing"},
    )
    assert logged["request_id"], "the gateway gives each request an id"
    message = await send_to_ann(running, rest, brand)
    assert (message["status"], message["failure_reason"]) == ("skipped", "no_consent")


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
    assert [each["opted_in"] for each in await said(rest, brand)] == [False]


async def test_the_page_changes_nothing_and_its_form_unsubscribes(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    page = await people.get(link)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert await said(rest, brand) == []
    assert '<form method="post" action="?">' in page.text, "it goes to the same link"
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]+)">', page.text))
    assert fields == ONE_CLICK
    assert (await people.post(link, data=fields)).status_code == 200
    assert [each["opted_in"] for each in await said(rest, brand)] == [False]


async def test_a_scanner_that_asks_with_head_changes_nothing(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    head, page = await people.head(link), await people.get(link)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == page.headers["content-length"]
    assert await said(rest, brand) == []


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


async def test_a_bad_token_is_link_not_found(running: Running, transport: str) -> None:
    links = running.service.keys.links
    api: Caller = (
        GrpcCaller(running.channel, "") if transport == "grpc" else RestCaller(running.http, "")
    )
    contact = LinkedContact("brand", "ann", "email", "marketing", "ann@example.com")
    for token in ("nonsense", links.token(contact)[:-4] + "AAAA"):
        for method in ("ShowUnsubscribePage", "Unsubscribe"):
            answer = await api.call(f"{UNSUBSCRIBE}/{method}", {"token": token})
            assert (answer.status, answer.body) == (
                404,
                {"error": "link_not_found", "message": "no such link"},
            )


SWITCH = re.compile(
    r'<form method="post" action="([^"]+)"><button role="switch" aria-checked="(\w+)" '
    r'aria-label="([^"]+)">'
)


def switches(page: httpx.Response) -> dict[str, tuple[bool, str]]:
    """By label, whether it is on, and where its form goes."""
    return {
        label: (state == "true", unescape(action))
        for action, state, label in SWITCH.findall(page.text)
    }


async def test_the_page_has_a_switch_for_each_category_and_one_for_everything(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    about = {"brand_id": brand, "person_id": "ann", "channel": "email"}
    news = about | {"category": "product_news", "opted_in": False, "source": "signup"}
    await ok(rest, f"{CONSENTS}/PutConsent", news)
    tips = about | {"category": 'tips & "tricks"', "enabled": False}
    await ok(rest, f"{PREFERENCES}/PutPreference", tips)
    await ok(rest, f"{PREFERENCES}/PutPreference", tips | {"channel": "push", "category": "other"})
    await ok(rest, f"{PREFERENCES}/PutPreference", tips | {"category": "transactional"})
    shown = switches(await people.get(link))
    assert {label: is_on for label, (is_on, _) in shown.items()} == {
        "Marketing": True, "Product news": False, "Tips &amp; &quot;tricks&quot;": False,
        "Everything": True,
    }  # fmt: skip
    for label, (is_on, action) in shown.items():
        if label != "Everything":
            after = await people.post(f"{link}{action}", data={"any": "body"})
            assert switches(after)[label][0] is not is_on, label
            assert switches(await people.get(link))[label][0] is not is_on, label
    off = await people.post(f"{link}{shown['Everything'][1]}")
    assert {label: is_on for label, (is_on, _) in switches(off).items()} == {"Everything": False}
    suppression = await found(rest, brand, "ann@example.com")
    assert suppression is not None
    assert (suppression["reason"], suppression["source"]) == ("unsubscribe", "unsubscribe page")
    on = await people.post(f"{link}{switches(off)['Everything'][1]}")
    assert await found(rest, brand, "ann@example.com") is None
    assert {label: is_on for label, (is_on, _) in switches(on).items()} == {
        "Marketing": False, "Product news": True, "Tips &amp; &quot;tricks&quot;": True,
        "Everything": True,
    }  # fmt: skip


async def test_no_switch_lifts_what_somebody_else_decided(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    complaint = (await suppress(rest, brand, "ann@example.com", "complaint")).body
    assert switches(await people.get(link)) == {}
    for query in ("", "?everything=true&wanted=false", "?everything=true&wanted=true"):
        assert (await people.post(f"{link}{query}")).status_code == 200
    assert await found(rest, brand, "ann@example.com") == complaint


async def test_a_category_that_the_page_does_not_show_cannot_be_switched(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    for name in ("anything", "transactional", ""):
        page = await people.post(f"{link}?wanted=false&category={name}")
        assert page.status_code == 200
    request = {"brand_id": brand, "person_id": "ann"}
    assert (await ok(rest, f"{CONSENTS}/ListConsents", request))["data"] == []


async def test_one_click_in_a_transactional_message_leaves_everything_else(
    running: Running, rest: RestCaller, brand: str, people: httpx.AsyncClient
) -> None:
    contact = LinkedContact(brand, "ann", "email", "transactional", "ann@example.com")
    for _ in range(2):
        assert (await people.post(running.service.keys.links.link(contact))).status_code == 200
    suppression = await found(rest, brand, "ann@example.com")
    assert suppression is not None
    assert (suppression["reason"], suppression["source"]) == ("unsubscribe", "one-click")
    assert await said(rest, brand) == []


async def test_the_page_is_in_the_persons_language(
    rest: RestCaller, brand: str, link: str, people: httpx.AsyncClient
) -> None:
    for locale, title in (("pt-BR", "As suas mensagens"), ("DE", "Ihre Nachrichten"),
        ("ja", "Your messages")):  # fmt: skip
        await put_person(rest, brand, "ann", locale=locale)
        page = (await people.get(link)).text
        assert f"<h1>{title}</h1>" in page
        assert f'<html lang="{"en" if locale == "ja" else locale[:2].lower()}">' in page


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
