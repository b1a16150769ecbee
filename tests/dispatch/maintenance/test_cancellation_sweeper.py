"""The rows of a large send follow its cancellation."""

from __future__ import annotations

import pytest

from server.dispatch.maintenance import cancellation_sweeper as cancellations_module
from server.dispatch.maintenance.cancellation_sweeper import CancellationSweeper
from storage.model.messages import MessageStatus
from tests.support.dispatch.stage import Stage


async def test_rows_beyond_the_first_slice_are_cancelled_in_batches(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.sql.delivery.cancellations._ROWS_WITH_THE_SEND", 2)
    monkeypatch.setattr(cancellations_module, "BATCH", 2)
    send, messages = await stage.send(7)
    await stage.cancel(send)
    assert [await stage.status(message) for message in messages].count(MessageStatus.PENDING) == 5
    await stage.run(stage.workers())
    assert stage.email.calls == []
    await stage.run(CancellationSweeper(stage.storage, stage.clock))
    assert await stage.counted(send) == {"total": 7, "cancelled": 7}
    assert (await stage.found_send(send)).completed_at is not None
