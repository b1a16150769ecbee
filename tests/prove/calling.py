"""Calls: none without a durable mark, and none under a lease, at a time or for a send that does not
allow it."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_FENCE = (
    "messages.c.id == given.c.id, messages.c.lease == given.c.lease, messages.c.status == "
    "MessageStatus.LEASED"
)

CALLING = (
    Mutation(
        name="mark-before-the-call",
        where="DeliveryExecutor.begin",
        original="            marked = await self._mark([each.message for each in going], now)\n",
        mutated="            marked = {each.message.id for each in going}\n",
        tests=("test_a_message_is_marked_durably_before_its_provider_is_called[sqlite]",),
    ),
    Mutation(
        name="mark-is-durable-before-the-call",
        where="DeliveryExecutor.begin",
        original="            marked = await self._mark([each.message for each in going], now)\n",
        mutated=(
            "            marked = {each.message.id for each in going}\n"
            "            messages = [each.message for each in going]\n"
            "            self._marking = asyncio.create_task(self._mark(messages, now))\n"
        ),
        tests=("test_without_a_durable_mark_nobody_is_called",),
    ),
    Mutation(
        name="only-what-was-marked-is-called",
        where="DeliveryExecutor.begin",
        original="            if each.message.id in marked:\n                self._run(",
        mutated="            if marked is not None:\n                self._run(",
        tests=("test_what_was_claimed_but_not_marked_is_not_called",),
    ),
    Mutation(
        name="mark-fenced-by-the-lease",
        where="_mark",
        original=_FENCE,
        mutated="messages.c.id == given.c.id, messages.c.status == MessageStatus.LEASED",
        tests=("test_a_mark_with_an_old_lease_does_nothing[sqlite]",),
    ),
    Mutation(
        name="mark-fenced-by-the-status",
        where="_mark",
        original=_FENCE,
        mutated="messages.c.id == given.c.id, messages.c.lease == given.c.lease",
        tests=("test_a_row_is_marked_once[sqlite]",),
    ),
    Mutation(
        name="mark-looks-at-the-send",
        where="_mark",
        original="        .where(or_(messages.c.send_id.is_(None), exists().where(sends.c.id == "
        "messages.c.send_id, RUNS)))\n",
        mutated="",
        tests=("test_a_leased_row_of_a_send_that_does_not_run_is_not_marked",),
    ),
    Mutation(
        name="mark-looks-at-the-expiry",
        where="_mark",
        original="        .where(or_(messages.c.expire_at.is_(None), messages.c.expire_at > "
        "_NOW))\n",
        mutated="",
        tests=("test_a_row_that_is_stale_is_not_marked[sqlite]",),
    ),
    Mutation(
        name="expiry-at-the-claim",
        where="withheld",
        original="    if message.expire_at is not None and message.expire_at <= now:\n",
        mutated="    if message.expire_at is not None and message.expire_at < "
        "message.scheduled_at:\n",
        tests=("test_an_in_app_message_that_is_stale_reaches_no_inbox",),
    ),
    Mutation(
        name="start-window",
        where="DeliveryExecutor._is_too_late",
        original="        return elapsed > START_WINDOW\n",
        mutated="        return elapsed < timedelta(0)\n",
        tests=("test_after_the_window_no_call_begins_and_the_row_is_given_back",),
    ),
    Mutation(
        name="start-window-by-a-steady-clock",
        where="DeliveryExecutor._is_too_late",
        original="        elapsed = max(self._clock.now() - each.started_at, "
        "timedelta(seconds=self._steady() - each.started_steady))\n",
        mutated="        elapsed = self._clock.now() - each.started_at\n",
        tests=("test_a_clock_that_was_set_back_does_not_make_the_window_longer",),
    ),
    Mutation(
        name="suppression-at-the-claim",
        where="Renderer._render_one",
        original="        if message.id in material.held_back:\n",
        mutated="        if message.id in ():\n",
        tests=("test_a_campaigns_message_is_skipped_whatever_the_reason[sqlite]",),
    ),
    Mutation(
        name="no-more-calls-than-the-provider-takes",
        where="ConcurrencyLimit.available",
        original="        available = self.total - sum(self._acquired.values())\n",
        mutated="        available = self.total\n",
        tests=("test_never_more_calls_at_once_than_the_provider_takes",),
    ),
    Mutation(
        name="in-progress-until-the-result-is-durable",
        where="DeliveryExecutor._settle",
        original="        await self._settler.settle([settlement], more_soon=self._unanswered > "
        "0)\n",
        mutated="        self._late = asyncio.create_task(self._settler.settle([settlement]))\n",
        tests=("test_a_call_is_in_progress_until_its_result_is_durable",),
    ),
)
