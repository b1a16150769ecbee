"""Events of mail providers and what they do, in one transaction. Tests run on both databases."""

from __future__ import annotations

import asyncio

import pytest

from server.commands.webhooks.receive_email_event import ReceivedReport, receive_email_event
from server.domain.email_reports import EmailReport
from storage.contract.storage import Transaction
from storage.model.brands import Brand
from storage.model.email_events import EmailEvent
from storage.model.suppressions import Suppression, SuppressionReason
from tests.support.dispatch.stage import Stage
from tests.support.storage.made import BRAND

ANN = "ann@example.com"


def received(stage: Stage, kind: str = "email.bounced") -> ReceivedReport:
    return ReceivedReport(
        event_id="msg_1",
        brand_id=BRAND,
        report=EmailReport(
            recipient=ANN,
            type=kind,
            vendor_message_id="theirs",
            reason=SuppressionReason.HARD_BOUNCE,
        ),
        now=stage.clock.now(),
        request_id=None,
    )


@pytest.fixture(autouse=True)
async def brand(stage: Stage) -> None:
    now = stage.clock.now()
    record = Brand(id=BRAND, name="Brand", created_by="tests", created_at=now, updated_at=now)
    await stage.storage.write(lambda tx: tx.brands.insert(record))


async def kept(stage: Stage) -> tuple[EmailEvent | None, Suppression | None]:
    async def both(tx: Transaction) -> tuple[EmailEvent | None, Suppression | None]:
        event = await tx.email_events.find(BRAND, "msg_1")
        return event, await tx.suppressions.find_address(BRAND, "email", ANN)

    return await stage.storage.read(both)


async def test_an_event_whose_transaction_is_taken_back_is_new_when_it_is_repeated(
    stage: Stage,
) -> None:
    async def failing(tx: Transaction) -> None:
        await receive_email_event(tx, received(stage))
        raise RuntimeError("the commit failed")

    with pytest.raises(RuntimeError):
        await stage.storage.write(failing)
    assert await kept(stage) == (None, None)
    await stage.storage.write(lambda tx: receive_email_event(tx, received(stage)))
    event, suppression = await kept(stage)
    assert event is not None
    assert suppression is not None
    assert (event.reason, suppression.reason) == (SuppressionReason.HARD_BOUNCE,) * 2


async def test_of_repeats_at_the_same_time_one_has_an_effect_and_all_its_answer(
    stage: Stage,
) -> None:
    events = await asyncio.gather(
        *(
            stage.storage.write(
                lambda tx, kind=str(number): receive_email_event(tx, received(stage, kind))  # type: ignore[misc]
            )
            for number in range(10)
        )
    )
    assert len(set(events)) == 1
    entries = await stage.storage.read(lambda tx: tx.audit.list_page(BRAND, None, None, 99))
    made = [entry for entry in entries if entry.action == "suppression_created"]
    assert len(made) == 1
