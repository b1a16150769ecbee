"""Who may call what: tokens, scopes, and brands that do not exist for the caller."""

from __future__ import annotations

import base64
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from google.protobuf import descriptor_pb2

from server.api.policies import all_scopes, known_scopes
from server.domain.clock import SystemClock
from server.domain.scopes import SCOPE, grants, is_of_operators
from server.identity.key_store import signing_keys
from server.identity.tokens import Tokens
from tests.api.test_validation_fields import in_path
from tests.support.api.callers import METHODS, POLICIES, caller, full_path
from tests.support.api.running import Running
from tests.support.api.scenes import COMMS, MESSAGING, TEMPLATES, instant
from tests.support.api.untouched import HOLD, MESSAGES, PEOPLE, PUSH, Untouched

GUARDED = [name for name, method in METHODS.items() if not POLICIES[full_path(method)].public]
IN_A_BRAND = [
    name
    for name in GUARDED
    if name not in (f"{HOLD}/GetHold", f"{PUSH}/GetPushKey")
    and not any(map(is_of_operators, POLICIES[full_path(METHODS[name])].scopes))
]
"""The hold, the key of Web Push, and what operators do, is of the whole installation."""


def test_every_method_names_its_scope_and_only_probes_links_and_webhooks_are_public() -> None:
    public = {name for name in METHODS if name not in GUARDED}
    assert public == {
        "ops.ProbeService/CheckLiveness",
        "ops.ProbeService/CheckReadiness",
        "comms.UnsubscribeService/ShowUnsubscribePage",
        "comms.UnsubscribeService/Unsubscribe",
        "comms.WebhookService/ReceiveEmailEvent",
    }
    for name in GUARDED:
        scopes = POLICIES[full_path(METHODS[name])].scopes
        assert scopes, name
        assert all(map(SCOPE.fullmatch, scopes)), name


def test_what_only_reads_asks_to_read_and_what_changes_asks_to_write() -> None:
    reads = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    for name in GUARDED:
        method = METHODS[name]
        verb = "read" if method.GetOptions().idempotency_level == reads else "write"
        asked_for, *besides = POLICIES[full_path(method)].scopes
        assert asked_for.startswith((f"{verb}:", "admin:")), name
        # What else is shown is read, whatever is done.
        assert all(scope.startswith("read:") for scope in besides), name


async def test_no_method_answers_without_a_token(untouched: Untouched) -> None:
    for method in GUARDED:
        for token in ("", "garbage"):
            answer = await untouched.api.call(method, untouched.good(method), token=token)
            assert (answer.status, answer.error) == (401, "unauthenticated"), method
            if untouched.transport == "rest":
                assert answer.headers["www-authenticate"] == "Bearer"


def all_but(scope: str) -> list[str]:
    """Every scope but this one, and but what grants it."""
    return [other for other in known_scopes() if not grants({other}, scope)]


async def test_no_method_answers_without_each_of_its_scopes(untouched: Untouched) -> None:
    for method in GUARDED:
        for scope in POLICIES[full_path(METHODS[method])].scopes:
            token = untouched.running.token(untouched.brand, scopes=all_but(scope))
            answer = await untouched.api.call(method, untouched.good(method), token=token)
            assert (answer.status, answer.error, answer.body["details"]) == (
                403,
                "scope_missing",
                {"scope": scope},
            ), method


async def test_a_field_of_other_data_asks_for_its_scope_too(untouched: Untouched) -> None:
    asked = {
        (method, each.scope)
        for method in GUARDED
        for each in POLICIES[full_path(METHODS[method])].field_scopes
    }
    assert asked >= {
        (f"{COMMS}/CreateCampaign", "write:sends"),
        (f"{COMMS}/UpdateCampaign", "write:sends"),
        (f"{PEOPLE}/BatchPutPeople", "write:consents"),
        (f"{COMMS}/PreviewCampaign", "read:people"),
        (f"{MESSAGING}/PreviewCampaign", "read:people"),
        (f"{MESSAGING}/TestCampaign", "read:people"),
        (f"{TEMPLATES}/RenderTemplate", "read:people"),
    }
    for method, scope in asked:
        token = untouched.running.token(untouched.brand, scopes=all_but(scope))
        answer = await untouched.api.call(method, untouched.good(method), token=token)
        assert (answer.status, answer.error, answer.body["details"]) == (
            403,
            "scope_missing",
            {"scope": scope},
        ), method


async def test_what_is_for_services_is_refused_to_people_whatever_scopes_they_have(
    untouched: Untouched,
) -> None:
    for_services = [name for name in GUARDED if POLICIES[full_path(METHODS[name])].services_only]
    assert len(for_services) >= 5
    tokens = untouched.running.service.keys.tokens
    person = tokens.mint("tester", [untouched.brand], all_scopes(), is_person=True)
    for method in for_services:
        answer = await untouched.api.call(method, untouched.good(method), token=person)
        assert (answer.status, answer.error) == (403, "services_only"), method


def noun_of(method: str) -> str:
    """What the id in a request is the id of."""
    service, _, verb = method.partition(".")[2].partition("Service/")
    if verb.endswith("Enrollment"):
        return "enrollment"
    if service == "Push":
        return "push_subscription"
    return "send" if verb == "GetSend" else service.lower()


async def test_what_is_in_a_brand_of_others_does_not_exist(untouched: Untouched) -> None:
    stranger = caller(untouched.transport, untouched.running, "brand-of-a-stranger")
    for method in IN_A_BRAND:
        request = untouched.good(method)
        answer = await stranger.call(method, request)
        if "brand_id" in request:
            assert (answer.status, answer.error) == (404, "brand_not_found"), method
        else:
            assert (answer.status, answer.error) == (404, f"{noun_of(method)}_not_found"), method
            nothing = await untouched.api.call(method, {**request, "id": "no-such-id"})
            assert answer.body == nothing.body, method


async def test_with_a_token_of_two_brands_the_brand_is_named(untouched: Untouched) -> None:
    token = untouched.running.token(untouched.brand, "another-brand")
    for method in GUARDED:
        request = untouched.good(method)
        if untouched.transport == "rest" and in_path(method, "brand_id"):
            continue
        if request.pop("brand_id", None) is not None:
            answer = await untouched.api.call(method, request, token=token)
            assert answer.status == POLICIES[full_path(METHODS[method])].invalid_argument_status, (
                method
            )
            assert answer.fields == {"brand_id"}, method


def claims(**more: Any) -> dict[str, Any]:
    """The claims of a good token."""
    seconds = int(SystemClock().now().timestamp())
    good = {
        "iss": "carillon", "aud": "carillon", "sub": "mallory", "brands": ["b"],
        "scope": " ".join(all_scopes()),
        "iat": seconds, "exp": seconds + 3600,
    }  # fmt: skip
    return {name: value for name, value in (good | more).items() if value is not None}


def unsigned(**more: Any) -> str:
    """A token that says it needs no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, claims(**more))
    return (
        ".".join(
            base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
            for part in parts
        )
        + "."
    )


def bad_tokens(running: Running) -> dict[str, str]:
    """Tokens that look nearly good, by what is wrong with them."""
    keys = signing_keys(running.settings, may_create=False)
    key = keys.newest
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    good = jwt.encode(claims(), key, algorithm="EdDSA")
    head, body, signature = good.split(".")
    other_body = (
        base64.urlsafe_b64encode(json.dumps(claims(sub="root")).encode()).decode().rstrip("=")
    )
    past = int((SystemClock().now() - timedelta(minutes=5)).timestamp())
    expired = Tokens(keys, SystemClock()).mint("tester", ["b"], all_scopes(), timedelta(minutes=-5))
    wrong_claims: dict[str, dict[str, Any]] = {
        "audience": {"aud": "another"}, "no audience": {"aud": None}, "issuer": {"iss": "another"},
        "no issuer": {"iss": None},
        "expired": {"exp": past}, "no expiry": {"exp": None}, "expiry of text": {"exp": "never"},
        "no subject": {"sub": None},
        "brands of text": {"brands": "b"}, "brands of numbers": {"brands": [1]},
        "scope of a list": {"scope": ["read:campaigns"]},
        "not yet": {"nbf": past + 7200},
    }  # fmt: skip
    return {
        "minted and expired": expired,
        "unsigned": unsigned(),
        "HMAC with the public key": jwt.encode(claims(), public, algorithm="HS256"),
        "another key": jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm="EdDSA"),
        "another body": f"{head}.{other_body}.{signature}",
        "no signature": f"{head}.{body}.",
        "two parts": f"{head}.{body}",
        "empty parts": "..",
        "huge": "a" * 5000,
        **{
            name: jwt.encode(claims(**wrong), key, algorithm="EdDSA")
            for name, wrong in wrong_claims.items()
        },
    }


async def test_tokens_that_are_nearly_good(untouched: Untouched) -> None:
    answers = {}
    for name, token in bad_tokens(untouched.running).items():
        answer = await untouched.api.call(f"{COMMS}/ListCampaigns", {"brand_id": "b"}, token=token)
        answers[name] = (answer.status, answer.body.get("error"))
    assert answers == dict.fromkeys(answers, (401, "unauthenticated"))


async def test_a_refusal_does_not_say_which_check_failed(untouched: Untouched) -> None:
    tokens = bad_tokens(untouched.running)
    texts = [
        (await untouched.api.call(f"{COMMS}/ListCampaigns", {}, token=token)).body["message"]
        for name, token in tokens.items()
        if "expired" not in name
    ]
    assert len(set(texts)) == 1


@pytest.mark.parametrize("header", ["Basic dXNlcjpwYXNz", "Bearer", "bearer", "Token x", "x"])
async def test_an_authorization_that_is_no_bearer_token(
    untouched_rest: Untouched, header: str
) -> None:
    response = await untouched_rest.running.http.get(
        "/v1/messaging/segments", headers={"authorization": header}
    )
    assert (response.status_code, response.json()["error"]) == (401, "unauthenticated")


async def test_the_scheme_is_read_in_any_case(untouched_rest: Untouched) -> None:
    token = untouched_rest.running.token(untouched_rest.brand)
    response = await untouched_rest.running.http.get(
        "/v1/messaging/segments", headers={"authorization": f"bEARER {token}"}
    )
    assert response.status_code == 200


async def test_created_by_is_the_subject_of_the_token(
    idle_api: Any, idle: Running, brand: str
) -> None:
    request = {
        "brand_id": brand,
        "name": "news",
        "subject": "News",
        "channel": "email",
        "template_key": "welcome",
    }
    answer = await idle_api.call(
        f"{COMMS}/CreateCampaign", request, token=idle.token(brand, subject="ana@example.com")
    )
    assert answer.body["campaign"]["created_by"] == "ana@example.com"


async def test_a_campaign_of_one_face_does_not_exist_in_the_other(untouched: Untouched) -> None:
    for method, campaign in (
        (f"{COMMS}/GetCampaign", "messaging"),
        (f"{MESSAGING}/GetCampaign", "comms"),
    ):
        answer = await untouched.refuses(method, {"id": untouched.ids[campaign]})
        assert (answer.status, answer.error) == (404, "campaign_not_found")


async def test_a_body_is_not_looked_at_before_the_token(untouched: Untouched) -> None:
    bad = {"brand_id": "", "name": "", "scheduled_at": instant(timedelta(days=-1))}
    answer = await untouched.api.call(f"{COMMS}/CreateCampaign", bad, token="garbage")
    assert answer.status == 401
    no_scope = untouched.running.token(untouched.brand, scopes=["read:campaigns"])
    assert (await untouched.api.call(f"{COMMS}/CreateCampaign", bad, token=no_scope)).status == 403


async def test_managing_campaigns_is_reading_and_writing_them_and_nothing_else(
    untouched: Untouched,
) -> None:
    manager = untouched.running.token(untouched.brand, scopes=["manage:campaigns"])
    read = {"id": untouched.ids["comms"]}
    for method, request, status in (
        (f"{COMMS}/GetCampaign", read, 200),
        (f"{COMMS}/CreateCampaign", {"brand_id": ""}, 422),
        (f"{COMMS}/SendCampaign", untouched.good(f"{COMMS}/SendCampaign"), 403),
        (f"{MESSAGES}/GetMessage", {"id": untouched.ids["message"]}, 403),
    ):
        assert (await untouched.api.call(method, request, token=manager)).status == status, method


async def test_every_brand_of_the_token_exists(untouched: Untouched) -> None:
    token = untouched.running.token("another-brand", untouched.brand)
    assert (
        await untouched.api.call(
            f"{MESSAGES}/GetMessage", {"id": untouched.ids["message"]}, token=token
        )
    ).status == 200


async def test_a_subject_of_two_lines_gets_no_answer_that_another_caller_was_given(
    idle_api: Any, idle: Running, brand: str
) -> None:
    key, request = (
        "k-1",
        {
            "brand_id": brand,
            "name": "news",
            "subject": "News",
            "channel": "email",
            "template_key": "welcome",
        },
    )
    victim = idle.token(brand, subject="ann")
    first = await idle_api.call(f"{COMMS}/CreateCampaign", request, token=victim, key=key)
    again = await idle_api.call(f"{COMMS}/CreateCampaign", request, token=victim, key=key)
    assert (first.status, again.body) == (201, first.body)
    stranger = idle.token(subject=f"ann\n{brand}")
    stolen = await idle_api.call(f"{COMMS}/CreateCampaign", request, token=stranger, key=key)
    assert (stolen.status, stolen.error) == (401, "unauthenticated")
