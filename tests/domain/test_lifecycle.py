"""The campaign table of the design, cell by cell."""

from __future__ import annotations

import pytest

from server.domain.errors import BadState
from server.domain.lifecycle import (
    CampaignOperation,
    campaign_after,
    documented_counts,
    public_status,
)
from storage.model.campaigns import CampaignStatus
from storage.model.messages import UNSTARTED, MessageStatus
from storage.model.sends import Counters, Recipients
from tests.support.storage import made

D, S, SENDING, SENT, C = CampaignStatus
OPERATION = CampaignOperation

# Every operation and status that is not here is refused.
TABLE = {
    (OPERATION.UPDATE, D): D,
    (OPERATION.UPDATE, S): S,
    (OPERATION.DELETE, D): D,
    (OPERATION.SCHEDULE, D): S,
    (OPERATION.SCHEDULE, S): S,
    (OPERATION.UNSCHEDULE, S): D,
    (OPERATION.SEND, D): SENDING,
    (OPERATION.SEND, S): SENDING,
    (OPERATION.CANCEL, D): C,
    (OPERATION.CANCEL, S): C,
    (OPERATION.CANCEL, SENDING): C,
    (OPERATION.CANCEL, C): C,
}


@pytest.mark.parametrize("status", CampaignStatus)
@pytest.mark.parametrize("operation", CampaignOperation)
def test_operation_in_status(operation: CampaignOperation, status: CampaignStatus) -> None:
    if (operation, status) in TABLE:
        assert campaign_after(operation, status) is TABLE[operation, status]
    else:
        with pytest.raises(BadState) as refused:
            campaign_after(operation, status)
        assert (refused.value.reason, refused.value.details) == (
            "campaign_state",
            {"status": status.value},
        )
        assert refused.value.message == f"cannot {operation} a campaign that is {status}"


def test_nothing_leads_out_of_sent() -> None:
    assert not [operation for operation, status in TABLE if status is SENT]


def test_a_message_no_provider_was_called_for_is_pending_or_leased() -> None:
    assert {MessageStatus.PENDING, MessageStatus.LEASED} == UNSTARTED


def test_documented_counts_of_a_completed_send_add_up_to_its_total() -> None:
    counters = Counters(total=63, sent=1, failed=2, skipped=4, cancelled=8, expired=16, unknown=32)
    total, *counts = documented_counts(made.send("spring", counters=counters))
    assert counts == [1, 2 + 32, 4 + 8 + 16]
    assert sum(counts) == total == 63


def test_documented_counts_of_a_send_that_enrolls_are_of_people() -> None:
    people = Recipients(pending=1, sent=2, failed=4, skipped=8)
    counters = Counters(total=40, sent=40)
    send = made.send("spring", enrolls=True, counters=counters, recipients=people)
    assert documented_counts(send) == (15, 2, 4, 8)


def test_callers_see_a_leased_message_as_pending_and_every_other_status_as_it_is() -> None:
    shown = {status: public_status(status) for status in MessageStatus}
    assert shown.pop(MessageStatus.LEASED) is MessageStatus.PENDING
    assert all(status is as_shown for status, as_shown in shown.items())
