"""Every field of every method that writes, with what is wrong for its kind: refused by name, and
nothing is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from server.domain.validation import OBJECT_BYTES, OBJECT_DEPTH
from tests.rules.limits import (
    ADDRESS_LENGTH,
    BODY_LENGTH,
    DESCRIPTION_LENGTH,
    ID_LENGTH,
    LINK_LENGTH,
    NAME_LENGTH,
    NOTE_LENGTH,
    PUSH_TOKENS,
    SUBJECT_LENGTH,
    TEXT_LENGTH,
)
from tests.support.api.callers import METHODS, POLICIES, full_path, path_fields
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES, instant
from tests.support.api.untouched import BRANDS as BRAND_POLICIES
from tests.support.api.untouched import (
    INBOX,
    MESSAGES,
    NOTIFICATIONS,
    PEOPLE,
    SEGMENTS,
    SUPPRESSIONS,
    UNKNOWN,
    Untouched,
    put,
    without,
)

REQUIRED = {
    f"{COMMS}/CreateCampaign": ["brand_id", "name", "subject", "template_key"],
    f"{COMMS}/SendCampaign": ["recipients"],
    f"{MESSAGING}/CreateCampaign": [
        "brand_id",
        "name",
        "segment_id",
    ],
    f"{MESSAGING}/CreateCampaignStep": ["position", "template_id", "template_version_id"],
    f"{MESSAGING}/ScheduleCampaign": ["scheduled_at"],
    f"{MESSAGES}/ScheduleMessage": [
        "brand_id",
        "person_id",
        "channel",
        "template_key",
        "recipient",
        "dedup_key",
        "scheduled_at",
    ],
    f"{TEMPLATES}/CreateTemplate": ["brand_id", "key", "channel"],
    f"{TEMPLATES}/RenderTemplate": ["payload"],
    f"{NOTIFICATIONS}/CreateNotification": ["brand_id", "patient_id", "kind", "title"],
    f"{INBOX}/BulkReadInboxItems": ["ids"],
    f"{INBOX}/BulkArchiveInboxItems": ["ids"],
    f"{PEOPLE}/PutPerson": ["brand_id"],
    f"{SEGMENTS}/CreateSegment": ["brand_id", "name", "predicate"],
    f"{SEGMENTS}/PreviewPredicate": ["brand_id", "predicate"],
    f"{SUPPRESSIONS}/CreateSuppression": ["brand_id", "reason", "source"],
    f"{SUPPRESSIONS}/BatchCreateSuppressions": ["brand_id", "suppressions"],
    f"{UNKNOWN}/ResolveUnknownMessages": ["message_ids", "resolution"],
}
# One line of text: field → longest.
LINES: dict[str, dict[str, int]] = {
    f"{COMMS}/CreateCampaign": {"brand_id": ID_LENGTH, "name": NAME_LENGTH,
        "subject": SUBJECT_LENGTH},
    f"{COMMS}/UpdateCampaign": {"name": NAME_LENGTH, "subject": SUBJECT_LENGTH},
    f"{MESSAGING}/CreateCampaign": {"brand_id": ID_LENGTH, "name": NAME_LENGTH},
    f"{MESSAGING}/UpdateCampaign": {"name": NAME_LENGTH},
    f"{MESSAGES}/ScheduleMessage": {
        "brand_id": ID_LENGTH, "person_id": ID_LENGTH, "recipient": ADDRESS_LENGTH,
        "dedup_key": NAME_LENGTH
    },
    f"{TEMPLATES}/CreateTemplate": {"brand_id": ID_LENGTH},
    f"{TEMPLATES}/CreateTemplateVersion": {"subject": SUBJECT_LENGTH},
    f"{NOTIFICATIONS}/CreateNotification": {"brand_id": ID_LENGTH, "patient_id": ID_LENGTH,
        "kind": ID_LENGTH, "title": SUBJECT_LENGTH, "link": LINK_LENGTH},
    f"{PEOPLE}/PutPerson": {"brand_id": ID_LENGTH, "person_id": ID_LENGTH, "email": ADDRESS_LENGTH,
        "phone": ADDRESS_LENGTH},
    f"{SEGMENTS}/CreateSegment": {"brand_id": ID_LENGTH, "name": NAME_LENGTH},
    f"{SUPPRESSIONS}/CreateSuppression": {"brand_id": ID_LENGTH, "address": ADDRESS_LENGTH,
        "source": NAME_LENGTH},
    f"{SUPPRESSIONS}/GetSuppression": {"email": ADDRESS_LENGTH},
    f"{BRAND_POLICIES}/GetBrandPolicy": {"brand_id": ID_LENGTH},
    f"{BRAND_POLICIES}/SetBrandPolicy": {"brand_id": ID_LENGTH},
}  # fmt: skip
MAY_BE_BLANK = {
    (f"{TEMPLATES}/CreateTemplateVersion", "subject"),
    (f"{NOTIFICATIONS}/CreateNotification", "link"),
    (f"{PEOPLE}/PutPerson", "email"),
    (f"{PEOPLE}/PutPerson", "phone"),
    (f"{SUPPRESSIONS}/CreateSuppression", "address"),
}
TEXTS = {
    f"{MESSAGING}/CreateCampaign": {"description": DESCRIPTION_LENGTH},
    f"{MESSAGING}/UpdateCampaign": {"description": DESCRIPTION_LENGTH},
    f"{TEMPLATES}/CreateTemplate": {"description": DESCRIPTION_LENGTH},
    f"{TEMPLATES}/CreateTemplateVersion": {"body": BODY_LENGTH, "html": BODY_LENGTH},
    f"{NOTIFICATIONS}/CreateNotification": {"body": TEXT_LENGTH},
    f"{UNKNOWN}/ResolveUnknownMessages": {"note": NOTE_LENGTH},
}
KEYS = {
    f"{COMMS}/CreateCampaign": "template_key",
    f"{COMMS}/UpdateCampaign": "template_key",
    f"{MESSAGES}/ScheduleMessage": "template_key",
    f"{TEMPLATES}/CreateTemplate": "key",
}
CHANNELS = {
    method: path.removesuffix("template_key").removesuffix("key") + "channel"
    for method, path in KEYS.items()
}
OBJECTS = [
    (f"{COMMS}/CreateCampaign", "variables"), (f"{COMMS}/CreateCampaign", "segment_criteria"),
    (f"{COMMS}/UpdateCampaign", "variables"),
    (f"{COMMS}/UpdateCampaign", "segment_criteria"),
    (f"{MESSAGING}/CreateCampaignStep", "variables"),
    (f"{MESSAGING}/UpdateCampaignStep", "variables"),
    (f"{MESSAGES}/ScheduleMessage", "variables"),
    (f"{NOTIFICATIONS}/CreateNotification", "metadata"),
    (f"{TEMPLATES}/RenderTemplate", "payload"), (f"{PEOPLE}/PutPerson", "attributes"),
    (f"{SEGMENTS}/CreateSegment", "predicate"),
]  # fmt: skip
TIMES = [
    f"{COMMS}/CreateCampaign",
    f"{COMMS}/UpdateCampaign",
    f"{MESSAGES}/ScheduleMessage",
    f"{MESSAGING}/ScheduleCampaign",
]
EXPIRIES = [
    f"{COMMS}/SendCampaign",
    f"{MESSAGES}/ScheduleMessage",
    f"{MESSAGING}/ScheduleCampaign",
    f"{MESSAGING}/PublishCampaign",
]
NO_KEYS = ["two words", "../up", ".hidden", "line\n", "{{x}}", "k" * (ID_LENGTH + 1), "ключ"]
KNOWN_OF_A_PERSON: list[tuple[str, Any, str]] = [
    ("push_tokens", ["device"] * (PUSH_TOKENS + 1), "push_tokens"),
    ("push_tokens", ["device", " "], "push_tokens[1]"),
    ("push_tokens", ["d" * (ADDRESS_LENGTH + 1)], "push_tokens[0]"),
    ("push_tokens", ["line\nbreak"], "push_tokens[0]"),
    ("locale", "not a locale", "locale"),
    ("locale", "en-" * 20, "locale"),
    ("time_zone", "Mars/Olympus", "time_zone"),
    ("time_zone", "../../etc/passwd", "time_zone"),
    ("time_zone", "America", "time_zone"),
    ("time_zone", "x" * 5000, "time_zone"),
]


def nested(levels: int) -> dict[str, Any]:
    """An object in an object in an object."""
    value: dict[str, Any] = {"a": 1}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def in_path(method: str, field: str) -> bool:
    """Whether REST carries the field in the path."""
    return field in path_fields(METHODS[method])


def of_all(fields: Mapping[str, Iterable[str]]) -> list[tuple[str, str]]:
    """Method and field, one by one."""
    return [(method, field) for method, names in fields.items() for field in names]


async def test_a_required_field_that_is_missing(untouched: Untouched) -> None:
    for method, field in of_all(REQUIRED):
        await untouched.refuses_field(method, without(untouched.good(method), field), field)


async def test_a_line_that_is_blank(untouched: Untouched) -> None:
    for method, field in of_all(LINES):
        if (method, field) in MAY_BE_BLANK:
            continue
        await untouched.refuses_field(method, put(untouched.good(method), field, "   "), field)
        empty = put(untouched.good(method), field, "")
        if untouched.transport == "rest" and in_path(method, field):
            answer = await untouched.refuses(method, empty)
            assert (answer.status, answer.error) == (404, "route_not_found"), method
        else:
            await untouched.refuses_field(method, empty, field)


async def test_a_line_that_is_too_long_or_has_control_characters(untouched: Untouched) -> None:
    for method, field in of_all(LINES):
        for bad in ("é" * (LINES[method][field] + 1), "line\nbreak", "nul\x00"):
            request = put(untouched.good(method), field, bad)
            if untouched.transport == "rest" and "\x00" in bad and in_path(method, field):
                answer = await untouched.refuses(method, request)
                assert (answer.status, answer.error) == (400, "malformed_request"), method
            else:
                await untouched.refuses_field(method, request, field)


async def test_a_text_that_is_too_long_or_has_nul(untouched: Untouched) -> None:
    for method, field in of_all(TEXTS):
        for bad in ("x" * (TEXTS[method][field] + 1), "nul\x00"):
            await untouched.refuses_field(method, put(untouched.good(method), field, bad), field)


async def test_a_template_key_that_is_no_key(untouched: Untouched) -> None:
    for method, field in KEYS.items():
        for bad in NO_KEYS if method == f"{TEMPLATES}/CreateTemplate" else NO_KEYS[:1]:
            await untouched.refuses_field(method, put(untouched.good(method), field, bad), field)


async def test_a_channel_that_is_none_by_number(untouched: Untouched) -> None:
    for method, field in CHANNELS.items():
        # An admin campaign goes by email unless a channel is given.
        for number in (99, -1) if method == f"{COMMS}/CreateCampaign" else (0, 99, -1):
            answer = await untouched.refuses(method, put(untouched.good(method), field, number))
            # In a path, the gateway refuses some of them before the server does.
            assert (answer.status, answer.fields) == (
                POLICIES[full_path(METHODS[method])].invalid_argument_status,
                {field},
            ), method


async def test_a_time_that_is_past_or_absurdly_far(untouched: Untouched) -> None:
    for method in TIMES:
        for ahead in (
            timedelta(days=-1),
            timedelta(minutes=-6),
            timedelta(days=3700),
            timedelta(days=365 * 5000),
        ):
            bad = put(untouched.good(method), "scheduled_at", instant(ahead))
            await untouched.refuses_field(method, bad, "scheduled_at")


async def test_an_expiry_that_is_past_or_not_after_the_time_it_is_due(untouched: Untouched) -> None:
    past = [instant(timedelta(minutes=-1)), instant(timedelta(days=-365 * 50))]
    for method in EXPIRIES:
        request = untouched.good(method)
        for bad in [*past, request["scheduled_at"]] if "scheduled_at" in request else past:
            await untouched.refuses_field(method, put(request, "expire_at", bad), "expire_at")


async def test_an_object_that_cannot_be_stored(untouched: Untouched) -> None:
    too_deep, too_large = nested(OBJECT_DEPTH + 1), {"a": "x" * OBJECT_BYTES}
    nul_inside: list[dict[str, Any]] = [{"nul\x00": 1}, {"a": [{"b": ["nul\x00"]}]}]
    for method, field in OBJECTS:
        for bad in (too_deep, too_large, *nul_inside):
            await untouched.refuses_field(method, put(untouched.good(method), field, bad), field)


async def test_what_is_known_of_a_person(untouched: Untouched) -> None:
    method = f"{PEOPLE}/PutPerson"
    for field, value, named in KNOWN_OF_A_PERSON:
        await untouched.refuses_field(method, put(untouched.good(method), field, value), named)


async def test_all_bad_fields_are_named_at_once(untouched: Untouched) -> None:
    method = f"{MESSAGES}/ScheduleMessage"
    bad = {
        "recipient": "",
        "person_id": " ",
        "template_key": "a b",
        "dedup_key": "x" * 300,
        "variables": {"a": "\x00"},
    }
    answer = await untouched.refuses(method, untouched.good(method) | bad)
    assert (answer.status, answer.fields) == (422, set(bad))
