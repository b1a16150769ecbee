"""Nothing of a request is dropped in silence: what a message does not have and what is said twice
is refused by its path."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import httpx
import pytest

from carillon.comms.v1 import message_pb2
from carillon.messaging.v1 import campaign_pb2, person_service_pb2, segment_service_pb2, send_pb2
from tests.gateway.conftest import MAX_REQUEST_BYTES
from tests.gateway.test_refusals import JSON, PUBLISH, SCHEDULE, error
from tests.support.upstream import Upstream, returning

UNKNOWN = "is not a field of this request"
TWICE = "must be given only once"
NAMELESS = f"{UNKNOWN}; its name is not repeated here"
STEPS = "/v1/messaging/campaigns/c1/steps"
VERSIONS = "/v1/messaging/templates/t1/versions"


@pytest.fixture(autouse=True)
def replies(upstream: Upstream) -> None:
    """The server would take everything."""
    campaigns, people, segments = (
        f"carillon.messaging.v1.{noun}Service" for noun in ("Campaign", "Person", "Segment")
    )
    upstream.replies |= {
        f"{campaigns}/PublishCampaign": returning(send_pb2.Send()),
        f"{campaigns}/CreateCampaignStep": returning(campaign_pb2.CampaignStep()),
        "carillon.comms.v1.MessageService/ScheduleMessage": returning(message_pb2.Message()),
        f"{people}/GetPerson": returning(person_service_pb2.Person()),
        f"{segments}/ListSegments": returning(segment_service_pb2.ListSegmentsResponse()),
    }


def refused_fields(response: httpx.Response, status: int = 400) -> list[tuple[str, str]]:
    """Fields and messages of a refusal, which has the documented shape."""
    assert error(response) == (status, "malformed_request")
    return [(entry["field"], entry["message"]) for entry in response.json()["details"]["fields"]]


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ('{"recipient": [{"person_id": "a"}]}', [("recipient", UNKNOWN)]),
        (
            '{"recipients": [{}, {}, {}, {"person_id": "a", "adress": "b"}]}',
            [("recipients[3].adress", UNKNOWN)],
        ),
        ('{"recipients": {"adress": "b"}}', [("recipients.adress", UNKNOWN)]),
        ('{"recipients": [[{}, {"adress": "b"}]]}', [("recipients[0][1].adress", UNKNOWN)]),
        (
            '{"x": {"y": {"recipients": 1}}, "recipients": [{"z": [{"q": 1}]}]}',
            [("x", UNKNOWN), ("recipients[0].z", UNKNOWN)],
        ),
        (
            '{"Audience": "segment", "expire_At": null}',
            [("Audience", UNKNOWN), ("expire_At", UNKNOWN)],
        ),
        (
            '{"recipients": [{"person_id": "a"}], "recipients": [{"person_id": "b"}]}',
            [("recipients", TWICE)],
        ),
        (
            '{"recipients": [{"person_id": "a", "person_id": null}]}',
            [("recipients[0].person_id", TWICE)],
        ),
        ('{"expire_at": null, "expireAt": null}', [("expire_at", TWICE)]),
        (
            '{"recipients": [{"personId": "a", "recipient": "b", "person_id": "a"}]}',
            [("recipients[0].person_id", TWICE)],
        ),
        ('{"id": "c1", "id": "c2"}', [("id", TWICE)]),
        ('{"recip\\u0069ents": [], "recipients": []}', [("recipients", TWICE)]),
        ('{"\\u0072ecipient": [], "a\\/b": 1}', [("recipient", UNKNOWN), ("?", NAMELESS)]),
        (
            '{"": 1, "ana@example.com": 2, "名": 3, "a\\u0000b": 4, "\\ud83d\\ude00": 5}',
            [("?", NAMELESS)] * 5,
        ),
        (
            '{"e-mail": "\\"}", "note": "{\\\\", "x": "\\\\\\""}',
            [("e-mail", UNKNOWN), ("note", UNKNOWN), ("x", UNKNOWN)],
        ),
        ('\n{\t"recipient" :\r\n[ ] , "audience" : "segment" } ', [("recipient", UNKNOWN)]),
        ('{"@type": "x", "recipients": [{"person_id": 7}]}', [("?", NAMELESS)]),
    ],
)
async def test_every_field_that_would_be_dropped_is_named_by_its_path(
    reading_rest: httpx.AsyncClient, upstream: Upstream, body: str, problems: list[tuple[str, str]]
) -> None:
    response = await reading_rest.post(PUBLISH, content=body, headers=JSON)
    assert refused_fields(response) == problems
    first = [f"{field} {problem}" for field, problem in problems[:3]]
    assert response.json()["message"] == "; ".join(
        first + (["and more"] if len(problems) > 3 else [])
    )
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("verb", "path", "body", "status", "fields"),
    [
        ("POST", SCHEDULE, {"variable": {}}, 422, ["variable"]),
        (
            "POST",
            STEPS,
            {"position": 1, "variables": {"x": 1}, "template": "t"},
            400,
            ["template"],
        ),
        (
            "POST",
            VERSIONS,
            {"variants": [{"lang": "de"}], "variable_schema": [{"default": 1}]},
            400,
            ["variants[0].lang", "variable_schema[0].default"],
        ),
        (
            "POST",
            "/v1/people/batch",
            {"people": [{"attributes": {"x": 1}}, {"atributes": {}}]},
            400,
            ["people[1].atributes"],
        ),
        ("POST", "/v1/hold/release", {"i_understand": True, "yes": True}, 422, ["yes"]),
    ],
)
async def test_the_status_is_the_one_of_the_operation(
    rest: httpx.AsyncClient,
    upstream: Upstream,
    verb: str,
    path: str,
    body: object,
    status: int,
    fields: list[str],
) -> None:
    response = await rest.request(verb, path, json=body)
    assert refused_fields(response, status) == [(field, UNKNOWN) for field in fields]
    assert upstream.requests == []


@pytest.mark.parametrize(
    "variables",
    [
        (
            '{"recipient": 1, "person_id": {"person_id": {"personId": 1}}, "": 0, "名\\u0000": [], '
            '"fields": {"x": [{"y": [[{"z": 1}]]}]}}'
        ),
        '{"text": "{\\"a\\": 1, \\"a\\": 2}", "slashes": "\\\\", "more": "\\\\\\"}, \\"x\\": 1"}',
        '{"a": {"recipient": 1}, "b": {"recipient": 2}, "c": [{"d": 1}, {"d": 2}]}',
        '{"\\u0061": 1, "n": -1.5e-7, "t": true, "f": false, "nothing": null, "e": {}, "l": []}',
        '{"a": ' * 30 + "1" + "}" * 30,
    ],
)
async def test_keys_of_free_objects_are_the_clients_own(
    reading_rest: httpx.AsyncClient, upstream: Upstream, variables: str
) -> None:
    body = f'{{"variables": {variables}, "brand_id": "demo"}}'
    assert (await reading_rest.post(SCHEDULE, content=body, headers=JSON)).status_code == 201
    step = f'{{"templateId": "demo", "variables": {variables}}}'
    assert (await reading_rest.post(STEPS, content=step, headers=JSON)).status_code == 201
    schedule, create = upstream.requests
    assert (schedule.brand_id, create.template_id) == ("demo", "demo")  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"variables": {"ana": 1, "ana": 1}}', "variables"),
        ('{"variables": {"a": [{"ana": 1, "\\u0061na": 2}]}}', "variables"),
        ('{"variables": {"ana": {}}, "variables": {}}', "variables"),
    ],
)
async def test_a_key_twice_in_a_free_object_is_refused_without_being_repeated(
    reading_rest: httpx.AsyncClient, upstream: Upstream, body: str, field: str
) -> None:
    response = await reading_rest.post(SCHEDULE, content=body, headers=JSON)
    assert [named for named, _ in refused_fields(response, 422)] == [field]
    assert "ana" not in response.text
    assert upstream.requests == []


async def test_the_free_object_with_a_key_twice_is_named(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    people = '{"people": [{}, {"attributes": {"plan": {"a": 1, "a": 2}}}]}'
    response = await rest.post("/v1/people/batch", content=people, headers=JSON)
    assert refused_fields(response) == [("people[1].attributes", "has a key more than once")]


@pytest.mark.parametrize(
    "body",
    [
        '{recipients: [{"person_id": "a"}]}',
        '{\'recipients\': [{"person_id": "a"}]}',
        '{"recipients": [{"person_id": "a",}]}',
        '{"recipients": [{"person_id": "a"},]}',
        '{"audience": "segment",}',
        '{"recipient\\s": [{"person_id": "a"}]}',
        '{"audience": "segment"}\x0b',
        '{\x0c"audience": "segment"}',
        '{"audience": "segment"}, "recipient": []',
        '{"audience": "segment"}}',
        '{"audience": "segment"',
        '{"audience" "segment"}',
        '{"audience": "segment" "recipients": []}',
        '{"audience": "segment"]',
        '{"audience": "segm',
        '"audience',
        '{"audience',
        '{"\\u00zz": 1}',
        '{"\\ud800": 1}',
        " ",
    ],
)
async def test_what_is_not_json_is_refused_although_the_transcoder_would_guess(
    reading_rest: httpx.AsyncClient, upstream: Upstream, body: str
) -> None:
    response = await reading_rest.post(PUBLISH, content=body.encode(), headers=JSON)
    assert error(response) == (400, "malformed_request")
    assert upstream.requests == []


async def test_what_is_not_json_says_where_it_ends_to_be(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    for body, message in (
        ("{recipients: []}", "expected a key or }"),
        ('{"recipients": [{},]}', None),
        ('{"audience": "segment",}', "expected a key or }"),
        ('{"audience": "segment"} {}', "there is more after its end"),
    ):
        response = await rest.post(PUBLISH, content=body, headers=JSON)
        assert response.json()["message"] == "the body is not valid JSON" + (
            f": {message}" if message else ""
        )


async def test_of_very_many_problems_the_first_are_told(
    reading_rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    recipients = [{"person_id": "p", "adress": "a"} for _ in range(1500)]
    response = await reading_rest.post(PUBLISH, json={"recipients": recipients})
    assert refused_fields(response) == [
        (f"recipients[{index}].adress", UNKNOWN) for index in range(20)
    ]
    assert response.json()["details"]["fields_left_out"] == "1480"
    assert response.json()["message"].endswith("; and more")
    assert upstream.requests == []


async def test_a_typo_at_the_end_of_a_long_list_is_found(
    reading_rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    recipients = [
        {"person_id": f"person-{number}", "recipient": f'{number} \\ "é" @example.com'}
        for number in range(2500)
    ]
    assert (await reading_rest.post(PUBLISH, json={"recipients": recipients})).status_code == 202
    response = await reading_rest.post(PUBLISH, json={"recipients": [*recipients, {"person": "p"}]})
    assert refused_fields(response) == [("recipients[2500].person", UNKNOWN)]
    assert len(upstream.requests) == 1


async def test_a_body_that_comes_in_pieces(rest: httpx.AsyncClient, upstream: Upstream) -> None:
    def in_pieces(body: bytes) -> AsyncIterator[bytes]:
        async def pieces() -> AsyncIterator[bytes]:
            for byte in body:
                yield bytes([byte])

        return pieces()

    good, bad = (
        b'{"recipients": [{"person_id": "\xc3\xa9"}]}',
        b'{"recipients": [{"p\\u0065rson": "\xc3\xa9"}]}',
    )
    assert (await rest.post(PUBLISH, content=in_pieces(good), headers=JSON)).status_code == 202
    assert refused_fields(await rest.post(PUBLISH, content=in_pieces(bad), headers=JSON)) == [
        ("recipients[0].person", UNKNOWN)
    ]
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "key",
    [
        "a" * 65,
        "a" * 511,
        "a" * 512,
        "a" * 513,
        "a" * 100_000,
        "\\u0061" * 30_000,
        "\\\\" * 50_000,
        "é" * 300,
    ],
)
async def test_a_long_key_is_not_repeated(
    reading_rest: httpx.AsyncClient, upstream: Upstream, key: str
) -> None:
    body = f'{{"recipients": [{{"{key}": 1, "person_id": "a", "person_id": "b"}}]}}'
    response = await reading_rest.post(PUBLISH, content=body.encode(), headers=JSON)
    assert refused_fields(response) == [
        ("recipients[0].?", NAMELESS),
        ("recipients[0].person_id", TWICE),
    ]
    assert upstream.requests == []


@pytest.mark.parametrize("opening", ['{"a":', "[", '[{"a":'])
@pytest.mark.parametrize("prefix", ['{"variables": ', '{"recipients": ', '{"x": '])
async def test_a_body_nested_without_end_is_refused(
    reading_rest: httpx.AsyncClient, upstream: Upstream, prefix: str, opening: str
) -> None:
    for path, status in ((SCHEDULE, 422), (PUBLISH, 400)):
        response = await reading_rest.post(path, content=prefix + opening * 30_000, headers=JSON)
        assert error(response) == (status, "malformed_request")
    assert upstream.requests == []


async def test_a_field_twice_is_found_however_it_is_written(
    rest: httpx.AsyncClient, upstream: Upstream
) -> None:
    spellings = ["person_id", "personId", "person\\u005fid", "\\u0070erson_id", "person\\u0049d"]
    for first in spellings:
        for second in spellings:
            body = (
                f'{{"recipients": [{{"{first}": "a"}}, {{"{second}": "a", "{first}": "b"}}, '
                f'{{"{second}": "a"}}]}}'
            )
            response = await rest.post(PUBLISH, content=body, headers=JSON)
            assert refused_fields(response) == [("recipients[1].person_id", TWICE)]
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("path", "problems"),
    [
        (
            "/v1/people/p1?person_id=p2",
            [("person_id", "is in the path and must not be in the query")],
        ),
        (
            "/v1/people/p1?personId=p1",
            [("person_id", "is in the path and must not be in the query")],
        ),
        ("/v1/messaging/segments?brand_id=a&brand_id=a", [("brand_id", TWICE)]),
        ("/v1/messaging/segments?brand_id=a&brandId=b", [("brand_id", TWICE)]),
        ("/v1/messaging/segments?brand%5Fid=a&brand_id=b", [("brand_id", TWICE)]),
        (
            "/v1/messaging/segments?page_size=1&page_size=2&x&brand",
            [("page_size", TWICE), ("x", None), ("brand", None)],
        ),
        ("/v1/messaging/segments?brand_id", [("brand_id", "has no value")]),
        ("/v1/messaging/segments?brand_id.x=a", [("?", None)]),
        ("/v1/messaging/segments?=a", [("?", None)]),
        ("/v1/messaging/segments?brand_id=a&brand=b?brand_id=c", [("brand", None)]),
    ],
)
async def test_a_parameter_of_the_query_is_not_dropped_either(
    rest: httpx.AsyncClient, upstream: Upstream, path: str, problems: list[tuple[str, str | None]]
) -> None:
    found = refused_fields(await rest.get(path))
    assert [field for field, _ in found] == [field for field, _ in problems]
    for (_, message), (_, wanted) in zip(found, problems, strict=True):
        assert message.startswith(wanted or "is not a query parameter of this path")
    assert upstream.requests == []


@pytest.mark.parametrize(
    "query",
    ["brand_id=a&", "&brand_id=a", "brandId=a&page_token=", "brand_id=a;b=c", "brand_id=a%26b%3Dc"],
)
async def test_a_query_that_says_everything_once_passes(
    rest: httpx.AsyncClient, upstream: Upstream, query: str
) -> None:
    assert (await rest.get(f"/v1/messaging/segments?{query}")).status_code == 200


@pytest.mark.parametrize(
    "query", ["audience=segment", "id=c2", "id=c1", "recipients.person_id=a", "nope=1", "nope"]
)
async def test_a_request_with_a_body_has_no_query(
    rest: httpx.AsyncClient, upstream: Upstream, query: str
) -> None:
    response = await rest.post(
        f"{PUBLISH}?{query}", content=json.dumps({"audience": "segment"}), headers=JSON
    )
    ((field, message),) = refused_fields(response)
    assert field in {query.partition("=")[0], "?"}
    assert message.startswith("is not a query parameter of this path")
    assert upstream.requests == []


ITEM = '{"person_id": "' + "a" * 980 + '"},'
COUNT = MAX_REQUEST_BYTES // len(ITEM)
"""Of so many items a body is no larger than it may be."""


@pytest.mark.parametrize(
    "first",
    ['{"oops": 1, "recipients": [', '{oops: 1, "recipients": ['],
    ids=["unknown field", "no JSON"],
)
@pytest.mark.parametrize("last", ["{}]}", '{}], "oops": 1}'])
async def test_what_says_that_it_is_too_large_is_413_whatever_else_is_wrong(
    reading_rest: httpx.AsyncClient, first: str, last: str
) -> None:
    for count, wanted in (
        (COUNT + 1, (413, "payload_too_large")),
        (COUNT - 1, (400, "malformed_request")),
    ):
        body = first + ITEM * count + last
        assert error(await reading_rest.post(PUBLISH, content=body, headers=JSON)) == wanted


@pytest.mark.parametrize("first", ['{"oops": 1, "recipients": [', '{oops: 1, "recipients": ['])
async def test_a_body_of_unknown_length_is_answered_by_what_is_found_first(
    reading_rest: httpx.AsyncClient, first: str
) -> None:
    async def body() -> AsyncIterator[bytes]:
        yield first.encode()
        for _ in range(COUNT + 1):
            yield ITEM.encode()

    response = await reading_rest.post(PUBLISH, content=body(), headers=JSON)
    assert error(response) in {(413, "payload_too_large"), (400, "malformed_request")}
