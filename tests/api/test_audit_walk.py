"""Whatever changes something leaves its entry in the audit log, in the transaction that changes it:
walked from the descriptors."""

from __future__ import annotations

import json
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from storage.contract.errors import StorageUnavailable
from storage.contract.storage import Transaction
from storage.model.audit import AuditAction, AuditEntry
from tests.api.test_hold import hold
from tests.api.test_keys import (
    BRANDS,
    CHANGES,
    CONSENTS,
    HOLD,
    INBOX,
    NOTIFICATIONS,
    PEOPLE,
    PREFERENCES,
    PUSH,
    SEGMENTS,
    SEQUENCES,
    SLA,
    SUPPRESSIONS,
    TEMPLATES,
    UNKNOWN,
)
from tests.support.api.callers import (
    METHODS,
    POLICIES,
    Caller,
    caller,
    full_path,
    success_status,
)
from tests.support.api.deliveries import MESSAGES, SENDS, one_off
from tests.support.api.faults import FaultyStorage
from tests.support.api.operating import Operated, ended_with, message_of, resolve
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    MESSAGING,
    messaging_campaign,
    ok,
    put_template,
    recipients,
)
from tests.support.dispatch.scripted import AMBIGUOUS, REFUSED

Request = dict[str, Any]

# What each method that changes something has logged, and what the entry is about: a field of the
# request or of the answer.
LOGGED: dict[str, tuple[str, str]] = {
    f"{COMMS}/CreateCampaign": ("campaign_created", "campaign.id"),
    f"{COMMS}/UpdateCampaign": ("campaign_updated", "id"),
    f"{COMMS}/DeleteCampaign": ("campaign_deleted", "id"),
    f"{COMMS}/SendCampaign": ("campaign_started", "id"),
    f"{COMMS}/CancelCampaign": ("campaign_cancelled", "id"),
    f"{MESSAGES}/ScheduleMessage": ("message_scheduled", "id"),
    f"{MESSAGES}/SendMessage": ("message_scheduled", "message_id"),
    f"{MESSAGES}/BatchScheduleMessages": ("message_scheduled", "outcomes.0.message.id"),
    f"{MESSAGES}/CancelMessage": ("message_cancelled", "id"),
    f"{TEMPLATES}/CreateTemplate": ("template_created", "id"),
    f"{TEMPLATES}/CreateTemplateVersion": ("template_version_created", "id"),
    f"{TEMPLATES}/ArchiveTemplate": ("template_archived", "id"),
    f"{MESSAGING}/CreateCampaign": ("campaign_created", "id"),
    f"{MESSAGING}/UpdateCampaign": ("campaign_updated", "id"),
    f"{MESSAGING}/CreateCampaignStep": ("campaign_updated", "id"),
    f"{MESSAGING}/UpdateCampaignStep": ("campaign_updated", "id"),
    f"{MESSAGING}/DeleteCampaignStep": ("campaign_updated", "id"),
    f"{MESSAGING}/DuplicateCampaign": ("campaign_created", "=answer"),
    f"{MESSAGING}/TestCampaign": ("message_scheduled", "message_id"),
    f"{MESSAGING}/DeleteCampaign": ("campaign_deleted", "id"),
    f"{MESSAGING}/ScheduleCampaign": ("campaign_scheduled", "id"),
    f"{MESSAGING}/UnscheduleCampaign": ("campaign_unscheduled", "id"),
    f"{MESSAGING}/PublishCampaign": ("campaign_started", "id"),
    f"{MESSAGING}/CancelCampaign": ("campaign_cancelled", "id"),
    f"{NOTIFICATIONS}/CreateNotification": ("notification_created", "id"),
    f"{NOTIFICATIONS}/ReadNotification": ("notification_read", "id"),
    f"{INBOX}/BulkReadInboxItems": ("inbox_items_read", "user_id"),
    f"{INBOX}/BulkArchiveInboxItems": ("inbox_items_archived", "user_id"),
    f"{PEOPLE}/PutPerson": ("person_put", "person_id"),
    f"{PEOPLE}/BatchPutPeople": ("people_put", "brand_id"),
    f"{PEOPLE}/DeletePerson": ("person_deleted", "person_id"),
    f"{SEGMENTS}/CreateSegment": ("segment_created", "id"),
    f"{SEGMENTS}/ArchiveSegment": ("segment_archived", "id"),
    f"{SEQUENCES}/CreateSequence": ("sequence_created", "id"),
    f"{SEQUENCES}/EnrollPerson": ("person_enrolled", "answer.id"),
    f"{SEQUENCES}/CancelEnrollment": ("enrollment_cancelled", "id"),
    f"{SUPPRESSIONS}/CreateSuppression": ("suppression_created", "id"),
    f"{SUPPRESSIONS}/BatchCreateSuppressions": ("suppressions_created", "brand_id"),
    f"{SUPPRESSIONS}/LiftSuppression": ("suppression_lifted", "id"),
    f"{CONSENTS}/PutConsent": ("consent_put", "person_id"),
    f"{CONSENTS}/RevokeConsent": ("consent_put", "person_id"),
    f"{PREFERENCES}/PutPreference": ("preference_put", "person_id"),
    f"{PUSH}/CreatePushSubscription": ("push_subscription_created", "id"),
    f"{PUSH}/DeletePushSubscription": ("push_subscription_ended", "id"),
    f"{PUSH}/SendPush": ("message_scheduled", "results.0.message_id"),
    f"{SENDS}/PauseSend": ("send_paused", "id"),
    f"{SENDS}/ResumeSend": ("send_resumed", "id"),
    f"{SENDS}/ChangeSendVersion": ("send_version_changed", "id"),
    f"{SENDS}/CancelSend": ("send_cancelled", "id"),
    f"{SENDS}/RetryFailedMessages": ("send_retried", "id"),
    f"{SLA}/PingSms": ("message_scheduled", "message_id"),
    f"{BRANDS}/CreateBrand": ("brand_created", "id"),
    f"{BRANDS}/UpdateBrand": ("brand_updated", "id"),
    f"{BRANDS}/SetBrandPolicy": ("brand_policy_set", "brand_id"),
    f"{UNKNOWN}/ResolveUnknownMessages": ("message_resolved", "message_ids"),
    f"{HOLD}/ReleaseHold": ("delivery_released", "=delivery"),
    "comms.UnsubscribeService/Unsubscribe": ("unsubscribed", "person"),
    "comms.WebhookService/ReceiveEmailEvent": ("suppression_created", "suppression"),
}
WITH_A_DISPATCHER = {f"{SENDS}/RetryFailedMessages", f"{UNKNOWN}/ResolveUnknownMessages"}
IDLE = [
    name
    for name in LOGGED
    if name not in WITH_A_DISPATCHER and not POLICIES[full_path(METHODS[name])].public
]
PERSONAL = ("ann@", "ana@", "+1202", "Hello", "example.com")
"""What requests of these tests say of people, or say to them."""


def changing_methods() -> set[str]:
    """Methods that are no reads: by their option, and where they have none by their verb."""
    reads = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    return {
        name for name, method in METHODS.items() if method.GetOptions().idempotency_level != reads
    }


def subject(field: str, request: Request, answer: Request) -> str:
    """Id of what a call was about."""
    if field == "=answer":
        return str(answer["id"])
    if field.startswith("="):
        return field[1:]
    if field == "message_ids":
        return str(request[field][0])
    value: Any = {**answer, **request, "answer": answer}
    for name in field.split("."):
        value = value[int(name)] if isinstance(value, list) else value[name]
    return str(value)


async def logged(api: Caller, about: str, name: str, brand: str) -> list[dict[str, Any]]:
    """The entries about something as the API lists them, newest first."""
    if name.startswith(HOLD):
        body = await ok(api, "ops.AuditService/ListInstallationAuditEntries", {"subject_id": about})
    else:
        body = await ok(
            api, "ops.AuditService/ListAuditEntries", {"subject_id": about, "brand_id": brand}
        )
    found: list[dict[str, Any]] = body["audit_entries"]
    return found


async def everything(running: Running, brand: str) -> list[AuditEntry]:
    """The log of a brand, of one that it may create, and of the installation."""
    assert running.service.storage is not None

    async def both(tx: Transaction) -> list[AuditEntry]:
        return [
            entry
            for of in (brand, f"{brand}-new", "")
            for entry in await tx.audit.list_page(of, None, None, 200)
        ]

    return await running.service.storage.read(both)


def test_every_method_that_changes_something_is_walked() -> None:
    assert set(LOGGED) == changing_methods()
    assert {action for action, _ in LOGGED.values()} <= set(AuditAction)


@pytest.mark.parametrize("name", IDLE)
async def test_a_change_leaves_one_entry_that_says_who_and_what_and_nothing_personal(
    idle: Running, idle_api: Caller, brand: str, name: str
) -> None:
    action, field = LOGGED[name]
    if name.startswith(HOLD):
        await hold(idle.service)
    request = await CHANGES[name][0](idle_api, brand)
    token = idle.token(brand, subject="who-it-was")
    answer = await idle_api.call(name, request, token=token)
    assert answer.status == success_status(METHODS[name]), answer
    about = subject(field, request, answer.body)
    api = caller("grpc", idle, about) if name == f"{BRANDS}/CreateBrand" else idle_api
    of_brand = about if name.startswith(BRANDS) else brand
    found = [
        entry
        for entry in await logged(api, about, name, of_brand)
        if entry["actor"] == "who-it-was"
    ]
    assert found, name
    newest = found[0]
    assert (newest["action"], newest["subject_id"]) == (action, about)
    assert newest["brand_id"] == ("" if name.startswith(HOLD) else of_brand)
    assert name.startswith(HOLD) or len(found) == 1, found
    assert not any(personal in json.dumps(newest["details"]) for personal in PERSONAL), newest


async def test_retries_and_resolutions_leave_an_entry(
    operated: Operated, operator: Caller, brand: str
) -> None:
    report, _ = await ended_with(operated, operator, brand, REFUSED)
    await ok(operator, f"{SENDS}/RetryFailedMessages", {"id": report["send_id"]})
    assert [
        entry["action"] for entry in await logged(operator, report["send_id"], SENDS, brand)
    ] == ["send_retried"]
    ended, (person,) = await ended_with(operated, operator, brand, AMBIGUOUS)
    unknown = (await message_of(operator, ended["send_id"], person))["id"]
    await resolve(operator, "sent", unknown)
    assert [entry["action"] for entry in await logged(operator, unknown, UNKNOWN, brand)] == [
        "message_resolved"
    ]


@pytest.mark.parametrize("name", IDLE)
async def test_a_change_whose_transaction_is_taken_back_leaves_no_entry(
    faulty: tuple[Running, FaultyStorage], brand: str, name: str
) -> None:
    running, storage = faulty
    api = caller("grpc", running, brand)
    if name.startswith(HOLD):
        await hold(running.service)
    request = await CHANGES[name][0](api, brand)
    before = await everything(running, brand)
    with storage.failing_with(StorageUnavailable("the commit failed")):
        assert (await api.call(name, request)).status == 503
    assert await everything(running, brand) == before
    assert (await api.call(name, request)).status < 300
    if LOGGED[name][0] != "message_scheduled":
        assert len(await everything(running, brand)) > len(before)


async def test_a_refused_change_leaves_no_entry(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    before = await everything(idle, brand)
    refused: list[tuple[str, Request]] = [
        (f"{SEGMENTS}/CreateSegment", {"brand_id": brand, "name": "", "predicate": {}}),
        (f"{COMMS}/SendCampaign", {"id": "none", "recipients": recipients(1)}),
        (f"{PEOPLE}/DeletePerson", {"brand_id": brand, "person_id": "nobody"}),
    ]
    for name, request in refused:
        assert (await idle_api.call(name, request)).status >= 400
    assert await everything(idle, brand) == before


async def test_a_million_recipients_or_people_are_one_entry(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    send = await messaging_campaign(idle_api, brand)
    await ok(idle_api, f"{MESSAGING}/PublishCampaign", {"id": send, "recipients": recipients(1000)})
    (entry,) = [
        each
        for each in await logged(idle_api, send, MESSAGING, brand)
        if each["action"] == "campaign_started"
    ]
    assert entry["details"]["recipients"] == 1000
    people = [{"person_id": f"p{number}"} for number in range(1000)]
    await ok(idle_api, f"{PEOPLE}/BatchPutPeople", {"brand_id": brand, "people": people})
    (entry,) = [
        each
        for each in await logged(idle_api, brand, PEOPLE, brand)
        if each["action"] == "people_put"
    ]
    assert entry["details"] == {"count": 1000}


async def test_the_same_message_asked_for_again_is_of_who_asked_first(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    for key in (None, "key-1"):
        request = one_off(brand)
        first = await idle_api.call(
            f"{MESSAGES}/ScheduleMessage",
            request,
            token=idle.token(brand, subject="first"),
            key=key,
        )
        again = await idle_api.call(
            f"{MESSAGES}/ScheduleMessage", request, token=idle.token(brand, subject="second")
        )
        assert again.body["id"] == first.body["id"]
        (entry,) = await logged(idle_api, first.body["id"], MESSAGES, brand)
        assert (entry["actor"], entry["action"], entry["created_at"]) == (
            "first",
            "message_scheduled",
            first.body["created_at"],
        )
