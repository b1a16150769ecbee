"""Results: written under the fence, kept even when they come too late, and never thrown away."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_FENCE = (
    "messages.c.id == given.c.id, messages.c.lease == given.c.lease, messages.c.status == "
    "given.c.expected"
)
_FENCE_OF_SENT = (
    "messages.c.id == given.c.id, messages.c.lease == given.c.lease, messages.c.status == "
    'bindparam("expected_status")'
)
_LATE = "    for before in (MessageStatus.UNKNOWN, MessageStatus.PENDING, MessageStatus.LEASED):\n"

SETTLING = (
    Mutation(
        name="settle-fenced-by-the-lease",
        where="_settle",
        original=_FENCE,
        mutated="messages.c.id == given.c.id, messages.c.status == given.c.expected",
        tests=("test_a_stale_lease_cannot_settle",),
    ),
    Mutation(
        name="sent-fenced-by-the-lease",
        where="_sent",
        original=_FENCE_OF_SENT,
        mutated='messages.c.id == given.c.id, messages.c.status == bindparam("expected_status")',
        tests=("test_a_stale_lease_cannot_settle",),
    ),
    Mutation(
        name="sent-fenced-by-the-status",
        where="_sent",
        original=_FENCE_OF_SENT,
        mutated="messages.c.id == given.c.id, messages.c.lease == given.c.lease",
        tests=("test_a_row_that_is_not_in_the_expected_status_is_not_settled",),
    ),
    Mutation(
        name="settle-fenced-by-the-status",
        where="_settle",
        original=_FENCE,
        mutated="messages.c.id == given.c.id, messages.c.lease == given.c.lease",
        tests=("test_a_row_that_is_not_in_the_expected_status_is_not_settled",),
    ),
    Mutation(
        name="attempt-kept-whatever-becomes-of-the-row",
        where="settle",
        original="    await insert_attempts(connection, (each.attempt for each in settlements if "
        "each.attempt is not None))\n",
        mutated=(
            "    kept = (each.attempt for each in settlements if each.attempt is not None and "
            "each.message_id in applied)\n"
            "    await insert_attempts(connection, kept)\n"
        ),
        tests=("test_a_late_result_that_is_no_acceptance_leaves_unknown_but_is_kept",),
    ),
    Mutation(
        name="late-acceptance-of-an-unknown-row",
        where="_accept_late",
        original=_LATE,
        mutated="    for before in (MessageStatus.PENDING, MessageStatus.LEASED):\n",
        tests=("test_an_acceptance_that_comes_after_recovery_turns_unknown_into_sent[sqlite]",),
    ),
    Mutation(
        name="late-acceptance-of-a-row-that-waits",
        where="_accept_late",
        original=_LATE,
        mutated="    for before in (MessageStatus.UNKNOWN,):\n",
        tests=("test_an_acceptance_that_comes_while_it_waits_to_be_asked_again_is_enough",),
    ),
    Mutation(
        name="late-acceptance-changes-nothing-decided",
        where="_accept_late",
        original=_LATE,
        mutated="    for before in (MessageStatus.UNKNOWN, MessageStatus.PENDING, "
        "MessageStatus.LEASED, MessageStatus.FAILED):\n",
        tests=("test_a_late_acceptance_changes_no_row_that_was_decided[sqlite]",),
    ),
    Mutation(
        name="inbox-item-only-with-its-settlement",
        where="_settle_distinct",
        original=" if each.inbox_item and each.message_id in applied))\n",
        mutated=" if each.inbox_item))\n",
        tests=(
            "test_an_inbox_item_is_written_with_the_settlement_that_takes_effect_and_only_then[sqlite]",
        ),
    ),
    Mutation(
        name="result-not-lost-in-an-outage",
        where="Settler._write_until_durable",
        original="            except (StorageUnavailable, WriteConflict):\n",
        mutated="            except (StorageUnavailable, WriteConflict):\n                return\n",
        tests=("test_a_result_is_not_lost_while_the_database_is_away",),
    ),
    Mutation(
        name="result-settled-in-its-own-right",
        where="Settler.settle",
        original="        await asyncio.shield(self._next)\n",
        mutated="        await self._next\n",
        tests=("test_who_is_cancelled_while_waiting_loses_no_result",),
    ),
    Mutation(
        name="stop-waits-for-what-is-in-flight",
        where="DeliveryExecutor.stop",
        original='        """Lets the calls in progress end, closes the provider."""\n        '
        "await self.drain()\n",
        mutated='        """Lets the calls in progress end, closes the provider."""\n',
        tests=("test_a_stop_gives_back_what_is_claimed_and_finishes_what_is_in_flight",),
    ),
)
