"""Cancel means cancel, and a pause pauses: nothing begins after either has returned."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_TAKES_ANOTHER_REVISION = (
    "test_rows_without_an_attempt_take_another_revision_when_they_are_claimed[sqlite]"
)

STOPPING = (
    Mutation(
        name="stopping-waits-for-calls-in-flight",
        where="_wait",
        original="            await _until_none_in_flight(storage, in_flight)\n",
        mutated="            pass\n",
        tests=("test_the_answer_waits_for_the_call_that_is_in_flight",),
    ),
    Mutation(
        name="cancelled-send-does-not-run",
        where="RUNS",
        original="RUNS = (sends.c.status == literal_column(\"'sending'\")) & "
        "sends.c.paused_at.is_(None)",
        mutated="RUNS = sends.c.paused_at.is_(None)",
        tests=(
            "test_a_cancelled_send_has_no_queue_and_is_not_claimed[sqlite]",
            "test_rows_beyond_the_first_slice_are_cancelled_in_batches[sqlite]",
        ),
    ),
    Mutation(
        name="paused-send-does-not-run",
        where="RUNS",
        original="RUNS = (sends.c.status == literal_column(\"'sending'\")) & "
        "sends.c.paused_at.is_(None)",
        mutated="RUNS = sends.c.status == literal_column(\"'sending'\")",
        tests=("test_a_paused_send_has_no_queue_and_is_not_claimed_until_it_goes_on[sqlite]",),
    ),
    Mutation(
        name="pause-takes-leased-rows-back",
        where="SqlSends.pause",
        original="            await self._give_back(send_id)\n",
        mutated="",
        tests=("test_a_pause_gives_leased_rows_back_and_none_of_them_is_marked[sqlite]",),
    ),
    Mutation(
        name="cancel-takes-leased-rows",
        where="_cancel_rows",
        original="end.where(messages.c.id == pending.c.id))).all, *(await "
        "connection.execute(end.where(leased_of(send_id)))).all",
        mutated="end.where(messages.c.id == pending.c.id))).all",
        tests=("test_all_leased_rows_are_cancelled_with_their_send_and_cannot_be_marked[sqlite]",),
    ),
    Mutation(
        name="cancel-leaves-what-is-in-flight",
        where="SqlMessages.cancel",
        original="messages.c.id == message_id, messages.c.status.in_(UNSTARTED))",
        mutated="messages.c.id == message_id)",
        tests=("test_a_message_that_is_with_its_provider_cannot_be_cancelled",),
    ),
    Mutation(
        name="cancelled-send-gets-no-more-rows",
        where="cancel_sends",
        original=".values(status=SendStatus.CANCELLED, audience_done=true())",
        mutated=".values(status=SendStatus.CANCELLED)",
        tests=("test_a_send_is_cancelled_at_once_and_its_rows_in_slices[sqlite]",),
    ),
    Mutation(
        name="cancelled-send-is-swept",
        where="CancellationSweeper.run_once",
        original="tx.sends.sweep_cancelled(now, BATCH)",
        mutated="tx.messages.expire(now, BATCH)",
        tests=("test_rows_beyond_the_first_slice_are_cancelled_in_batches[sqlite]",),
    ),
    Mutation(
        name="recipients-who-wait-are-cancelled",
        where="sweep_cancelled",
        original="swept or await given.cancel_some(connection, read_send(row), now)",
        mutated="swept",
        tests=("test_those_who_wait_are_cancelled_one_message_each[sqlite-False]",),
    ),
    Mutation(
        name="retry-of-a-cancelled-send-is-cancelled",
        where="_settle",
        original='    stopped = and_(given.c.status == "pending", IS_CANCELLED)\n',
        mutated='    stopped = and_(given.c.status == "nothing", IS_CANCELLED)\n',
        tests=("test_a_retry_of_a_cancelled_send_is_cancelled_instead[sqlite]",),
    ),
    Mutation(
        name="cancel-and-mark-linearise",
        where="mark_sending",
        original="    await lock_sends_of(connection, (message_id for message_id, _ in "
        "in_order))\n",
        mutated="",
        tests=(
            "test_rows_claimed_while_a_large_send_is_being_cancelled_are_not_marked_after_the_cancel",
        ),
    ),
    Mutation(
        name="pause-and-mark-linearise",
        where="mark_sending",
        original="    await lock_sends_of(connection, (message_id for message_id, _ in "
        "in_order))\n",
        mutated="",
        tests=(
            "test_rows_claimed_while_their_send_is_being_paused_are_not_marked_after_the_pause",
        ),
    ),
    Mutation(
        name="settle-and-cancel-linearise",
        where="_settle_distinct",
        original="    await lock_sends_of(connection, batch)\n",
        mutated="",
        tests=("test_a_retry_settled_while_its_send_is_being_cancelled_is_cancelled",),
    ),
    Mutation(
        name="one-order-of-locks",
        where="lock_sends",
        original="    if not connection.dialect.single_writer:\n",
        mutated="    if connection is None:\n",
        tests=("test_completion_and_cancel_of_a_send_at_once_do_not_deadlock",),
    ),
    Mutation(
        name="another-version-takes-leased-rows-back",
        where="SqlSends.change_revision",
        original="        await self._give_back(send_id)\n",
        mutated="",
        tests=(_TAKES_ANOTHER_REVISION,),
    ),
    Mutation(
        name="what-was-called-keeps-its-version",
        where="_revision_of_send",
        original="(messages.c.attempts > 0, own)",
        mutated="(messages.c.attempts < 0, own)",
        tests=(_TAKES_ANOTHER_REVISION,),
    ),
)
