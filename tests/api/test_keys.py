"""Idempotency keys of every method that changes something: the first answer again, one effect, and
nobody else's business."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf import descriptor_pb2

from carillon.comms.v1.campaign_service_pb2 import CreateCampaignRequest
from tests.support.api.callers import (
    METHODS,
    POLICIES,
    Caller,
    RestCaller,
    answer_of,
    bind,
    full_path,
    refusal_in,
    success_status,
)
from tests.support.api.deliveries import MESSAGES, SENDS, messages_of, one_off, schedule
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    add_step,
    campaign,
    campaign_in,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_segment,
    put_sequence,
    put_template,
    recipients,
    sequence,
    step,
    template_id,
    until,
)
from tests.support.channels.browser import Browser

Request = dict[str, Any]
Make = Callable[[Caller, str], Awaitable[Request]]

PEOPLE = "messaging.PersonService"
TEMPLATES = "messaging.TemplateService"
SEGMENTS = "messaging.SegmentService"
SEQUENCES = "comms.SequenceService"
PUSH = "comms.PushService"
SUPPRESSIONS = "comms.SuppressionService"
CONSENTS = "comms.ConsentService"
PREFERENCES = "comms.PreferenceService"
SLA = "comms.SlaService"
BRANDS = "ops.BrandService"
UNKNOWN = "ops.UnknownMessageService"
HOLD = "ops.HoldService"
INBOX = "comms.InboxService"
NOTIFICATIONS = "comms.NotificationService"
NO_ITEM = "01900000-0000-7000-8000-000000000000"


def on_campaign(face: str, status: str, **more: Any) -> Make:
    async def make(api: Caller, brand: str) -> Request:
        return {"id": await campaign_in(api, brand, face, status), **more}

    return make


async def create_comms(_: Caller, brand: str) -> Request:
    return {
        "brand_id": brand,
        "name": "news",
        "subject": "News",
        "channel": "email",
        "template_key": "welcome",
    }


async def create_messaging(api: Caller, brand: str) -> Request:
    return {"brand_id": brand, "name": "news", "segment_id": await put_segment(api, brand)}


async def create_step(api: Caller, brand: str) -> Request:
    campaign_id = await messaging_campaign(api, brand, steps=[])
    return {"id": campaign_id, **await step(api, brand)}


def on_step(**more: Any) -> Make:
    async def make(api: Caller, brand: str) -> Request:
        campaign_id = await messaging_campaign(api, brand, steps=[])
        return {"id": campaign_id, "step_id": await add_step(api, brand, campaign_id), **more}

    return make


async def schedule_message(api: Caller, brand: str) -> Request:
    await put_template(api, brand)
    return one_off(brand)


async def send_message(api: Caller, brand: str) -> Request:
    request = await schedule_message(api, brand)
    del request["scheduled_at"]
    return request


async def schedule_batch(api: Caller, brand: str) -> Request:
    request = await schedule_message(api, brand)
    del request["brand_id"]
    return {"brand_id": brand, "messages": [request]}


async def cancel_message(api: Caller, brand: str) -> Request:
    return {"id": (await schedule(api, brand, **await schedule_message(api, brand)))["id"]}


async def create_template(_: Caller, brand: str) -> Request:
    return {"brand_id": brand, "channel": "email", "key": "welcome"}


async def add_version(api: Caller, brand: str) -> Request:
    return {"id": await template_id(api, brand), "body": "Hello"}


async def archive_template(api: Caller, brand: str) -> Request:
    return {"id": await template_id(api, brand)}


async def put_ann(_: Caller, brand: str) -> Request:
    return {"brand_id": brand, "person_id": "ann", "email": "ann@example.com"}


async def put_people(_: Caller, brand: str) -> Request:
    return {"brand_id": brand, "people": [{"person_id": "ann", "email": "ann@example.com"}]}


async def delete_ann(api: Caller, brand: str) -> Request:
    await put_person(api, brand, "ann")
    return {"brand_id": brand, "person_id": "ann"}


async def notify(_: Caller, brand: str) -> Request:
    return {"brand_id": brand, "patient_id": "tester", "kind": "result", "title": "New results"}


async def read_notification(api: Caller, brand: str) -> Request:
    """For the person of the caller's token, whom tokens name in two ways."""
    await put_person(api, brand, "tester", attributes={"patient_id": "who-it-was"})
    made = await ok(api, f"{NOTIFICATIONS}/CreateNotification", await notify(api, brand))
    return {"id": made["id"]}


async def change_items(api: Caller, brand: str) -> Request:
    made = await ok(api, f"{NOTIFICATIONS}/CreateNotification", await notify(api, brand))
    return {"brand_id": brand, "user_id": "tester", "ids": [made["id"]]}


async def create_segment(_: Caller, brand: str) -> Request:
    return {"brand_id": brand, "name": "all", "predicate": {}}


async def archive_segment(api: Caller, brand: str) -> Request:
    return {"id": await put_segment(api, brand)}


async def create_suppression(_: Caller, brand: str) -> Request:
    return {
        "brand_id": brand,
        "email": "ann@example.com",
        "reason": "unsubscribe",
        "source": "test",
    }


async def create_suppressions(_: Caller, brand: str) -> Request:
    return {
        "brand_id": brand,
        "suppressions": [
            {"channel": "email", "address": "ann@example.com", "reason": "unsubscribe"}
        ],
    }


async def delete_suppression(api: Caller, brand: str) -> Request:
    return {
        "id": (
            await ok(api, f"{SUPPRESSIONS}/CreateSuppression", await create_suppression(api, brand))
        )["id"]
    }


async def create_sequence(api: Caller, brand: str) -> Request:
    await put_template(api, brand)
    return sequence(brand)


async def enroll(api: Caller, brand: str) -> Request:
    ann = {"person_id": "ann", "recipient": "ann@example.com"}
    return {"id": await put_sequence(api, brand), "brand_id": brand, **ann}


async def cancel_enrollment(api: Caller, brand: str) -> Request:
    request = await enroll(api, brand)
    return {"id": (await ok(api, f"{SEQUENCES}/EnrollPerson", request))["id"]}


def about_news(**more: Any) -> Make:
    async def make(_: Caller, brand: str) -> Request:
        return {
            "brand_id": brand, "person_id": "ann", "channel": "email", "category": "news", **more
        }  # fmt: skip

    return make


async def register_browser(_: Caller, brand: str) -> Request:
    return Browser().registration(brand)


async def delete_push_subscription(api: Caller, brand: str) -> Request:
    request = await register_browser(api, brand)
    return {"id": (await ok(api, f"{PUSH}/CreatePushSubscription", request))["id"]}


async def send_push(api: Caller, brand: str) -> Request:
    patient = str(uuid4())
    await ok(api, f"{PUSH}/CreatePushSubscription", Browser().registration(brand, patient))
    return {"patient_id": patient, "title": "New results", "body": "They are here"}


def on_send(*before: str, **more: Any) -> Make:
    """A send that is going on, after some operations on it."""

    async def make(api: Caller, brand: str) -> Request:
        send = await ok(
            api,
            f"{MESSAGING}/PublishCampaign",
            {"id": await messaging_campaign(api, brand), "recipients": recipients(2)},
        )
        for verb in before:
            await ok(api, f"{SENDS}/{verb}", {"id": send["id"]})
        return {"id": send["id"], **more}

    return make


async def ping_sms(_: Caller, brand: str) -> Request:
    return {"brand_id": brand}


async def change_version(api: Caller, brand: str) -> Request:
    request = await on_send("PauseSend")(api, brand)
    return {**request, "version_id": (await put_template(api, brand))["id"]}


async def create_brand(_: Caller, brand: str) -> Request:
    return {"id": f"{brand}-new", "name": "New"}


async def rename_brand(_: Caller, brand: str) -> Request:
    return {"id": brand, "name": "Renamed"}


async def set_policy(_: Caller, brand: str) -> Request:
    return {"brand_id": brand, "unknown_policy": "resend"}


async def resolve_nothing(api: Caller, brand: str) -> Request:
    return {
        "brand_id": brand,
        "message_ids": [(await cancel_message(api, brand))["id"]],
        "resolution": "sent",
    }


async def release_hold(_: Caller, __: str) -> Request:
    return {"i_understand": True}


# Every method that changes something: a good request of it, and one under the same key that says
# something else.
CHANGES: dict[str, tuple[Make, Request]] = {
    f"{COMMS}/CreateCampaign": (create_comms, {"name": "other"}),
    f"{COMMS}/UpdateCampaign": (on_campaign(COMMS, "draft", name="renamed"), {"name": "other"}),
    f"{COMMS}/DeleteCampaign": (on_campaign(COMMS, "draft"), {"id": "other"}),
    f"{COMMS}/SendCampaign": (
        on_campaign(COMMS, "draft", recipients=recipients(2)),
        {"recipients": recipients(2)},
    ),
    f"{COMMS}/CancelCampaign": (on_campaign(COMMS, "draft"), {"id": "other"}),
    f"{MESSAGES}/ScheduleMessage": (schedule_message, {"dedup_key": "other"}),
    f"{MESSAGES}/SendMessage": (send_message, {"dedup_key": "other"}),
    f"{MESSAGES}/BatchScheduleMessages": (schedule_batch, {"brand_id": "other"}),
    f"{MESSAGES}/CancelMessage": (cancel_message, {"id": "other"}),
    f"{SEQUENCES}/CreateSequence": (create_sequence, {"name": "other"}),
    f"{SEQUENCES}/EnrollPerson": (enroll, {"person_id": "bob"}),
    f"{SEQUENCES}/CancelEnrollment": (cancel_enrollment, {"id": "other"}),
    f"{TEMPLATES}/CreateTemplate": (create_template, {"key": "other"}),
    f"{TEMPLATES}/CreateTemplateVersion": (add_version, {"body": "other"}),
    f"{TEMPLATES}/ArchiveTemplate": (archive_template, {"id": "other"}),
    f"{MESSAGING}/CreateCampaign": (create_messaging, {"name": "other"}),
    f"{MESSAGING}/UpdateCampaign": (
        on_campaign(MESSAGING, "draft", name="renamed"),
        {"name": "other"},
    ),
    f"{MESSAGING}/CreateCampaignStep": (create_step, {"position": 7}),
    f"{MESSAGING}/UpdateCampaignStep": (on_step(position=3), {"position": 7}),
    f"{MESSAGING}/DeleteCampaignStep": (on_step(), {"step_id": "other"}),
    f"{MESSAGING}/DuplicateCampaign": (on_campaign(MESSAGING, "draft"), {"name": "other"}),
    f"{MESSAGING}/TestCampaign": (
        on_campaign(MESSAGING, "draft", recipient="ana@example.com"),
        {"recipient": "other@example.com"},
    ),
    f"{MESSAGING}/DeleteCampaign": (on_campaign(MESSAGING, "draft"), {"id": "other"}),
    f"{MESSAGING}/ScheduleCampaign": (
        on_campaign(MESSAGING, "draft", scheduled_at=instant(FAR)),
        {"scheduled_at": instant(FAR * 2)},
    ),
    f"{MESSAGING}/UnscheduleCampaign": (on_campaign(MESSAGING, "scheduled"), {"id": "other"}),
    f"{MESSAGING}/PublishCampaign": (
        on_campaign(MESSAGING, "draft", recipients=recipients(2)),
        {"recipients": recipients(2)},
    ),
    f"{MESSAGING}/CancelCampaign": (on_campaign(MESSAGING, "draft"), {"id": "other"}),
    f"{NOTIFICATIONS}/CreateNotification": (notify, {"title": "Other"}),
    f"{NOTIFICATIONS}/ReadNotification": (read_notification, {"id": "other"}),
    f"{INBOX}/BulkReadInboxItems": (change_items, {"ids": [NO_ITEM]}),
    f"{INBOX}/BulkArchiveInboxItems": (change_items, {"ids": [NO_ITEM]}),
    f"{PEOPLE}/PutPerson": (put_ann, {"email": "other@example.com"}),
    f"{PEOPLE}/BatchPutPeople": (
        put_people,
        {"people": [{"person_id": "ann", "email": "other@example.com"}]},
    ),
    f"{PEOPLE}/DeletePerson": (delete_ann, {"person_id": "other"}),
    f"{SEGMENTS}/CreateSegment": (create_segment, {"name": "other"}),
    f"{SEGMENTS}/ArchiveSegment": (archive_segment, {"id": "other"}),
    f"{SUPPRESSIONS}/CreateSuppression": (create_suppression, {"reason": "manual"}),
    f"{SUPPRESSIONS}/BatchCreateSuppressions": (
        create_suppressions,
        {"suppressions": [{"channel": "sms", "address": "+12025550100", "reason": "manual"}]},
    ),
    f"{SUPPRESSIONS}/LiftSuppression": (delete_suppression, {"id": "other"}),
    f"{CONSENTS}/PutConsent": (about_news(opted_in=True, source="test"), {"source": "other"}),
    f"{CONSENTS}/RevokeConsent": (about_news(), {"category": "other"}),
    f"{PREFERENCES}/PutPreference": (about_news(enabled=True), {"category": "other"}),
    f"{PUSH}/CreatePushSubscription": (register_browser, {"person_id": "other"}),
    f"{PUSH}/DeletePushSubscription": (delete_push_subscription, {"id": "other"}),
    f"{PUSH}/SendPush": (send_push, {"title": "Other"}),
    f"{SENDS}/PauseSend": (on_send(), {"id": "other"}),
    f"{SENDS}/ResumeSend": (on_send("PauseSend"), {"id": "other"}),
    f"{SENDS}/ChangeSendVersion": (change_version, {"version_id": "other"}),
    f"{SENDS}/CancelSend": (on_send(), {"id": "other"}),
    f"{SLA}/PingSms": (ping_sms, {"brand_id": "other"}),
    f"{BRANDS}/CreateBrand": (create_brand, {"name": "Other"}),
    f"{BRANDS}/UpdateBrand": (rename_brand, {"name": "Other"}),
    f"{BRANDS}/SetBrandPolicy": (set_policy, {"unknown_policy": "park"}),
    f"{UNKNOWN}/ResolveUnknownMessages": (resolve_nothing, {"resolution": "failed"}),
    f"{HOLD}/ReleaseHold": (release_hold, {}),
}


OPPOSITES: dict[str, Request] = {
    "CreateTemplateVersion": {"body": "second version"},
    "CreateSuppression": {"reason": "complaint"},
    "PutConsent": {"opted_in": False},
    "PutPreference": {"enabled": False},
}
"""What moves something on when it is put again, by method."""


async def undo(api: Caller, brand: str, name: str, request: Request, first: Any) -> None:
    """Moves what the first call made or changed on to another state, where something can."""
    noun, _, verb = name.partition("/")
    if noun in (COMMS, MESSAGING):
        campaign_id = request.get("id") or (first["campaign"] if noun == COMMS else first)["id"]
        await api.call(f"{noun}/CancelCampaign", {"id": campaign_id})
    elif verb == "ScheduleMessage":
        await ok(api, f"{MESSAGES}/CancelMessage", {"id": first["id"]})
    elif verb == "CreateTemplate":
        await ok(api, f"{TEMPLATES}/ArchiveTemplate", {"id": first["id"]})
    elif verb == "PutPerson":
        await ok(api, f"{PEOPLE}/DeletePerson", {"person_id": "ann"})
    elif verb in OPPOSITES:
        await ok(api, name, {**request, **OPPOSITES[verb]})
    elif verb == "DeletePerson":
        await put_person(api, brand, "ann")
    elif noun == SENDS:
        await ok(
            api,
            f"{SENDS}/{'PauseSend' if verb == 'ResumeSend' else 'ResumeSend'}",
            {"id": request["id"]},
        )
    elif verb == "SetBrandPolicy":
        await ok(api, name, {"brand_id": brand})


def test_every_change_is_tested() -> None:
    reads = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    changes = {
        name for name, method in METHODS.items() if method.GetOptions().idempotency_level != reads
    }
    # What a mail program or a provider calls has no caller whose key it could be, and does nothing
    # when it is repeated. What failed can be retried only where a dispatcher runs; the key of that
    # is tested with it.
    assert set(CHANGES) == changes - {
        "comms.UnsubscribeService/Unsubscribe",
        "comms.WebhookService/ReceiveEmailEvent",
        f"{SENDS}/RetryFailedMessages",
    }


@pytest.mark.parametrize("name", CHANGES)
async def test_a_key_stands_for_its_request_and_first_answer_whatever_came_after(
    idle_api: Caller, brand: str, name: str
) -> None:
    make, other = CHANGES[name]
    policy = POLICIES[full_path(METHODS[name])]
    request = await make(idle_api, brand)
    first = await idle_api.call(name, request, key="key-1")
    assert first.status == success_status(METHODS[name])
    await undo(idle_api, brand, name, request, first.body)
    again = await idle_api.call(name, request, key="key-1")
    assert (again.status, again.body) == (first.status, first.body)
    # Only one request to release the hold is good.
    if other:
        answer = await idle_api.call(name, {**request, **other}, key="key-1")
        expected = (policy.invalid_argument_status, "idempotency_key_reused")
        assert (answer.status, answer.error) == expected


@pytest.mark.parametrize(
    ("then", "status"), [(f"{COMMS}/CancelCampaign", 422), (f"{MESSAGING}/CancelCampaign", 400)]
)
async def test_key_does_not_span_two_methods(
    idle_api: Caller, brand: str, then: str, status: int
) -> None:
    face = then.partition("/")[0]
    campaign_id = await campaign_in(idle_api, brand, face, "draft")
    await idle_api.call(
        f"{face}/DeleteCampaign",
        {"id": await campaign_in(idle_api, brand, face, "draft")},
        key="key-1",
    )
    answer = await idle_api.call(then, {"id": campaign_id}, key="key-1")
    assert (answer.status, answer.error) == (status, "idempotency_key_reused")
    assert (await campaign(idle_api, face, campaign_id))["status"] == "draft"


async def test_publish_is_answered_byte_for_byte_the_same_after_it_was_sent(
    running: Running, rest: RestCaller, brand: str
) -> None:
    campaign_id = await campaign_in(rest, brand, MESSAGING, "draft")
    verb, path, body = bind(
        METHODS[f"{MESSAGING}/PublishCampaign"], {"id": campaign_id, "recipients": recipients(3)}
    )
    headers = {"Authorization": f"Bearer {rest.token}", "Idempotency-Key": "publish once"}
    first = await rest.client.request(verb, path, json=body, headers=headers)
    await until(running, lambda: campaign(rest, MESSAGING, campaign_id), "status", "sent")
    again = await rest.client.request(verb, path, json=body, headers=headers)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert (again.status_code, again.json()["status"]) == (202, "sending")
    assert (
        await rest.client.request(
            verb, path, json=body, headers={"Authorization": f"Bearer {rest.token}"}
        )
    ).status_code == 412
    assert len(await messages_of(rest, status="sent")) == 3


async def test_key_of_another_caller_is_another_key(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    request = await create_comms(idle_api, brand)
    callers = [
        None,
        idle.token(brand, subject="somebody-else"),
        idle.token(brand, f"other-{brand}"),
    ]
    answers = [
        await idle_api.call(f"{COMMS}/CreateCampaign", request, token=token, key="key-1")
        for token in callers
    ]
    assert [answer.status for answer in answers] == [201] * 3
    assert len({answer.body["campaign"]["id"] for answer in answers}) == 3


async def test_another_token_of_the_same_caller_finds_its_key(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    request = await create_comms(idle_api, brand)
    first = await idle_api.call(f"{COMMS}/CreateCampaign", request, key="key-1")
    fresh = idle.token(brand, scopes=["write:campaigns"])
    assert (
        await idle_api.call(f"{COMMS}/CreateCampaign", request, token=fresh, key="key-1")
    ).body == first.body


async def test_key_opens_nothing_to_a_token_without_the_scope(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    request = await create_comms(idle_api, brand)
    await idle_api.call(f"{COMMS}/CreateCampaign", request, key="key-1")
    answer = await idle_api.call(
        f"{COMMS}/CreateCampaign",
        request,
        token=idle.token(brand, scopes=["read:campaigns"]),
        key="key-1",
    )
    assert (answer.status, answer.error) == (403, "scope_missing")


async def test_refusal_is_not_kept(idle_api: Caller, brand: str) -> None:
    campaign_id = await messaging_campaign(idle_api, brand, steps=[])
    request = {"id": campaign_id, "scheduled_at": instant(FAR)}
    refused = await idle_api.call(f"{MESSAGING}/ScheduleCampaign", request, key="key-1")
    assert (refused.status, refused.error) == (412, "no_steps")
    await add_step(idle_api, brand, campaign_id)
    assert (
        await idle_api.call(f"{MESSAGING}/ScheduleCampaign", request, key="key-1")
    ).status == 200


async def test_refused_request_leaves_its_key_free_for_another(
    idle_api: Caller, brand: str
) -> None:
    request = await create_comms(idle_api, brand)
    assert (
        await idle_api.call(f"{COMMS}/CreateCampaign", {**request, "name": ""}, key="key-1")
    ).status == 422
    assert (await idle_api.call(f"{COMMS}/CreateCampaign", request, key="key-1")).status == 201


@pytest.mark.parametrize("make", [comms_campaign, messaging_campaign])
async def test_same_key_at_the_same_time_has_one_effect(
    idle_api: Caller, brand: str, make: Callable[[Caller, str], Awaitable[str]]
) -> None:
    face, verb = (
        (COMMS, "SendCampaign") if make is comms_campaign else (MESSAGING, "PublishCampaign")
    )
    request = {"id": await make(idle_api, brand), "recipients": recipients(5)}
    answers = await asyncio.gather(
        *(idle_api.call(f"{face}/{verb}", request, key="key-1") for _ in range(20))
    )
    assert [answer.status for answer in answers] == [success_status(METHODS[f"{face}/{verb}"])] * 20
    assert all(answer.body == answers[0].body for answer in answers)
    assert len(await messages_of(idle_api)) == 5


async def test_creating_at_the_same_time_under_one_key_creates_one(
    idle_api: Caller, brand: str
) -> None:
    request = await create_comms(idle_api, brand)
    answers = await asyncio.gather(
        *(idle_api.call(f"{COMMS}/CreateCampaign", request, key="key-1") for _ in range(20))
    )
    assert {(answer.status, answer.body["campaign"]["id"]) for answer in answers} == {
        (201, answers[0].body["campaign"]["id"])
    }
    assert len((await ok(idle_api, f"{COMMS}/ListCampaigns", {}))["campaigns"]) == 1


async def test_without_a_key_every_call_counts(idle_api: Caller, brand: str) -> None:
    request = await create_comms(idle_api, brand)
    ids = {
        (await ok(idle_api, f"{COMMS}/CreateCampaign", request))["campaign"]["id"] for _ in range(3)
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (f"{COMMS}/CreateCampaign", 422),
        (f"{MESSAGING}/CreateCampaign", 400),
        (f"{MESSAGES}/ScheduleMessage", 422),
    ],
)
async def test_key_is_200_characters_at_most(
    idle_api: Caller, brand: str, name: str, status: int
) -> None:
    request = await CHANGES[name][0](idle_api, brand)
    answer = await idle_api.call(name, request, key="k" * 201)
    assert (answer.status, answer.error, answer.fields) == (
        status,
        "validation_failed",
        {"idempotency-key"},
    )
    assert (await idle_api.call(name, request, key="k" * 200)).status == 201


async def test_two_keys_are_refused_although_they_are_one(
    idle: Running, idle_api: Caller, brand: str
) -> None:
    name, request = f"{COMMS}/CreateCampaign", await create_comms(idle_api, brand)
    headers = [
        ("authorization", f"Bearer {idle.token(brand)}"),
        ("idempotency-key", "key-1"),
        ("idempotency-key", "key-1"),
    ]
    if isinstance(idle_api, RestCaller):
        verb, path, body = bind(METHODS[name], request)
        answer = answer_of(await idle.http.request(verb, path, json=body, headers=headers), request)
    else:
        call: Any = idle.channel.unary_unary(
            full_path(METHODS[name]), request_serializer=CreateCampaignRequest.SerializeToString
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(CreateCampaignRequest(**request), metadata=headers)
        answer = refusal_in(refused.value)
    assert (answer.status, answer.error, answer.fields) == (
        422,
        "validation_failed",
        {"idempotency-key"},
    )
    assert (await ok(idle_api, f"{COMMS}/ListCampaigns", {}))["campaigns"] == []
