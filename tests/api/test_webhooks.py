"""Events of mail providers: from the signature to the suppression and the timeline. Nobody has a
bearer token here."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from tests.api.test_timeline import timeline
from tests.support.api.answers import Answer
from tests.support.api.callers import Caller, GrpcCaller, RestCaller, caller
from tests.support.api.deliveries import messages_of
from tests.support.api.operating import AUDIT, Operated, ended_with
from tests.support.api.running import Running
from tests.support.api.scenes import ok
from tests.support.api.suppressing import found
from tests.support.api.webhooks import RECEIVE, SECRET, bounce, raw, webhook
from tests.support.dispatch.scripted import ACCEPTED

LIMIT = 65_536


@pytest.fixture
def provider(transport: str, idle: Running) -> Caller:
    """Somebody without a token."""
    if transport == "grpc":
        return GrpcCaller(idle.channel, "")
    return RestCaller(idle.http, "")


async def receive(provider: Caller, payload: object, **more: Any) -> Answer:
    return await provider.call(RECEIVE, webhook(payload, **more))


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ({"type": "email.bounced", "data": {"bounce": {"type": "Permanent"}}}, "hard_bounce"),
        ({"type": "email.complained"}, "complaint"),
        ({"type": "email.bounced", "data": {"bounce": {"type": "Transient"}}}, None),
        ({"type": "email.opened"}, None),
    ],
)
async def test_hard_bounces_and_complaints_suppress_and_all_else_is_ignored(
    provider: Caller, idle_api: Caller, brand: str, report: dict[str, Any], reason: str | None
) -> None:
    ana = {"brand_id": brand, "recipient_email": "Ana@Example.com", "vendor_message_id": "theirs"}
    answer = await receive(provider, ana | report)
    assert (answer.status, answer.body) == (
        200,
        {
            "action": "suppressed" if reason else "ignored",
            "type": report["type"],
            "vendor_message_id": "theirs",
        },
    )
    suppression = await found(idle_api, brand, "ana@example.com")
    if reason is None:
        assert suppression is None
        return
    assert suppression is not None
    assert (suppression["reason"], suppression["source"]) == (reason, "email webhook")
    about = {"brand_id": brand, "subject_id": suppression["id"]}
    (entry,) = (await ok(idle_api, f"{AUDIT}/ListAuditEntries", about))["audit_entries"]
    assert (entry["actor"], entry["action"], entry["details"]) == (
        "email-provider",
        "suppression_created",
        {"channel": "email", "reason": reason},
    )


async def test_an_id_that_came_before_changes_nothing_and_has_the_same_answer(
    provider: Caller, idle_api: Caller, brand: str
) -> None:
    first = await receive(provider, bounce(brand), event_id="msg_1")
    suppression = await found(idle_api, brand, "ana@example.com")
    assert suppression is not None
    lift = {"id": suppression["id"]}
    await ok(idle_api, "comms.SuppressionService/LiftSuppression", lift)
    for payload in (bounce(brand), bounce(brand, "bo@example.com", type="email.complained")):
        again = await receive(provider, payload, event_id="msg_1", late=60)
        assert (again.status, again.body) == (200, first.body)
    assert await found(idle_api, brand, "ana@example.com") is None
    assert await found(idle_api, brand, "bo@example.com") is None
    await receive(provider, bounce(brand), event_id="msg_2")
    assert await found(idle_api, brand, "ana@example.com")


async def test_either_of_two_secrets_and_either_name_of_the_headers_is_good(
    idle: Running, provider: Caller, brand: str
) -> None:
    idle.token(brand)
    idle.service.keys.email_secrets[brand] = (SECRET, b"n" * 24)
    for more in (
        {"secrets": (SECRET,)},
        {"secrets": (b"n" * 24,), "family": "svix"},
        {"secrets": (b"x" * 24, b"n" * 24)},
    ):
        assert (await receive(provider, bounce(brand), **more)).status == 200


async def test_what_is_not_shown_to_be_from_the_brands_provider_changes_nothing(
    idle: Running,
    provider: Caller,
    idle_api: Caller,
    brand: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    other = f"other-{brand}"
    idle.token(other)
    idle.service.keys.email_secrets[other] = (b"o" * 32,)
    good = bounce(brand)
    caplog.set_level(logging.DEBUG)
    signed = webhook(good)
    headers = signed["headers"]
    bad: dict[str, dict[str, Any]] = {
        "no headers": signed | {"headers": {}},
        "no signature": signed | {"headers": {**headers, "webhook-signature": ""}},
        "headers of two families": raw(
            b"{}",
            webhook_id=headers["webhook-id"],
            svix_timestamp=headers["webhook-timestamp"],
            webhook_signature=headers["webhook-signature"],
        ),
        "another body": signed | {"data": webhook(bounce(brand, "bo@example.com"))["data"]},
        "another id": signed | {"headers": {**headers, "webhook-id": "msg_other"}},
        "too old": webhook(good, late=301),
        "too new": webhook(good, late=-310),
        "another secret": webhook(good, secrets=(b"x" * 32,)),
        "the secret of another brand": webhook(good, secrets=(b"o" * 32,)),
        "another brand's": webhook(bounce(other)),
        "a brand without a secret": webhook(bounce("nobodys")),
        "no brand": webhook({"recipient_email": "ana@example.com", "type": "email.complained"}),
        "no object": webhook([good]),
        "no JSON": webhook(b'{"brand_id": "acme",'),
        "nothing": webhook(b""),
    }
    for name, request in bad.items():
        answer = await provider.call(RECEIVE, request)
        assert (answer.status, answer.error) == (400, "webhook_unverified"), (name, answer)
    # What is wrong is told once it is known who asks.
    answer = await receive(provider, good | {"recipient_email": "ana", "type": 7})
    assert (answer.status, answer.error) == (400, "validation_failed")
    assert answer.fields == {"recipient_email", "type"}
    assert await found(idle_api, brand, "ana@example.com") is None
    ours = [record for record in caplog.records if record.name.startswith(("server", "storage"))]
    assert not any("example.com" in record.getMessage() for record in ours)


async def test_a_brand_that_nobody_created_has_no_webhooks(
    idle: Running, provider: Caller, brand: str
) -> None:
    idle.service.keys.email_secrets["never-created"] = (SECRET,)
    answer = await receive(provider, bounce("never-created"))
    assert (answer.status, answer.error) == (400, "webhook_unverified")


async def test_a_body_is_64_KiB_at_most(idle: Running, provider: Caller, brand: str) -> None:
    idle.token(brand)
    for size, status in ((LIMIT - 100, 200), (LIMIT + 1, 413), (4 * LIMIT, 413)):
        padding = "x" * (size - len(json.dumps(bounce(brand, note=""))))
        answer = await receive(provider, bounce(brand, note=padding))
        assert (answer.status, answer.body.get("error")) == (
            status,
            "payload_too_large" if status == 413 else None,
        )


async def test_a_body_whose_length_nobody_says_is_64_KiB_at_most(
    idle_on_sqlite: Running, brand: str
) -> None:
    async def pieces() -> Any:
        for _ in range(40):
            yield b"x" * 8192

    request = webhook(bounce(brand))
    headers = {"content-type": "application/json", **request["headers"]}
    url = "/v1/webhooks/email"
    response = await idle_on_sqlite.http.post(url, content=pieces(), headers=headers)
    assert (response.status_code, response.json()["error"]) == (413, "payload_too_large")


async def test_the_timeline_of_the_message_that_it_names_has_every_event(
    operated: Operated, operator: Caller, transport: str, brand: str
) -> None:
    await ended_with(operated, operator, brand, ACCEPTED)
    (message,) = await messages_of(operator)
    provider = caller(transport, operated.running, brand)
    report = {"brand_id": brand, "recipient_email": message["recipient"]}
    for payload in (
        report | {"type": "email.delivered", "data": {"email_id": "theirs"}},
        report | {"type": "email.opened", "data": {"email_id": "another"}},
        report | {"type": "email.complained", "vendor_message_id": "theirs"},
    ):
        assert (await receive(provider, payload)).status == 200
    facts = (await timeline(operator, message["id"]))["facts"]
    assert [fact["kind"] for fact in facts][-3:] == ["resolved", "reported", "reported"]
    told = [(fact["event"], fact["reason"], fact["provider_message_id"]) for fact in facts[-2:]]
    assert told == [
        ("email.delivered", None, "theirs"),
        ("email.complained", "complaint", "theirs"),
    ]
