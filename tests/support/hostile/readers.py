"""Gives hostile documents to everything that reads what strangers wrote. Each is taken or refused
with an error that is meant for it; anything else that is raised is a fault."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from server.domain.clock import SystemClock
from server.domain.contacts.unsubscribe import LinkedContact, UnsubscribeLinks
from server.domain.criteria.check import check_criteria
from server.domain.criteria.explain import explain
from server.domain.criteria.parse import parse_criteria
from server.domain.email_reports import brand_named_in, read_email_report, read_payload
from server.domain.errors import CarillonError
from server.domain.paging import PageRequest, make_page, read_page_request
from server.domain.templates.rendering import RenderError, TemplateSource, compile_template
from server.domain.validation import Checks
from server.domain.webhook_signatures import WebhookSignature
from server.identity.signing_keys import SigningKeys
from server.identity.tokens import Tokens
from server.importer.errors import ImportStopped
from server.importer.lines import Lines
from server.importer.mapping import Columns, Mapper, RowRefused
from server.importer.rows import CsvRows, JsonRows, Row
from tests.support.hostile import documents
from tests.support.hostile.values import text

NOW = datetime(2026, 1, 1, tzinfo=UTC)
MOST_RENDERED = 2_000_000
"""Characters; far more than a template may render to."""
SECRETS = (b"s" * 32,)
REFUSALS = (CarillonError, RenderError, ImportStopped)

_TOKENS = Tokens(SigningKeys([Ed25519PrivateKey.generate()]), SystemClock())
_TOKEN = _TOKENS.mint("tester", ["acme"], ["read:messages"])
_PRINCIPAL = _TOKENS.verify(_TOKEN)
_LINKS = UnsubscribeLinks([b"k" * 32], "https://example.com")
_CONTACT = LinkedContact("acme", "ann", "email", "news", "ann@example.com")
_LINK = _LINKS.token(_CONTACT)
_PAGE = make_page(["a", "b"], PageRequest(1, None), "messages", str).next_page_token


def read_hostile_documents(count: int, seed: int) -> Counter[str]:
    """Gives so many to each reader. Returns how often each took or refused one."""
    outcomes: Counter[str] = Counter()
    for name, read in READERS.items():
        chance = Random(f"{seed} {name}")
        for _ in range(count):
            try:
                read(chance)
            except REFUSALS:
                outcomes[f"{name} refused"] += 1
            else:
                outcomes[f"{name} taken"] += 1
    return outcomes


def _liquid(chance: Random) -> None:
    source = TemplateSource(
        documents.liquid(chance), documents.liquid(chance), chance.choice((None, "<p>{{ x }}"))
    )
    values = {"x": documents.document(chance, 3), "y": documents.document(chance, 3)}
    rendered = compile_template(source).render({**values, "person": {"name": text(chance)}}, NOW)
    assert len(rendered.body) < MOST_RENDERED


def _criteria(chance: Random) -> None:
    document = documents.deep(chance) if chance.random() < 0.05 else documents.document(chance)
    checks = Checks()
    check_criteria(checks, "predicate", document)
    checks.finish()
    explain(parse_criteria(document, "predicate"), {})


def _page_token(chance: Random) -> None:
    read_page_request(
        chance.choice((0, 50, 2**31 - 1)), documents.damaged(_PAGE, chance), "messages"
    )


def _token(chance: Random) -> None:
    damaged = chance.random() < 0.5
    token = documents.damaged(_TOKEN, chance) if damaged else documents.unsigned(chance)
    # Of the last letter of base64 not every bit counts: the same token, written otherwise.
    assert _TOKENS.verify(token) == _PRINCIPAL


def _link(chance: Random) -> None:
    assert _LINKS.contact(documents.damaged(_LINK, chance)) in (None, _CONTACT)


def _webhook(chance: Random) -> None:
    body = documents.webhook(chance)
    payload = read_payload(body)
    brand_named_in(payload)
    signature = WebhookSignature(
        chance.choice(("msg_1", text(chance))),
        chance.choice((str(int(NOW.timestamp())), text(chance))),
        chance.choice(("v1,", f"v1,{text(chance)}", text(chance))),
    )
    read_email_report(payload)
    signature.require_fresh(NOW)
    signature.require_signed(body, SECRETS)
    raise AssertionError("a webhook that nobody signed was taken")


def _csv(chance: Random) -> None:
    rows = CsvRows(Lines(_file(documents.people_file(chance))), None)
    mapper = Mapper(Columns())
    mapper.prepare(rows.read_header())
    _make_people(rows, mapper, from_text=True)


def _json_lines(chance: Random) -> None:
    rows = JsonRows(Lines(_file(documents.json_lines(chance))))
    _make_people(rows, Mapper(Columns()), from_text=False)


def _make_people(rows: Iterator[Row], mapper: Mapper, *, from_text: bool) -> None:
    for row in rows:
        if row.fault is None:
            try:
                mapper.person(row, from_text=from_text)
            except RowRefused:
                continue


def _file(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


READERS: dict[str, Callable[[Random], None]] = {
    "liquid": _liquid,
    "criteria": _criteria,
    "page tokens": _page_token,
    "tokens": _token,
    "unsubscribe links": _link,
    "webhooks": _webhook,
    "csv": _csv,
    "json lines": _json_lines,
}
