"""What tests start from: a brand with templates and people, and campaigns in every status."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from storage.contract.signals import PROGRESS
from tests.support.api.answers import Answer
from tests.support.api.callers import Caller
from tests.support.api.running import Running

COMMS = "comms.CampaignService"
MESSAGING = "messaging.CampaignService"
TEMPLATES = "messaging.TemplateService"
FAR = timedelta(days=30)


def instant(ahead: timedelta = timedelta()) -> str:
    """An RFC 3339 instant, `ahead` of now."""
    return (datetime.now(UTC) + ahead).isoformat().replace("+00:00", "Z")


async def ok(api: Caller, name: str, request: dict[str, Any]) -> dict[str, Any]:
    """The body of a call that must succeed."""
    answer = await api.call(name, request)
    assert answer.status < 300, answer
    body: dict[str, Any] = answer.body
    return body


async def template_id(api: Caller, brand: str, channel: str = "email", key: str = "welcome") -> str:
    """The id of a template, which is created if there is none."""
    about = {"brand_id": brand, "channel": channel, "key": key}
    if found := (await ok(api, f"{TEMPLATES}/ListTemplates", about))["items"]:
        return str(found[0]["id"])
    return str((await ok(api, f"{TEMPLATES}/CreateTemplate", about))["id"])


async def try_version(
    api: Caller, brand: str, channel: str = "email", key: str = "welcome", **more: Any
) -> Answer:
    """The answer to another version of a template, which is created if there is none."""
    about = {"id": await template_id(api, brand, channel, key)}
    return await api.call(f"{TEMPLATES}/CreateTemplateVersion", about | more)


async def put_template(
    api: Caller, brand: str, channel: str = "email", key: str = "welcome", **more: Any
) -> dict[str, Any]:
    """Another version of a template, which is created if there is none."""
    version = {"body": "Hello {{ name | default: 'you' }}", **more}
    answer = await try_version(api, brand, channel, key, **version)
    assert answer.status == 201, answer
    body: dict[str, Any] = answer.body
    return body


async def try_rendering(
    api: Caller, brand: str, channel: str = "email", key: str = "welcome", **more: Any
) -> Answer:
    """The answer to a call that renders a template, with an empty payload unless it says
    otherwise."""
    about = {"id": await template_id(api, brand, channel, key), "payload": {}}
    return await api.call(f"{TEMPLATES}/RenderTemplate", about | more)


async def rendered(
    api: Caller, brand: str, channel: str = "email", key: str = "welcome", **more: Any
) -> dict[str, Any]:
    """What a template renders to."""
    answer = await try_rendering(api, brand, channel, key, **more)
    assert answer.status == 200, answer
    body: dict[str, Any] = answer.body
    return body


async def put_person(api: Caller, brand: str, person_id: str, **more: Any) -> None:
    """A person with an address on every channel."""
    known = {
        "email": f"{person_id}@example.com",
        "phone": "+12025550100",
        "push_tokens": [f"device-{person_id}"],
        **more,
    }
    await ok(
        api,
        "messaging.PersonService/PutPerson",
        {"brand_id": brand, "person_id": person_id, **known},
    )


async def put_segment(api: Caller, brand: str, criteria: dict[str, Any] | None = None) -> str:
    """A segment; its id."""
    body = await ok(
        api,
        "messaging.SegmentService/CreateSegment",
        {"brand_id": brand, "name": "all", "predicate": criteria or {}},
    )
    return str(body["id"])


def mail(position: int, **more: Any) -> dict[str, Any]:
    """A step of a sequence, a minute after what comes before it."""
    return {
        "position": position,
        "channel": "email",
        "template_key": "welcome",
        "delay_minutes": 1,
        **more,
    }


def sequence(brand: str, *steps: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A good request for a sequence: of two mails, unless told otherwise."""
    chosen = list(steps) or [mail(0), mail(1)]
    return {"brand_id": brand, "name": "Onboarding", "steps": chosen, **more}


async def put_sequence(api: Caller, brand: str, *steps: dict[str, Any]) -> str:
    """A sequence with its template on email; its id."""
    await put_template(api, brand)
    created = await ok(api, "comms.SequenceService/CreateSequence", sequence(brand, *steps))
    return str(created["id"])


async def comms_campaign(api: Caller, brand: str, **more: Any) -> str:
    """A comms draft with its template; its id."""
    await put_template(api, brand, more.get("channel", "email"))
    request = {
        "brand_id": brand, "name": "news", "subject": "News", "channel": "email",
        "template_key": "welcome", **more
    }  # fmt: skip
    return str((await ok(api, f"{COMMS}/CreateCampaign", request))["campaign"]["id"])


async def messaging_campaign(
    api: Caller,
    brand: str,
    channel: str = "email",
    criteria: dict[str, Any] | None = None,
    *,
    steps: Sequence[dict[str, Any]] = ({},),
    **more: Any,
) -> str:
    """A messaging draft with its template and segment, and one step unless told otherwise; its
    id."""
    await put_template(api, brand, channel)
    request = {
        "brand_id": brand,
        "name": "news",
        "segment_id": await put_segment(api, brand, criteria),
        **more,
    }
    campaign_id = str((await ok(api, f"{MESSAGING}/CreateCampaign", request))["id"])
    for position, step in enumerate(steps):
        await add_step(
            api, brand, campaign_id, **{"channel": channel, "position": position, **step}
        )
    return campaign_id


async def step(
    api: Caller, brand: str, channel: str = "email", key: str = "welcome", **more: Any
) -> dict[str, Any]:
    """A good request for a step, but for its campaign: of the current version of a template."""
    about = {"brand_id": brand, "channel": channel, "key": key}
    (template,) = (await ok(api, f"{TEMPLATES}/ListTemplates", about))["items"]
    version_id = template["current_version_id"]
    return {
        "position": 0,
        "template_id": template["id"],
        "template_version_id": version_id,
        **more,
    }


async def add_step(api: Caller, brand: str, campaign_id: str, **more: Any) -> str:
    """A step of a campaign, of the template `welcome` on email unless told otherwise; its id."""
    request = {"id": campaign_id, **await step(api, brand, **more)}
    return str((await ok(api, f"{MESSAGING}/CreateCampaignStep", request))["id"])


async def campaign_in(api: Caller, brand: str, face: str, status: str) -> str:
    """The id of a campaign of a face in a status. `sending` lasts only where no dispatcher runs;
    `sent` comes only where one does."""
    campaign_id = await (
        comms_campaign(api, brand) if face == COMMS else messaging_campaign(api, brand)
    )
    if status == "scheduled" and face == COMMS:
        await ok(api, f"{COMMS}/UpdateCampaign", {"id": campaign_id, "scheduled_at": instant(FAR)})
    elif status == "scheduled":
        await ok(
            api, f"{MESSAGING}/ScheduleCampaign", {"id": campaign_id, "scheduled_at": instant(FAR)}
        )
    elif status in ("sending", "sent"):
        verb = "SendCampaign" if face == COMMS else "PublishCampaign"
        await ok(api, f"{face}/{verb}", {"id": campaign_id, "recipients": recipients(2)})
    elif status == "cancelled":
        await ok(api, f"{face}/CancelCampaign", {"id": campaign_id})
    return campaign_id


def recipients(count: int) -> list[dict[str, str]]:
    """Recipients of email, all different."""
    return [
        {"person_id": f"p{index}", "recipient": f"p{index}-{uuid4().hex[:6]}@example.com"}
        for index in range(count)
    ]


async def campaign(api: Caller, face: str, campaign_id: str) -> dict[str, Any]:
    """The campaign as it is now."""
    body = await ok(api, f"{face}/GetCampaign", {"id": campaign_id})
    found: dict[str, Any] = body["campaign"] if face == COMMS else body
    return found


async def until(
    running: Running, look: Callable[[], Awaitable[dict[str, Any]]], field: str, *values: Any
) -> dict[str, Any]:
    """What `look` sees once its `field` has one of the values; looks again whenever something about
    a send or message changed."""
    assert running.service.storage is not None
    with running.service.storage.signals.subscribe(PROGRESS) as progress:
        while True:
            progress.clear()
            seen = await look()
            if seen[field] in values:
                return seen
            await progress.wait()
