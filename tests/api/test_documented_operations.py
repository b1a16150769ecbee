"""Each documented operation, every documented status, over both transports: exactly the documented
body."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, Caller, caller
from tests.support.api.documented import (
    BUILT,
    CLOSED,
    METHOD_OF,
    OPERATIONS,
    documented_statuses,
    ours,
    validate,
)
from tests.support.api.faults import FaultyStorage, running_faulty_service
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    campaign,
    campaign_in,
    comms_campaign,
    instant,
    mail,
    ok,
    put_person,
    put_segment,
    put_sequence,
    put_template,
    recipients,
    sequence,
    template_id,
    until,
)
from tests.support.api.webhooks import bounce, webhook
from tests.support.channels.browser import Browser

SEND = "POST /v1/admin/campaigns/{id}/send"
CANCEL = "POST /v1/admin/campaigns/{id}/cancel"
PUBLISH = "POST /v1/messaging/campaigns/{id}/publish"
SCHEDULE = "POST /v1/messaging/campaigns/{id}/schedule"
MESSAGE = "POST /v1/messages/schedule"
SEND_MESSAGE = "POST /v1/messages/send"
CREATE = "POST /v1/admin/campaigns"
HISTORY = "GET /v1/admin/campaigns/{id}/history"
CREATE_TO_SEGMENT = "POST /v1/messaging/campaigns"
LIST_TO_SEGMENTS = "GET /v1/messaging/campaigns"
GET_MESSAGE = "GET /v1/messages/{id}"
GET_SCHEDULED = "GET /v1/messages/scheduled/{id}"
LIST_SCHEDULED = "GET /v1/messages/scheduled"
LIST_RECENT = "GET /v1/messages/recent"
CREATE_SEGMENT = "POST /v1/messaging/segments"
LIST_SEGMENTS = "GET /v1/messaging/segments"
PREVIEW_SEGMENT = "POST /v1/messaging/segments/{id}/preview"
CREATE_SEQUENCE = "POST /v1/sequences"
GET_SEQUENCE = "GET /v1/sequences/{id}"
ENROLL = "POST /v1/sequences/{id}/enroll"
CANCEL_ENROLLMENT = "POST /v1/sequences/enrollments/{id}/cancel"
SUPPRESS = "POST /v1/suppressions"
GET_SUPPRESSION = "GET /v1/suppressions/{email}"
LIFT = "DELETE /v1/suppressions/{id}"
CONSENTS = "GET /v1/consents/{person_id}"
PUT_PREFERENCE = "PUT /v1/preferences"
PREFERENCES = "GET /v1/preferences/{person_id}"
UNSUBSCRIBE = "POST /v1/unsubscribe"
CHECK_CONSENT = "POST /v1/messaging/consent/check"
LIST_TEMPLATES = "GET /v1/messaging/templates"
CREATE_TEMPLATE = "POST /v1/messaging/templates"
RENDER = "POST /v1/messaging/templates/{id}/render"
LIST_VERSIONS = "GET /v1/messaging/templates/{id}/versions"
ADD_VERSION = "POST /v1/messaging/templates/{id}/versions"
NOTIFY = "POST /v1/admin/notifications"
LIST_INBOX = "GET /v1/inbox/{person_id}"
ARCHIVE_ITEMS = "POST /v1/inbox/{user_id}/bulk-archive"
READ_ITEMS = "POST /v1/inbox/{user_id}/bulk-read"
LIST_NOTIFICATIONS = "GET /v1/notifications"
COUNT_UNREAD = "GET /v1/notifications/unread-count"
READ_NOTIFICATION = "POST /v1/notifications/{id}/read"
SUBSCRIBE = "POST /v1/push/subscriptions"
PING_SMS = "POST /v1/admin/sla/sms-ping"
EMAIL_EVENT = "POST /v1/webhooks/email"
FACE_OF = {SEND: COMMS, CANCEL: COMMS, PUBLISH: MESSAGING, SCHEDULE: MESSAGING}


def message(brand: str, **more: Any) -> dict[str, Any]:
    """A good request for a message."""
    return {
        "channel": "email", "template_key": "welcome", "recipient": "ana@example.com",
        "brand_id": brand, "person_id": "ana",
        "dedup_key": uuid4().hex, "scheduled_at": instant(FAR), **more,
    }  # fmt: skip


async def good_request(api: Caller, brand: str, path: str) -> dict[str, Any]:
    """A request that succeeds."""
    if path == MESSAGE:
        await put_template(api, brand)
        return message(brand)
    campaign_id = await campaign_in(api, brand, FACE_OF[path], "draft")
    more: dict[str, dict[str, Any]] = {
        SEND: {"recipients": recipients(2)},
        PUBLISH: {"recipients": recipients(2)},
        SCHEDULE: {"scheduled_at": instant(FAR)},
    }
    return {"id": campaign_id, **more.get(path, {})}


async def message_to_send(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await put_template(api, brand)
    request = message(brand)
    del request["scheduled_at"]
    return request


async def message_sent_before(api: Caller, brand: str, path: str) -> dict[str, Any]:
    request = await message_to_send(api, brand, path)
    await ok(api, METHOD_OF[path], request)
    return request


async def message_of_no_template(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await message_to_send(api, brand, path), "template_key": "nowhere"}


async def scheduled_message(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await put_template(api, brand)
    scheduled = await ok(api, METHOD_OF[MESSAGE], message(brand))
    return {"id": scheduled["id"]}


async def unknown_message(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": "no-such-message"}


async def of_brand(api: Caller, brand: str, path: str) -> dict[str, Any]:
    """A request for a list that has something in it."""
    await scheduled_message(api, brand, path)
    return {"brand_id": brand}


async def new_campaign(api: Caller, brand: str, path: str) -> dict[str, Any]:
    """What a documented request must have, and no more."""
    request = {"brand_id": brand, "name": "news"}
    if path == CREATE:
        return request | {"subject": "News", "template_key": "welcome"}
    return request | {"segment_id": await put_segment(api, brand)}


async def to_no_segment(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await new_campaign(api, brand, path), "segment_id": "no-such-segment"}


async def with_a_send(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": await campaign_in(api, brand, COMMS, "sending")}


async def list_of_campaigns(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await campaign_in(api, brand, MESSAGING, "draft")
    return {"brand_id": brand, "status": "draft"}


async def new_segment(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"brand_id": brand, "name": "everybody", "predicate": {}}


async def nameless_segment(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await new_segment(api, brand, path), "name": ""}


async def some_segment(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await put_person(api, brand, "ana")
    return {"id": await put_segment(api, brand)}


async def unknown_segment(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": "no-such-segment"}


async def list_of_segments(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await put_segment(api, brand)
    return {"brand_id": brand, "status": "active"}


async def new_sequence(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await put_template(api, brand)
    return sequence(brand)


async def sequence_without_template(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return sequence(brand, mail(0, template_key="no-such-template"))


async def known_sequence(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": await put_sequence(api, brand)}


async def to_enroll(api: Caller, brand: str, path: str) -> dict[str, Any]:
    person = {"person_id": "ana", "recipient": "ana@example.com"}
    return {"id": await put_sequence(api, brand), "brand_id": brand, **person}


async def enrolled(api: Caller, brand: str, path: str) -> dict[str, Any]:
    request = await to_enroll(api, brand, path)
    return {"id": (await ok(api, METHOD_OF[ENROLL], request))["id"]}


async def unknown_sequence(api: Caller, brand: str, path: str) -> dict[str, Any]:
    request = await to_enroll(api, brand, path) if path == ENROLL else {}
    return {**request, "id": "no-such-id"}


async def unknown_campaign(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await good_request(api, brand, path), "id": "no-such-campaign"}


async def cancelled_campaign(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {
        **await good_request(api, brand, path),
        "id": await campaign_in(api, brand, FACE_OF[path], "cancelled"),
    }


async def new_template(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"brand_id": brand, "key": uuid4().hex, "channel": "sms"}


async def template_on_no_channel(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"brand_id": brand, "key": "welcome"}


async def list_of_templates(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await put_template(api, brand)
    await template_id(api, brand, "sms")
    return {"brand_id": brand}


async def with_a_version(api: Caller, brand: str, path: str) -> dict[str, Any]:
    version = await put_template(api, brand, body="Hello {{ name }}")
    more: dict[str, dict[str, Any]] = {
        RENDER: {"payload": {}},
        ADD_VERSION: {"body": "Hello {{ name }}"},
    }
    return {"id": version["template_id"], **more.get(path, {})}


async def without_a_variable(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await with_a_version(api, brand, path), "strict": True}


async def unknown_template(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await with_a_version(api, brand, path), "id": "no-such-template"}


async def without_address(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**await good_request(api, brand, path), "recipient": ""}


async def endless_address(api: Caller, brand: str, path: str) -> dict[str, Any]:
    recipient = {"person_id": "ana", "recipient": f"{'a' * 600}@example.com"}
    return {**await good_request(api, brand, path), "recipients": [recipient]}


def bounced(brand: str) -> dict[str, Any]:
    return {
        "brand_id": brand, "email": "ana@example.com", "reason": "hard_bounce", "source": "smtp"
    }  # fmt: skip


async def new_suppression(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return bounced(brand)


async def suppression_without_source(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return bounced(brand) | {"source": ""}


async def suppressed_address(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await ok(api, METHOD_OF[SUPPRESS], bounced(brand))
    return {"brand_id": brand, "email": "ana@example.com"}


async def suppression(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": (await ok(api, METHOD_OF[SUPPRESS], bounced(brand)))["id"]}


async def unknown_suppression(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": "no-such-suppression"}


def news(brand: str) -> dict[str, Any]:
    return {"brand_id": brand, "person_id": "ana", "channel": "email", "category": "news"}


async def about_news(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return news(brand)


async def about_no_category(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return news(brand) | {"category": ""}


async def unwanted_news(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return news(brand) | {"enabled": False}


async def preference_without_category(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return news(brand) | {"category": "", "enabled": False}


async def after_an_unsubscribe(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await ok(api, METHOD_OF[UNSUBSCRIBE], news(brand))
    return {"brand_id": brand, "person_id": "ana"}


async def after_a_preference(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await ok(api, METHOD_OF[PUT_PREFERENCE], news(brand) | {"enabled": False})
    return {"brand_id": brand, "person_id": "ana"}


async def notification(api: Caller, brand: str, path: str) -> dict[str, Any]:
    """What a documented request must have, and no more, for the person of the caller's token."""
    return {"brand_id": brand, "patient_id": "tester", "kind": "result", "title": "New results"}


async def own_notifications(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await ok(api, METHOD_OF[NOTIFY], await notification(api, brand, path))
    return {}


async def own_notification(api: Caller, brand: str, path: str) -> dict[str, Any]:
    made = await ok(api, METHOD_OF[NOTIFY], await notification(api, brand, path))
    return {"id": made["id"]}


async def inbox(api: Caller, brand: str, path: str) -> dict[str, Any]:
    await own_notifications(api, brand, path)
    return {"person_id": "tester", "brand_id": brand, "limit": 10}


async def items_of_an_inbox(api: Caller, brand: str, path: str) -> dict[str, Any]:
    own = await own_notification(api, brand, path)
    return {"user_id": "tester", "ids": [own["id"]]}


async def no_items(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"user_id": "tester", "ids": []}


async def no_notification(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {"id": str(uuid4())}


async def browser(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return Browser().registration(brand)


async def browser_without_key(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {**Browser().registration(brand), "p256dh": "not-a-key"}


async def email_event(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return webhook(bounce(brand))


async def unsigned_event(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return webhook(bounce(brand)) | {"headers": {}}


async def nothing(api: Caller, brand: str, path: str) -> dict[str, Any]:
    return {}


Scene = Callable[[Caller, str, str], Awaitable[dict[str, Any]]]
SCENES: dict[tuple[str, int], Scene] = {
    (SEND, 200): good_request, (SEND, 404): unknown_campaign, (SEND, 409): cancelled_campaign,
    (SEND, 500): good_request,
    (CANCEL, 200): good_request, (CANCEL, 404): unknown_campaign, (CANCEL, 500): good_request,
    (MESSAGE, 201): good_request, (MESSAGE, 422): without_address,
    (PUBLISH, 202): good_request, (PUBLISH, 400): endless_address, (PUBLISH, 404): unknown_campaign,
    (PUBLISH, 412): cancelled_campaign,
    (PUBLISH, 500): good_request,
    (SCHEDULE, 200): good_request, (SCHEDULE, 404): unknown_campaign,
    (SCHEDULE, 412): cancelled_campaign, (SCHEDULE, 500): good_request,
    (CREATE, 201): new_campaign, (CREATE, 500): new_campaign,
    (HISTORY, 200): with_a_send, (HISTORY, 500): with_a_send,
    (CREATE_TO_SEGMENT, 201): new_campaign, (CREATE_TO_SEGMENT, 400): to_no_segment,
    (CREATE_TO_SEGMENT, 500): new_campaign,
    (LIST_TO_SEGMENTS, 200): list_of_campaigns, (LIST_TO_SEGMENTS, 500): list_of_campaigns,
    (LIST_TEMPLATES, 200): list_of_templates, (LIST_TEMPLATES, 500): list_of_templates,
    (CREATE_TEMPLATE, 201): new_template, (CREATE_TEMPLATE, 400): template_on_no_channel,
    (CREATE_TEMPLATE, 500): new_template,
    (RENDER, 200): with_a_version, (RENDER, 400): without_a_variable,
    (RENDER, 404): unknown_template, (RENDER, 500): with_a_version,
    (LIST_VERSIONS, 200): with_a_version, (LIST_VERSIONS, 500): with_a_version,
    (ADD_VERSION, 201): with_a_version, (ADD_VERSION, 404): unknown_template,
    (ADD_VERSION, 500): with_a_version,
    (SEND_MESSAGE, 200): message_to_send, (SEND_MESSAGE, 409): message_sent_before,
    (SEND_MESSAGE, 422): message_of_no_template,
    (GET_MESSAGE, 200): scheduled_message, (GET_MESSAGE, 404): unknown_message,
    (GET_SCHEDULED, 200): scheduled_message, (GET_SCHEDULED, 404): unknown_message,
    (CREATE_SEGMENT, 201): new_segment, (CREATE_SEGMENT, 400): nameless_segment,
    (CREATE_SEGMENT, 500): new_segment,
    (LIST_SEGMENTS, 200): list_of_segments, (LIST_SEGMENTS, 500): list_of_segments,
    (PREVIEW_SEGMENT, 200): some_segment, (PREVIEW_SEGMENT, 404): unknown_segment,
    (PREVIEW_SEGMENT, 500): some_segment,
    (CREATE_SEQUENCE, 201): new_sequence, (CREATE_SEQUENCE, 422): sequence_without_template,
    (GET_SEQUENCE, 200): known_sequence, (GET_SEQUENCE, 404): unknown_sequence,
    (ENROLL, 201): to_enroll, (ENROLL, 404): unknown_sequence,
    (CANCEL_ENROLLMENT, 200): enrolled, (CANCEL_ENROLLMENT, 404): unknown_sequence,
    (SUPPRESS, 200): new_suppression, (SUPPRESS, 422): suppression_without_source,
    (GET_SUPPRESSION, 200): suppressed_address,
    (LIFT, 200): suppression, (LIFT, 404): unknown_suppression,
    (CONSENTS, 200): after_an_unsubscribe,
    (PUT_PREFERENCE, 200): unwanted_news, (PUT_PREFERENCE, 422): preference_without_category,
    (PREFERENCES, 200): after_a_preference,
    (UNSUBSCRIBE, 200): about_news, (UNSUBSCRIBE, 422): about_no_category,
    (CHECK_CONSENT, 200): about_news, (CHECK_CONSENT, 500): about_news,
    (EMAIL_EVENT, 200): email_event, (EMAIL_EVENT, 400): unsigned_event,
    (PING_SMS, 200): nothing, (PING_SMS, 500): nothing,
    (SUBSCRIBE, 201): browser, (SUBSCRIBE, 422): browser_without_key,
    (LIST_SCHEDULED, 200): of_brand, (LIST_RECENT, 200): of_brand,
    (NOTIFY, 201): notification, (NOTIFY, 500): notification,
    (LIST_INBOX, 200): inbox,
    (ARCHIVE_ITEMS, 200): items_of_an_inbox, (ARCHIVE_ITEMS, 422): no_items,
    (READ_ITEMS, 200): items_of_an_inbox, (READ_ITEMS, 422): no_items,
    (LIST_NOTIFICATIONS, 200): own_notifications, (LIST_NOTIFICATIONS, 403): own_notifications,
    (LIST_NOTIFICATIONS, 500): own_notifications,
    (COUNT_UNREAD, 200): own_notifications, (COUNT_UNREAD, 403): own_notifications,
    (COUNT_UNREAD, 500): own_notifications,
    (READ_NOTIFICATION, 200): own_notification, (READ_NOTIFICATION, 403): own_notification,
    (READ_NOTIFICATION, 404): no_notification, (READ_NOTIFICATION, 500): own_notification,
}  # fmt: skip


def test_every_documented_status_has_a_test() -> None:
    assert set(SCENES) == {
        (path, status) for path in OPERATIONS for status in documented_statuses(path)
    }


def test_every_operation_that_is_built_has_a_method() -> None:
    assert set(METHOD_OF) == set(OPERATIONS) == set(CLOSED) | BUILT


def test_closed_answers_have_no_key_of_ours() -> None:
    for operation in CLOSED:
        answer = METHODS[METHOD_OF[operation]].output_type
        inner = [field.message_type for field in answer.fields if field.message_type]
        assert not any(map(ours, [answer, *inner])), operation


async def test_documented_answers(idle: Running, idle_api: Caller, brand: str) -> None:
    for (path, status), scene in SCENES.items():
        if status == 500:
            continue
        # Where it is documented, 403 is for a token that names no brand.
        token = idle.token() if status == 403 else None
        request = await scene(idle_api, brand, path)
        answer = await idle_api.call(METHOD_OF[path], request, token=token)
        assert answer.status == status, (path, answer)
        validate(path, status, answer.body)


@pytest.fixture(scope="session")
async def faulty(
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[tuple[Running, FaultyStorage]]:
    async with running_faulty_service(tmp_path_factory.mktemp("faulty")) as service:
        yield service


@pytest.mark.parametrize("path", [path for path, status in SCENES if status == 500])
async def test_a_fault_is_told_by_its_id_alone(
    faulty: tuple[Running, FaultyStorage],
    caplog: pytest.LogCaptureFixture,
    transport: str,
    brand: str,
    path: str,
) -> None:
    running, storage = faulty
    api = caller(transport, running, brand)
    request = await SCENES[path, 500](api, brand, path)
    face = FACE_OF.get(path)
    was = await campaign(api, face, request["id"]) if face else None
    storage.fault = RuntimeError("secret: INSERT INTO messages at /srv/carillon")
    try:
        answer = await api.call(METHOD_OF[path], request)
    finally:
        storage.fault = None
    assert answer.status == 500
    validate(path, 500, answer.body)
    error_id = answer.body["details"]["error_id"]
    assert answer.body == {
        "error": "internal",
        "message": "the service failed; the error_id finds the cause in its log",
        "details": {"error_id": error_id},
    }
    assert [record.levelname for record in caplog.records if error_id in record.getMessage()] == [
        "ERROR"
    ]
    assert face is None or await campaign(api, face, request["id"]) == was


async def test_times_that_are_set_are_instants(running: Running, api: Caller, brand: str) -> None:
    campaign_id = await comms_campaign(
        api, brand, scheduled_at=instant(FAR), segment_criteria={}, variables={"n": 1}
    )
    answer = await api.call(f"{COMMS}/CancelCampaign", {"id": campaign_id})
    validate(CANCEL, 200, answer.body)
    assert answer.body["campaign"]["scheduled_at"]
    assert answer.body["campaign"]["cancelled_at"]
    sent_id = await campaign_in(api, brand, MESSAGING, "sent")
    sent = await until(running, lambda: campaign(api, MESSAGING, sent_id), "status", "sent")
    validate(SCHEDULE, 200, sent)
    assert sent["published_at"] <= sent["sent_at"]


async def test_counts_that_are_not_zero_are_numbers(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await campaign_in(api, brand, MESSAGING, "draft")
    ana = {"person_id": "ana", "recipient": "ana@example.com"}
    request = {"id": campaign_id, "recipients": [ana, ana, {"person_id": "bo", "recipient": ""}]}
    answer = await api.call(METHOD_OF[PUBLISH], request)
    validate(PUBLISH, 202, answer.body)
    assert (answer.body["total_recipients"], answer.body["skipped_count"]) == (3, 2)

    async def look() -> dict[str, Any]:
        found: Answer = await api.call("messaging.SendService/GetSend", {"id": answer.body["id"]})
        body: dict[str, Any] = found.body
        return body

    send = await until(running, look, "status", "completed")
    validate(PUBLISH, 202, send)
    assert (
        send["sent_count"] + send["failed_count"] + send["skipped_count"]
        == send["total_recipients"]
        == 3
    )


async def test_dedup_key_of_another_request_is_the_documented_422(
    idle_api: Caller, brand: str
) -> None:
    await put_template(idle_api, brand)
    first = message(brand)
    assert (await idle_api.call(METHOD_OF[MESSAGE], first)).status == 201
    answer = await idle_api.call(METHOD_OF[MESSAGE], first | {"person_id": "bo"})
    assert (answer.status, answer.error) == (422, "dedup_key_reused")
    validate(MESSAGE, 422, answer.body)


async def test_sending_a_sent_campaign_is_the_documented_409(
    running: Running, api: Caller, brand: str
) -> None:
    campaign_id = await campaign_in(api, brand, COMMS, "sent")
    await until(running, lambda: campaign(api, COMMS, campaign_id), "status", "sent")
    answer = await api.call(METHOD_OF[SEND], {"id": campaign_id, "recipients": recipients(1)})
    assert answer.status == 409
    validate(SEND, 409, answer.body)
