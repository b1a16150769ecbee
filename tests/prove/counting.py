"""Counters: changed with the rows, by the rows that changed; and what may leave."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_ENDED = (
    "_ENDED = (MessageStatus.SENT, MessageStatus.FAILED, MessageStatus.SKIPPED, "
    "MessageStatus.CANCELLED, MessageStatus.EXPIRED)\n"
)

COUNTING = (
    Mutation(
        name="counted-by-what-became-of-the-rows",
        where="_settle_distinct",
        original="        changes.moved(row.send_id, batch[row.id].expected, row.status)\n",
        mutated="        changes.moved(row.send_id, batch[row.id].expected, "
        "batch[row.id].status)\n",
        tests=("test_a_retry_of_a_cancelled_send_is_cancelled_instead[sqlite]",),
    ),
    Mutation(
        name="late-acceptances-are-counted",
        where="_accept_late",
        original="            changes.moved(row.send_id, before, MessageStatus.SENT)\n",
        mutated="            changes.moved(row.send_id, before, before)\n",
        tests=("test_an_acceptance_that_comes_after_recovery_turns_unknown_into_sent[sqlite]",),
    ),
    Mutation(
        name="marks-are-counted",
        where="mark_sending",
        original="        changes.moved(send_id, MessageStatus.LEASED, MessageStatus.SENDING, "
        "count)\n",
        mutated="        changes.moved(None, MessageStatus.LEASED, MessageStatus.SENDING, count)\n",
        tests=("test_a_mark_makes_a_leased_row_sending_counts_the_attempt_and_the_send[sqlite]",),
    ),
    Mutation(
        name="retried-rows-are-counted",
        where="mark_retried",
        original="        changes.moved(parent_send_id, message.status, MessageStatus.FAILED)\n",
        mutated="        changes.moved(parent_send_id, MessageStatus.FAILED, "
        "MessageStatus.FAILED)\n",
        tests=(
            "test_with_unknown_those_of_unknown_outcome_are_taken_too_and_become_failed[sqlite]",
        ),
    ),
    Mutation(
        name="complete-when-nothing-is-left",
        where="_COMPLETE",
        original="    .where(sends.c.pending == 0, sends.c.in_flight == 0)\n",
        mutated="    .where(sends.c.in_flight == 0)\n",
        tests=(
            "test_a_send_whose_last_call_ends_before_the_sweep_is_complete_only_after_it[sqlite]",
        ),
    ),
    Mutation(
        name="reopened-until-the-resent-have-ended",
        where="resolve_unknown",
        original="        await _reopen(connection, {message.send_id for message in found if "
        "message.send_id is not None})\n",
        mutated="        pass\n",
        tests=(
            "test_a_completed_send_is_sending_again_until_its_resent_messages_have_ended[sqlite]",
        ),
    ),
    Mutation(
        name="drift-is-told",
        where="CounterReconciler._recount",
        original="        if kept != counted:\n",
        mutated="        if kept is None:\n",
        tests=("test_a_drift_is_told_with_its_send_and_numbers",),
    ),
    Mutation(
        name="unknown-does-not-leave",
        where="_ENDED",
        original=_ENDED,
        mutated=_ENDED.replace("EXPIRED)", "EXPIRED, MessageStatus.UNKNOWN)"),
        tests=("test_a_message_that_has_not_ended_or_is_of_unknown_outcome_stays[sqlite]",),
    ),
    Mutation(
        name="rows-of-an-open-send-do-not-leave",
        where="_lock_completed",
        original=", sends.c.completed_at.is_not(None))",
        mutated=")",
        tests=("test_no_message_of_a_send_that_is_not_completed_leaves",),
    ),
    Mutation(
        name="pruned-send-is-not-reopened",
        where="_lock_unknown",
        original=", ~sends.c.pruned)",
        mutated=")",
        tests=("test_unknown_messages_of_a_pruned_send_are_resolved_but_not_resent[sqlite]",),
    ),
)
