"""Lists of messages: what the filters mean, and the index that serves each."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import ClauseElement, Executable, Select, text
from sqlalchemy.ext.compiler import compiles

from storage.contract.storage import Transaction
from storage.model.channels import Channel
from storage.model.ids import new_id
from storage.model.messages import Message, MessageFilter, MessageStatus
from storage.sql.connection import Connection
from storage.sql.dialects.postgres import POSTGRES
from tests.support.storage import made
from tests.support.storage.made import BRAND, NOW
from tests.support.storage.scene import Scene

HOUR = timedelta(hours=1)


class Explain(Executable, ClauseElement):
    """Asks for the plan of a statement."""

    inherit_cache = False

    def __init__(self, statement: Select[Any]) -> None:
        self.statement = statement


@compiles(Explain, "sqlite")
def _on_sqlite(element: Explain, compiler: Any, **more: Any) -> str:
    return f"EXPLAIN QUERY PLAN {compiler.process(element.statement, **more)}"


@compiles(Explain, "postgresql")
def _on_postgres(element: Explain, compiler: Any, **more: Any) -> str:
    return f"EXPLAIN {compiler.process(element.statement, **more)}"


async def plans(scene: Scene, where: MessageFilter) -> list[str]:
    """The plans of the statements of a page, in the words of the database."""
    found: list[str] = []

    async def explain(tx: Transaction) -> None:
        connection: Connection = tx.messages._connection  # type: ignore[attr-defined]  # plans show only on the connection
        execute = connection.execute
        if connection.dialect is POSTGRES:
            # So few rows it would rather gather than read in order.
            for way in ("bitmapscan", "seqscan"):
                await execute(text(f"SET LOCAL enable_{way} = off"))

        async def explained(statement: Any, parameters: Any = None) -> Any:
            if isinstance(statement, Select):
                lines = (await execute(Explain(statement), parameters)).all
                found.append("\n".join(str(line[-1]) for line in lines))
            return await execute(statement, parameters)

        connection.execute = explained  # type: ignore[method-assign]
        await tx.messages.list_page(BRAND, where, new_id(), 50)

    await scene.storage.read(explain)
    return [plan for plan in found if "messages" in plan]


@pytest.fixture
async def full(scene: Scene) -> Scene:
    """Thousands of messages of everything, of which few are of the brand, and what PostgreSQL has
    to know of them to plan."""
    rows = [
        made.message(
            f"person-{number % 97}",
            brand_id=BRAND if number % 53 == 0 else f"brand-{number % 50}",
            channel=list(Channel)[number % 4],
            status=list(MessageStatus)[3 + number % 6],
            failure_reason="bounced" if number % 3 else None,
            sent_at=NOW if number % 5 else None,
        )
        for number in range(3000)
    ]
    await scene.send(rows)
    await scene.send(20)
    if scene.url.startswith("postgres"):

        async def analyze(tx: Transaction) -> None:
            await tx.messages._connection.execute(text("ANALYZE"))  # type: ignore[attr-defined]

        await scene.storage.write(analyze)
    return scene


async def test_each_filter_is_served_by_an_index_in_order(full: Scene) -> None:
    send, _ = await full.send(1)
    served: list[tuple[dict[str, Any], str]] = [
        ({}, "ix_messages_brand_id_channel_id"),
        ({"channel": "sms"}, "ix_messages_brand_id_channel_id"),
        ({"status": MessageStatus.SENT}, "ix_messages_brand_id_channel_id"),
        ({"created_after": NOW, "created_before": NOW}, "ix_messages_brand_id_channel_id"),
        ({"person_id": "person-1"}, "ix_messages_brand_id_person_id_id"),
        ({"recipients": ("a@example.com", "a")}, "ix_messages_brand_id_recipient_id"),
        ({"campaign_id": send.campaign_id}, "ix_messages_send_id_id"),
        ({"send_id": send.id}, "ix_messages_send_id_id"),
        ({"one_off": True}, "ix_messages_scheduled"),
        ({"reason": "bounced"}, "ix_messages_reason"),
        ({"status": MessageStatus.FAILED}, "ix_messages_ended_unsent"),
        ({"status": MessageStatus.UNKNOWN}, "ix_messages_unknown"),
        ({"status": MessageStatus.PENDING}, "ix_messages_brand_id_channel_id"),
        ({"status": MessageStatus.SENDING}, "ix_messages_brand_id_channel_id"),
        ({"dedup_key": "key"}, "uq_messages_dedup_key"),
        (
            {"person_id": "p", "channel": "sms", "status": MessageStatus.FAILED, "reason": "x"},
            "ix_messages_brand_id_person_id_id",
        ),
    ]
    for filters, index in served:
        found = await plans(full, MessageFilter(**filters))
        assert found, filters
        for plan in found:
            assert set(re.findall(r"(?:ix|uq|pk)_messages\w*", plan)) == {index}, (filters, plan)
            # One row at most has a key: it needs no order.
            assert index.startswith("uq_") or not re.search("Sort|TEMP B-TREE", plan), plan


async def test_filters_hold_alone_and_together(scene: Scene) -> None:
    send, (first, second) = await scene.send(2)
    skipped = made.skip(send.id, "ann", "no_address")
    await scene.storage.write(lambda tx: tx.messages.insert_many([skipped]))
    early = await scene.one_off(
        id=id_at(NOW - HOUR), created_at=NOW - HOUR, person_id="ann", channel="sms", recipient="+1"
    )
    late = await scene.one_off(id=id_at(NOW), person_id="ann")

    async def listed(**filters: Any) -> set[str]:
        found: list[Message] = await scene.storage.read(
            lambda tx: tx.messages.list_page(BRAND, MessageFilter(**filters), None, 10)
        )
        assert [row.id for row in found] == sorted((row.id for row in found), reverse=True)
        return {row.id for row in found}

    of_send = {first.id, second.id, skipped.id}
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({}, of_send | {early.id, late.id}),
        ({"recipients": ("+1", "1")}, {early.id}),
        ({"recipients": (first.recipient, second.recipient)}, {first.id, second.id}),
        ({"campaign_id": send.campaign_id}, of_send),
        ({"campaign_id": send.campaign_id, "person_id": "ann"}, {skipped.id}),
        ({"campaign_id": "none"}, set()),
        ({"channel": "sms"}, {early.id}),
        ({"channel": "email", "person_id": "ann"}, {skipped.id, late.id}),
        ({"reason": "no_address"}, {skipped.id}),
        ({"reason": "duplicate"}, set()),
        ({"status": MessageStatus.SKIPPED, "reason": "no_address"}, {skipped.id}),
        ({"one_off": True}, {early.id, late.id}),
        ({"one_off": True, "person_id": "ann", "channel": "email"}, {late.id}),
        ({"one_off": True, "send_id": send.id}, set()),
        ({"one_off": True, "created_after": NOW}, {late.id}),
        ({"one_off": True, "created_before": NOW}, {early.id}),
        ({"created_after": NOW - HOUR, "created_before": NOW + HOUR, "channel": "sms"}, {early.id}),
    ]
    for filters, ids in expected:
        assert await listed(**filters) == ids, filters


def id_at(instant: datetime) -> str:
    """An id as it is made at the instant."""
    digits = f"{int(instant.timestamp() * 1000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7fff-bfff-{new_id()[-12:]}"


async def test_the_provider_is_the_one_that_is_called_or_was_called_last(scene: Scene) -> None:
    message = await scene.one_off()

    async def provider() -> str | None:
        return await scene.storage.read(lambda tx: tx.messages.find_provider(message.id))

    assert await provider() is None
    (started,) = await scene.start()
    assert await provider() == "outbox"
    # It was not called after all.
    await scene.finish([started], MessageStatus.PENDING)
    assert await provider() is None
    (started,) = await scene.start()
    await scene.finish([started], attempt=made.attempt(started, provider="smtp"))
    assert await provider() == "smtp"
    assert await scene.storage.read(lambda tx: tx.messages.find_provider("none")) is None
