"""Results: written under the fence, kept even when they come too late, and never thrown away."""

from __future__ import annotations

from tests.prove.mutation import Mutation, of

_SETTLEMENTS = "storage/sql/settlements.py"
_FENCE = "messages.c.id == given.c.id, messages.c.lease == given.c.lease, messages.c.status == given.c.expected"
_FENCE_OF_SENT = 'messages.c.id == given.c.id, messages.c.lease == given.c.lease, messages.c.status == bindparam("expected_status")'
_LATE = "    for before in (MessageStatus.UNKNOWN, MessageStatus.PENDING, MessageStatus.LEASED):\n"

SETTLING = (
    Mutation(
        name="settle-fenced-by-the-lease",
        file=_SETTLEMENTS,
        original=_FENCE,
        mutated="messages.c.id == given.c.id, messages.c.status == given.c.expected",
        tests=of("storage", "test_settlements.py::test_a_stale_lease_cannot_settle"),
    ),
    Mutation(
        name="sent-fenced-by-the-lease",
        file=_SETTLEMENTS,
        original=_FENCE_OF_SENT,
        mutated='messages.c.id == given.c.id, messages.c.status == bindparam("expected_status")',
        tests=of("storage", "test_settlements.py::test_a_stale_lease_cannot_settle"),
    ),
    Mutation(
        name="sent-fenced-by-the-status",
        file=_SETTLEMENTS,
        original=_FENCE_OF_SENT,
        mutated="messages.c.id == given.c.id, messages.c.lease == given.c.lease",
        tests=of("storage", "test_settlements.py::test_a_row_that_is_not_in_the_expected_status_is_not_settled"),
    ),
    Mutation(
        name="sent-only-if-all-are-held",
        file=_SETTLEMENTS,
        original="    return counts if sum(counts.values()) == rows else None\n",
        mutated="    return counts\n",
        tests=of("storage", "test_settlements.py::test_what_is_still_held_of_a_batch_is_settled_and_counted_and_nothing_else"),
    ),
    Mutation(
        name="settle-fenced-by-the-status",
        file=_SETTLEMENTS,
        original=_FENCE,
        mutated="messages.c.id == given.c.id, messages.c.lease == given.c.lease",
        tests=of("storage", "test_settlements.py::test_a_row_that_is_not_in_the_expected_status_is_not_settled"),
    ),
    Mutation(
        name="attempt-kept-whatever-becomes-of-the-row",
        file=_SETTLEMENTS,
        original="    await insert_attempts(connection, (each.attempt for each in settlements if each.attempt is not None))\n",
        mutated=(
            "    kept = (each.attempt for each in settlements if each.attempt is not None and each.message_id in applied)\n"
            "    await insert_attempts(connection, kept)\n"
        ),
        tests=of("storage", "test_settlements.py::test_a_late_result_that_is_no_acceptance_leaves_unknown_but_is_kept"),
    ),
    Mutation(
        name="late-acceptance-of-an-unknown-row",
        file=_SETTLEMENTS,
        original=_LATE,
        mutated="    for before in (MessageStatus.PENDING, MessageStatus.LEASED):\n",
        tests=of("dispatch", "test_crash.py::test_an_acceptance_that_comes_after_recovery_turns_unknown_into_sent[sqlite]"),
    ),
    Mutation(
        name="late-acceptance-of-a-row-that-waits",
        file=_SETTLEMENTS,
        original=_LATE,
        mutated="    for before in (MessageStatus.UNKNOWN,):\n",
        tests=of("dispatch", "test_doubt.py::test_an_acceptance_that_comes_while_it_waits_to_be_asked_again_is_enough"),
    ),
    Mutation(
        name="late-acceptance-changes-nothing-decided",
        file=_SETTLEMENTS,
        original=_LATE,
        mutated="    for before in (MessageStatus.UNKNOWN, MessageStatus.PENDING, MessageStatus.LEASED, MessageStatus.FAILED):\n",
        tests=of("storage", "test_settlements.py::test_a_late_acceptance_changes_no_row_that_was_decided[sqlite]"),
    ),
    Mutation(
        name="inbox-item-only-with-its-settlement",
        file=_SETTLEMENTS,
        original=" if each.inbox_item and each.message_id in applied))\n",
        mutated=" if each.inbox_item))\n",
        tests=of(
            "storage", "test_settlements.py::test_an_inbox_item_is_written_with_the_settlement_that_takes_effect_and_only_then[sqlite]"
        ),
    ),
    Mutation(
        name="result-not-lost-in-an-outage",
        file="server/dispatch/settler.py",
        original="            except (StorageUnavailable, WriteConflict):\n",
        mutated="            except (StorageUnavailable, WriteConflict):\n                return\n",
        tests=of("dispatch", "test_outage.py::test_a_result_is_not_lost_while_the_database_is_away"),
    ),
    Mutation(
        name="result-settled-in-its-own-right",
        file="server/dispatch/settler.py",
        original="        await asyncio.shield(self._next)\n",
        mutated="        await self._next\n",
        tests=of("dispatch", "test_settler.py::test_who_is_cancelled_while_waiting_loses_no_result"),
    ),
    Mutation(
        name="stop-waits-for-what-is-in-flight",
        file="server/dispatch/calls.py",
        original='        """Lets the calls in progress end, closes the provider."""\n        await self.drain()\n',
        mutated='        """Lets the calls in progress end, closes the provider."""\n',
        tests=of("dispatch", "test_dispatcher.py::test_a_stop_gives_back_what_is_claimed_and_finishes_what_is_in_flight"),
    ),
)
