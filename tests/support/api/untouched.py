"""A brand that bad requests are tried on: nothing in it may change."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
from google.protobuf.message import Message

from server.domain.faces import Face
from storage.contract.storage import Transaction
from storage.model.criteria import EVERYONE
from storage.model.messages import MessageFilter
from storage.model.programs import EnrollmentFilter
from storage.model.templates import TemplateFilter
from tests.support.api.answers import Answer
from tests.support.api.callers import METHODS, POLICIES, Caller, GrpcCaller, caller, full_path
from tests.support.api.running import Running
from tests.support.api.scenes import (
    COMMS,
    FAR,
    MESSAGING,
    TEMPLATES,
    comms_campaign,
    instant,
    messaging_campaign,
    ok,
    put_person,
    put_sequence,
    sequence,
    template_id,
)
from tests.support.api.webhooks import RECEIVE, bounce, webhook
from tests.support.channels.browser import Browser
from tests.support.storage import made

MESSAGES = "comms.MessageService"
PEOPLE = "messaging.PersonService"
SEGMENTS = "messaging.SegmentService"
SENDS = "messaging.SendService"
SEQUENCES = "comms.SequenceService"
INBOX = "comms.InboxService"
NOTIFICATIONS = "comms.NotificationService"
PUSH = "comms.PushService"
SUPPRESSIONS = "comms.SuppressionService"
CONSENTS = "comms.ConsentService"
PREFERENCES = "comms.PreferenceService"
SLA = "comms.SlaService"
BRANDS = "ops.BrandService"
UNKNOWN = "ops.UnknownMessageService"
AUDIT = "ops.AuditService"
HOLD = "ops.HoldService"

PATIENT = "5f0c6c1e-8c0e-4d52-9a43-6f1c2b7d9e10"
"""A person with a browser, whom nobody has put."""
OBJECT = {"plan": "gold", "seats": 3}
"""A JSON object that is good for variables and attributes."""


@dataclass
class Untouched:
    """The brand, what is in it, and a caller over one transport."""

    running: Running
    api: Caller
    transport: str
    brand: str
    ids: dict[str, str]
    seen: list[object] | None = None
    """What was in it after the last test."""

    def good(self, method: str) -> dict[str, Any]:
        """A request that would succeed, with every field of the method in it."""
        requests = _requests(self.brand, self.ids)
        assert method in requests, f"{method} has no request in tests/support/api/untouched.py"
        return deepcopy(requests[method])

    async def refuses(
        self, method: str, request: dict[str, Any] | Message, *, key: str | None = None
    ) -> Answer:
        """The refusal of a request; a message for what JSON cannot say."""
        if isinstance(request, Message):
            assert isinstance(self.api, GrpcCaller)
            answer = await self.api.call_message(method, request, key=key)
        else:
            answer = await self.api.call(method, request, key=key)
        assert answer.status >= 400, (method, answer)
        return answer

    async def refuses_field(
        self, method: str, request: dict[str, Any] | Message, field: str, *, key: str | None = None
    ) -> None:
        """The refusal must be a validation error of that field and no other."""
        answer = await self.refuses(method, request, key=key)
        assert (answer.status, answer.error) == (
            POLICIES[full_path(METHODS[method])].invalid_argument_status,
            "validation_failed",
        ), (method, field, answer)
        assert answer.fields == {field}, (method, answer)

    async def send(
        self, verb: str, path: str, *, headers: dict[str, str] | None = None, **carried: Any
    ) -> httpx.Response:
        """A bare HTTP request with the brand's token."""
        known = {"authorization": f"Bearer {self.running.token(self.brand)}"}
        return await self.running.http.request(
            verb, path, headers=known | (headers or {}), **carried
        )

    async def everything(self) -> list[object]:
        """All rows of the brand, read past the API."""
        assert self.running.service.storage is not None
        return await self.running.service.storage.read(self._rows)

    async def _rows(self, tx: Transaction) -> list[object]:
        campaigns = [*await tx.campaigns.list_page(self.brand, Face.COMMS, None, None, 99)]
        campaigns += await tx.campaigns.list_page(self.brand, Face.MESSAGING, None, None, 99)
        sends = [
            send
            for campaign in campaigns
            for send in await tx.sends.list_page(campaign.id, None, 99)
        ]
        templates = await tx.templates.list_page(self.brand, TemplateFilter(), None, 99)
        return [
            campaigns,
            sends,
            await tx.messages.list_page(self.brand, MessageFilter(), None, 99),
            await tx.segments.list_page(self.brand, None, None, 99),
            await tx.suppressions.list_page(self.brand, None, None, None, 99, include_lifted=True),
            await tx.consents.list_page(self.brand, "ana", None, 99),
            await tx.preferences.list_page(self.brand, "ana", None, 99),
            await tx.push_subscriptions.list_of_person(self.brand, "ana", 99),
            await tx.brands.find_policy(self.brand),
            await tx.brands.list_page(self.brand, None, 99),
            await tx.audit.list_page(self.brand, None, None, 99),
            await tx.sequences.list_page(self.brand, None, 99),
            await tx.enrollments.list_page(self.brand, EnrollmentFilter(person_id="ana"), None, 99),
            [await tx.steps.list_of(each.id) for each in campaigns],
            templates,
            [await tx.templates.list_versions(template, None, 99) for template in templates],
            await tx.people.list_matching(
                made.rule(brand_id=self.brand), EVERYONE, datetime.now(UTC), None, 99
            ),
            await tx.people.find(self.brand, "ana"),
            await tx.inbox.list_page(self.brand, "tester", None, 99),
        ]


async def untouched_brand(running: Running, transport: str) -> Untouched:
    """A brand with one of everything. The service must have no dispatcher."""
    brand = f"brand-{uuid4().hex[:12]}"
    api = caller(transport, running, brand)
    ids = {
        "comms": await comms_campaign(api, brand),
        "messaging": await messaging_campaign(api, brand),
    }
    await put_person(api, brand, "ana")
    ids["template"] = await template_id(api, brand)
    template = await ok(api, f"{TEMPLATES}/GetTemplate", {"id": ids["template"]})
    ids["version"] = template["current_version_id"]
    steps = await ok(api, f"{MESSAGING}/ListCampaignSteps", {"id": ids["messaging"]})
    ids["step"] = steps["items"][0]["id"]
    ids["segment"] = (await ok(api, f"{SEGMENTS}/ListSegments", {"brand_id": brand}))["items"][0][
        "id"
    ]
    ids["message"] = (
        await ok(
            api, f"{MESSAGES}/ScheduleMessage", _requests(brand, ids)[f"{MESSAGES}/ScheduleMessage"]
        )
    )["id"]
    ids["suppression"] = (
        await ok(
            api,
            f"{SUPPRESSIONS}/CreateSuppression",
            _requests(brand, ids)[f"{SUPPRESSIONS}/CreateSuppression"],
        )
    )["id"]
    ids["sequence"] = await put_sequence(api, brand)
    enroll = f"{SEQUENCES}/EnrollPerson"
    ids["enrollment"] = (await ok(api, enroll, _requests(brand, ids)[enroll]))["id"]
    ids["item"] = (
        await ok(
            api,
            f"{NOTIFICATIONS}/CreateNotification",
            _requests(brand, ids)[f"{NOTIFICATIONS}/CreateNotification"],
        )
    )["id"]
    for person in (PATIENT, "ana"):
        registration = Browser().registration(brand, person)
        ids["push_subscription"] = (await ok(api, f"{PUSH}/CreatePushSubscription", registration))[
            "id"
        ]
    published = await messaging_campaign(api, brand)
    ids["send"] = (
        await ok(api, f"{MESSAGING}/PublishCampaign", {"id": published, "audience": "segment"})
    )["id"]
    return Untouched(running, api, transport, brand, ids)


def _requests(brand: str, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {**_by_name(brand, ids), **_in_full(brand, ids)}


def _by_name(brand: str, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Methods that only say what they are about."""
    about = {
        "comms": [
            f"{COMMS}/{verb}"
            for verb in ("GetCampaign", "DeleteCampaign", "CancelCampaign", "ListCampaignHistory")
        ],
        "messaging": [
            f"{MESSAGING}/{verb}"
            for verb in (
                "GetCampaign",
                "ListCampaignSteps",
                "DeleteCampaign",
                "UnscheduleCampaign",
                "CancelCampaign",
                "ListCampaignSends",
            )
        ],
        "message": [
            f"{MESSAGES}/{verb}"
            for verb in (
                "GetMessage",
                "GetScheduledMessage",
                "CancelMessage",
                "ListMessageAttempts",
                "GetMessageTimeline",
            )
        ],
        "segment": [f"{SEGMENTS}/GetSegment", f"{SEGMENTS}/ArchiveSegment"],
        "template": [
            f"{TEMPLATES}/{verb}"
            for verb in ("GetTemplate", "ListTemplateVersions", "ArchiveTemplate")
        ],
        "sequence": [f"{SEQUENCES}/GetSequence"],
        "enrollment": [f"{SEQUENCES}/{verb}Enrollment" for verb in ("Get", "Cancel")],
        "suppression": [f"{SUPPRESSIONS}/LiftSuppression"],
        "push_subscription": [f"{PUSH}/DeletePushSubscription"],
        "send": [
            f"{COMMS}/GetSend",
            *(
                f"{SENDS}/{verb}"
                for verb in (
                    "GetSend",
                    "GetSendReport",
                    "WatchSend",
                    "PauseSend",
                    "ResumeSend",
                    "CancelSend",
                )
            ),
        ],
    }
    return {
        **{method: {"id": ids.get(noun)} for noun, methods in about.items() for method in methods},
        f"{COMMS}/ListCampaigns": {"brand_id": brand},
        f"{MESSAGING}/ListCampaigns": {"brand_id": brand},
        **{
            f"{MESSAGES}/{verb}": {"brand_id": brand}
            for verb in ("ListMessages", "ListScheduledMessages", "ListRecentMessages")
        },
        f"{SEGMENTS}/ListSegments": {"brand_id": brand},
        f"{SEQUENCES}/ListSequences": {"brand_id": brand},
        f"{SEQUENCES}/ListEnrollments": {"brand_id": brand, "sequence_id": ids.get("sequence")},
        f"{SUPPRESSIONS}/ListSuppressions": {"brand_id": brand},
        f"{BRANDS}/GetBrandPolicy": {"brand_id": brand},
        f"{BRANDS}/GetBrand": {"id": brand},
        f"{BRANDS}/ListBrands": {"prefix": brand},
        f"{UNKNOWN}/ListUnknownMessages": {"brand_id": brand},
        f"{AUDIT}/ListAuditEntries": {"brand_id": brand},
        f"{AUDIT}/ListInstallationAuditEntries": {"subject_id": brand},
        f"{HOLD}/GetHold": {},
        f"{TEMPLATES}/ListTemplates": {"brand_id": brand},
        f"{TEMPLATES}/GetTemplateVersion": {
            "id": ids.get("template"),
            "version_id": ids.get("version"),
        },
        f"{PUSH}/GetPushKey": {},
        **{
            f"{PEOPLE}/{verb}": {"brand_id": brand, "person_id": "ana"}
            for verb in ("GetPerson", "DeletePerson")
        },
        **{
            method: {"brand_id": brand, "person_id": "ana"}
            for method in (f"{CONSENTS}/ListConsents", f"{PREFERENCES}/ListPreferences")
        },
        **{
            f"{INBOX}/{verb}": {"brand_id": brand, "person_id": "ana"}
            for verb in ("ListInboxItems", "WatchInbox")
        },
        **{
            f"{INBOX}/{verb}": {"brand_id": brand, "user_id": "ana", "ids": [ids.get("item")]}
            for verb in ("BulkReadInboxItems", "BulkArchiveInboxItems")
        },
        **{
            f"{NOTIFICATIONS}/{verb}": {"brand_id": brand}
            for verb in ("ListNotifications", "GetUnreadCount", "WatchNotifications")
        },
        f"{NOTIFICATIONS}/ReadNotification": {"brand_id": brand, "id": ids.get("item")},
    }


def _in_full(brand: str, ids: dict[str, str]) -> dict[str, dict[str, Any]]:
    """Methods with every field they have."""
    comms, messaging, segment = ids.get("comms"), ids.get("messaging"), ids.get("segment")
    suppressed = {"channel": "push", "address": "device-x", "reason": "manual", "source": "test"}
    contact = {"brand_id": brand, "person_id": "ana", "channel": "email", "category": "news"}
    step = {
        "template_id": ids.get("template"), "template_version_id": ids.get("version"),
        "delay_minutes": 60, "variables": OBJECT,
    }  # fmt: skip
    inline = {
        "name": "news", "subject": "News", "channel": "email", "template_key": "welcome",
        "segment_criteria": {}, "variables": OBJECT,
        "scheduled_at": instant(FAR),
    }  # fmt: skip
    audience = {
        "recipients": [
            {"person_id": "ana", "recipient": "ana@example.com"},
            {"person_id": "bo", "recipient": "bo@example.com"},
        ]
    }
    return {
        f"{COMMS}/CreateCampaign": {"brand_id": brand, **inline},
        f"{COMMS}/UpdateCampaign": {"id": comms, **inline},
        f"{COMMS}/SendCampaign": {"id": comms, **audience, "expire_at": instant(FAR)},
        f"{MESSAGING}/CreateCampaign": {
            "brand_id": brand, "name": "news", "description": "Monthly", "segment_id": segment
        },
        f"{MESSAGING}/UpdateCampaign": {
            "id": messaging, "name": "news", "description": "Monthly", "segment_id": segment
        },
        f"{MESSAGING}/CreateCampaignStep": {"id": messaging, "position": 7, **step},
        f"{MESSAGING}/UpdateCampaignStep": {
            "id": messaging, "step_id": ids.get("step"), "position": 7, **step
        },
        **{
            f"{MESSAGING}/{verb}CampaignStep": {"id": messaging, "step_id": ids.get("step")}
            for verb in ("Get", "Delete")
        },
        f"{MESSAGING}/ScheduleCampaign": {"id": messaging, "scheduled_at": instant(FAR),
            "expire_at": instant(FAR * 2)},
        f"{MESSAGING}/PublishCampaign": {"id": messaging, **audience, "expire_at": instant(FAR)},
        f"{MESSAGING}/DuplicateCampaign": {"id": messaging, "name": "news again"},
        f"{MESSAGING}/TestCampaign": {
            "id": messaging, "recipient": "ana@example.com", "person_id": "ana"
        },
        f"{COMMS}/PreviewCampaign": {"id": comms, **audience},
        f"{MESSAGING}/PreviewCampaign": {"id": messaging, **audience},
        f"{MESSAGES}/ScheduleMessage": {
            "channel": "email", "template_key": "welcome", "recipient": "ana@example.com",
            "brand_id": brand, "person_id": "ana",
            "variables": OBJECT, "dedup_key": uuid4().hex, "hipaa": False,
            "scheduled_at": instant(FAR),
            "expire_at": instant(FAR * 2),
        },
        f"{TEMPLATES}/CreateTemplate": {"brand_id": brand, "key": "news", "channel": "email",
            "description": "Monthly", "category": "product-news"},
        f"{TEMPLATES}/CreateTemplateVersion": {"id": ids.get("template"),
            "subject": "Hi {{ name }}", "body": "Hello {{ name }}", "html": "<p>{{ name }}</p>"},
        f"{TEMPLATES}/RenderTemplate": {"id": ids.get("template"), "payload": OBJECT,
            "strict": True, "version_id": ids.get("version"), "person_id": "ana", "locale": "pt"},
        f"{MESSAGES}/SendMessage": {
            "channel": "email", "template_key": "welcome", "recipient": "ana@example.com",
            "brand_id": brand, "person_id": "ana",
            "variables": OBJECT, "dedup_key": uuid4().hex, "hipaa": False,
            "expire_at": instant(FAR),
        },
        f"{MESSAGES}/BatchScheduleMessages": {"brand_id": brand, "messages": [{
            "channel": "email", "template_key": "welcome", "recipient": "ana@example.com",
            "person_id": "ana",
            "variables": OBJECT, "dedup_key": uuid4().hex, "hipaa": False,
            "scheduled_at": instant(FAR),
            "expire_at": instant(FAR * 2),
        }]},
        f"{NOTIFICATIONS}/CreateNotification": {
            "brand_id": brand, "patient_id": "tester", "kind": "result", "title": "New results",
            "body": "They are here", "link": "/results/7", "metadata": OBJECT,
        },
        f"{PEOPLE}/PutPerson": {
            "person_id": "ana", "brand_id": brand, "attributes": OBJECT, "email": "ana@example.com",
            "phone": "+12025550100",
            "push_tokens": ["device-1"], "locale": "pt-BR", "time_zone": "Europe/Lisbon",
        },
        f"{PEOPLE}/BatchPutPeople": {"brand_id": brand, "people": [{"person_id": "ana",
            "attributes": OBJECT, "email": "ana@example.com", "consents": [{"channel": "email",
            "category": "marketing", "opted_in": True, "source": "signup"}]}]},
        f"{SEGMENTS}/CreateSegment": {"brand_id": brand, "name": "gold",
            "description": "On the plan", "predicate": {"==": [{"var": "plan"}, "gold"]}},
        f"{SEGMENTS}/PreviewSegment": {"id": segment, "channel": "email"},
        f"{SEGMENTS}/PreviewPredicate": {"brand_id": brand, "predicate": {"==": [{"var": "plan"},
            "gold"]}, "channel": "email"},
        f"{SUPPRESSIONS}/CreateSuppression": {"brand_id": brand, **suppressed},
        f"{SUPPRESSIONS}/BatchCreateSuppressions": {"brand_id": brand,
            "suppressions": [suppressed]},
        f"{SEQUENCES}/CreateSequence": sequence(brand, description="For new ones"),
        f"{SEQUENCES}/EnrollPerson": {
            "id": ids.get("sequence"), "brand_id": brand, "person_id": "ana",
            "recipient": "ana@example.com",
        },
        f"{SUPPRESSIONS}/GetSuppression": {"brand_id": brand, "channel": "push",
            "email": "device-x"},
        f"{CONSENTS}/PutConsent": {**contact, "opted_in": True, "source": "signup"},
        f"{CONSENTS}/RevokeConsent": contact,
        f"{PREFERENCES}/PutPreference": {**contact, "enabled": False},
        "messaging.ConsentCheckService/CheckConsent": contact,
        f"{PEOPLE}/ExplainContact": {**contact, "recipient": "ana@example.com"},
        f"{PUSH}/CreatePushSubscription": Browser().registration(brand),
        f"{PUSH}/SendPush": {
            "patient_id": PATIENT, "title": "New results", "body": "They are here",
            "url": "/results/7", "brand_id": brand,
        },
        f"{SENDS}/ChangeSendVersion": {"id": ids.get("send"), "version_id": ids.get("version")},
        f"{SENDS}/RetryFailedMessages": {"id": ids.get("send"), "include_unknown": True},
        f"{BRANDS}/CreateBrand": {"id": f"{brand}-new", "name": "New"},
        f"{BRANDS}/UpdateBrand": {"id": brand, "name": "Another name"},
        f"{BRANDS}/SetBrandPolicy": {
            "brand_id": brand, "unknown_policy": "resend", "misfire_policy": "expire_after",
            "misfire_seconds": 60,
            "rate_limits": [{"channel": "email", "per_second": 5, "burst": 10}],
            "consent_defaults": [{"channel": "email", "meaning": "opt_in"}],
            "transactional_categories": ["receipts"],
            "budgets": {"requests": 1_000_000, "rows": 1_000_000, "bytes": 1_000_000_000},
        },
        f"{UNKNOWN}/ResolveUnknownMessages": {
            "brand_id": brand, "message_ids": [ids.get("message")], "resolution": "sent",
            "note": "seen in the provider's log"
        },
        f"{HOLD}/ReleaseHold": {"i_understand": True},
        RECEIVE: webhook(bounce(brand)),
        f"{SLA}/PingSms": {"brand_id": brand},
    }  # fmt: skip


def put(request: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The request with another value at a dotted path."""
    *parents, last = path.split(".")
    inner = request
    for parent in parents:
        inner = inner[parent]
    inner[last] = value
    return request


def without(request: dict[str, Any], path: str) -> dict[str, Any]:
    """The request without the field at a dotted path."""
    *parents, last = path.split(".")
    inner = request
    for parent in parents:
        inner = inner[parent]
    del inner[last]
    return request
