"""What can be read in two ways, and what is not HTTP: refused, in the documented shape, and never
passed on."""

from __future__ import annotations

import pytest

from carillon.messaging.v1 import person_service_pb2, segment_service_pb2
from carillon.ops.v1 import probe_service_pb2
from server.config import Settings
from tests.gateway.raw import exchange
from tests.gateway.test_refusals import error
from tests.support.upstream import Upstream, returning

PEOPLE, SEGMENTS = "carillon.messaging.v1.PersonService", "carillon.messaging.v1.SegmentService"
GET = b"GET /healthz HTTP/1.1\r\n"
POST = b"POST /v1/messaging/segments HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
CHUNKED = b"\r\n2\r\n{}\r\n0\r\n\r\n"
HOST = "host must be one name or address, with or without a port"
ENCODING = "the path must be percent-encoded UTF-8"
CODING = "transfer-encoding must be chunked, without any other coding"
LENGTH = "with HTTP/1.0 the request must say its content-length"
NO_BODY = "this method takes no body"
TOO_LARGE = "the URL and the headers are larger than this service accepts"
UNREADABLE = "the request could not be read"


@pytest.fixture(autouse=True)
def replies(upstream: Upstream) -> None:
    """The server would take everything."""
    upstream.replies |= {
        "carillon.ops.v1.ProbeService/CheckLiveness": returning(
            probe_service_pb2.CheckLivenessResponse()
        ),
        f"{PEOPLE}/GetPerson": returning(person_service_pb2.Person()),
        f"{PEOPLE}/DeletePerson": returning(person_service_pb2.DeletePersonResponse()),
        f"{SEGMENTS}/CreateSegment": returning(segment_service_pb2.Segment()),
        f"{SEGMENTS}/ListSegments": returning(segment_service_pb2.ListSegmentsResponse()),
    }


def person(path: bytes, more: bytes = b"", verb: bytes = b"GET") -> bytes:
    return verb + b" /v1/people/" + path + b" HTTP/1.1\r\nhost: x\r\n" + more + b"\r\n"


REFUSED: dict[str, tuple[bytes, int, str]] = {
    "no request": (b"GARBAGE\r\n\r\n", 400, UNREADABLE),
    "no host": (GET + b"\r\n", 400, UNREADABLE),
    "two hosts": (GET + b"host: x\r\nhost: y\r\n\r\n", 400, HOST),
    "a host twice": (GET + b"host: x\r\nhost: x\r\n\r\n", 400, HOST),
    "a list of hosts": (GET + b"host: x,y\r\n\r\n", 400, HOST),
    "a host and a user": (GET + b"host: x@y\r\n\r\n", 400, HOST),
    "a host that is none": (GET + b"host: x/y\r\n\r\n", 400, UNREADABLE),
    "an absolute target of another scheme": (
        b"GET ftp://x/healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        400,
        UNREADABLE,
    ),
    "a target that is no path": (b"GET healthz HTTP/1.1\r\nhost: x\r\n\r\n", 400, UNREADABLE),
    "gzip and chunked": (POST + b"transfer-encoding: gzip, chunked\r\n" + CHUNKED, 501, CODING),
    "gzip": (POST + b"transfer-encoding: gzip\r\n\r\n", 501, CODING),
    "chunked and identity": (
        POST + b"transfer-encoding: chunked, identity\r\n" + CHUNKED,
        501,
        CODING,
    ),
    "two codings": (
        POST + b"transfer-encoding: gzip\r\ntransfer-encoding: chunked\r\n" + CHUNKED,
        501,
        CODING,
    ),
    "chunked twice": (
        POST + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n" + CHUNKED,
        501,
        CODING,
    ),
    "chunked before it was invented": (
        POST.replace(b"1.1", b"1.0") + b"transfer-encoding: chunked\r\n" + CHUNKED,
        400,
        LENGTH,
    ),
    "a length and chunked": (
        POST + b"content-length: 2\r\ntransfer-encoding: chunked\r\n" + CHUNKED,
        400,
        UNREADABLE,
    ),
    "chunked and a length": (
        POST + b"transfer-encoding: chunked\r\ncontent-length: 2\r\n" + CHUNKED,
        400,
        UNREADABLE,
    ),
    "two lengths": (POST + b"content-length: 2\r\ncontent-length: 3\r\n\r\n{}", 400, UNREADABLE),
    "a length twice": (POST + b"content-length: 2\r\ncontent-length: 2\r\n\r\n{}", 400, UNREADABLE),
    "a list of lengths": (POST + b"content-length: 2, 2\r\n\r\n{}", 400, UNREADABLE),
    "a length with a sign": (POST + b"content-length: +2\r\n\r\n{}", 400, UNREADABLE),
    "a length without end": (
        POST + b"content-length: " + b"9" * 30 + b"\r\n\r\n{}",
        400,
        UNREADABLE,
    ),
    "a chunk that is none": (
        POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
        400,
        UNREADABLE,
    ),
    "no hexadecimal digits": (person(b"%zz"), 400, ENCODING),
    "one hexadecimal digit": (person(b"a%4"), 400, ENCODING),
    "a percent sign": (person(b"100%"), 400, ENCODING),
    "a byte of no character": (person(b"%ff"), 400, ENCODING),
    "half a character": (person(b"%c3"), 400, ENCODING),
    "a character in more bytes than it has": (person(b"%c0%af"), 400, ENCODING),
    "a surrogate": (person(b"%ed%a0%80"), 400, ENCODING),
    "a character beyond the last": (person(b"%f4%90%80%80"), 400, ENCODING),
    "NUL in the path": (person(b"a%00"), 400, UNREADABLE),
    "a raw NUL in the path": (person(b"a\0"), 400, UNREADABLE),
    "raw UTF-8 in the path": (person("é".encode()), 400, UNREADABLE),
    "a blank in the path": (person(b"a b"), 400, UNREADABLE),
    "a fragment": (person(b"a#b"), 400, UNREADABLE),
    "a body of GET": (person(b"a", b'content-length: 18\r\n\r\n{"person_id": "b"}'), 400, NO_BODY),
    "a body of GET, chunked": (
        person(b"a", b"transfer-encoding: chunked\r\n" + CHUNKED),
        400,
        NO_BODY,
    ),
    "a body of DELETE": (
        person(b"a", b"content-type: application/json\r\ncontent-length: 2\r\n\r\n{}", b"DELETE"),
        400,
        NO_BODY,
    ),
    "an underscore": (
        GET + b"host: x\r\nx_http_code: 200\r\n\r\n",
        400,
        "names of headers must not contain underscores",
    ),
    "a blank in a name": (GET + b"host: x\r\na b: 1\r\n\r\n", 400, UNREADABLE),
    "a blank after a name": (GET + b"host: x\r\nhost : y\r\n\r\n", 400, UNREADABLE),
    "no name": (GET + b"host: x\r\n: 1\r\n\r\n", 400, UNREADABLE),
    "a name of HTTP/2": (GET + b"host: x\r\n:path: /readyz\r\n\r\n", 400, UNREADABLE),
    "a line without a colon": (GET + b"host: x\r\nhost\r\n\r\n", 400, UNREADABLE),
    "a first line that goes on": (GET + b" host: x\r\n\r\n", 400, UNREADABLE),
    "NUL in a value": (GET + b"host: x\r\na: \0\r\n\r\n", 400, UNREADABLE),
    "a long URL": (person(b"a" * 40_000), 431, TOO_LARGE),
    "a long header": (GET + b"host: x\r\nlong: " + b"a" * 40_000 + b"\r\n\r\n", 431, TOO_LARGE),
    "many headers": (GET + b"host: x\r\n" + b"a: 1\r\n" * 101 + b"\r\n", 431, TOO_LARGE),
    "no such verb": (b"BREW /healthz HTTP/1.1\r\nhost: x\r\n\r\n", 400, UNREADABLE),
}


@pytest.mark.parametrize(("request_bytes", "status", "message"), REFUSED.values(), ids=REFUSED)
async def test_a_request_that_cannot_be_read_in_one_way_is_refused(
    gateway: object,
    upstream: Upstream,
    settings: Settings,
    request_bytes: bytes,
    status: int,
    message: str,
) -> None:
    response = await exchange(settings, request_bytes)
    assert error(response) == (status, "malformed_request")
    assert response.json()["message"] == message
    assert "x-local-reply" not in response.headers
    assert upstream.requests == []


async def test_a_call_of_grpc_that_names_two_hosts_is_not_passed_on(
    gateway: object, upstream: Upstream, settings: Settings
) -> None:
    request = b"POST /carillon.ops.v1.ProbeService/CheckLiveness HTTP/1.1\r\nhost: x\r\nhost: y\r\n"
    request += b"content-type: application/grpc\r\ncontent-length: 5\r\n\r\n" + b"\0" * 5
    assert (await exchange(settings, request)).headers["grpc-status"] != "0"
    assert upstream.requests == []


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (b"page_token=%zz", "page_token must be percent-encoded UTF-8"),
        (b"page_size=1&page_token=%ff", "page_token must be percent-encoded UTF-8"),
        (
            b"page_token%=1",
            "? is not a query parameter of this path; its name is not repeated here",
        ),
    ],
)
async def test_a_query_is_read_as_the_path_is(
    gateway: object, upstream: Upstream, settings: Settings, query: bytes, message: str
) -> None:
    response = await exchange(
        settings, b"GET /v1/messaging/segments?" + query + b" HTTP/1.1\r\nhost: x\r\n\r\n"
    )
    assert error(response) == (400, "malformed_request")
    assert response.json()["message"] == message
    assert upstream.requests == []


TAKEN: dict[str, bytes] = {
    "a port": GET + b"host: carillon.example.com:8080\r\n\r\n",
    "an address": GET + b"host: 127.0.0.1\r\n\r\n",
    "an IPv6 address": GET + b"host: [::1]:8080\r\n\r\n",
    "a name of a container": GET + b"host: my_app:80\r\n\r\n",
    "a length in HTTP/1.0": POST.replace(b"1.1", b"1.0") + b"content-length: 2\r\n\r\n{}",
    "an empty host": GET + b"host:\r\n\r\n",
    "an absolute target": b"GET http://x/healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "an absolute target, which counts before the "
    "host": b"GET http://y/healthz HTTP/1.1\r\nhost: x\r\n\r\n",
    "chunked in capitals": POST + b"transfer-encoding: Chunked\r\n" + CHUNKED,
    "GET without a body, which says so": person(
        b"a", b"content-type: application/json\r\ncontent-length: 0\r\n"
    ),
    "characters of every length": person(b"%41%c3%a9%e2%82%ac%f0%9f%98%80"),
    "percent signs": person(b"100%25"),
    "empty lines before": b"\r\n" + GET + b"host: x\r\n\r\n",
}


@pytest.mark.parametrize("request_bytes", TAKEN.values(), ids=TAKEN)
async def test_what_can_be_read_in_one_way_is_taken(
    gateway: object, upstream: Upstream, settings: Settings, request_bytes: bytes
) -> None:
    assert (await exchange(settings, request_bytes)).is_success
    assert len(upstream.requests) == 1
