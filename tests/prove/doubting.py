"""What is in doubt: found after a crash, sent again only if that was chosen or does no harm, never
told as not sent."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_ENDS_IN_DOUBT = "    ends_in_doubt = and_(in_doubt, or_(stopped, given.c.status.in_(_NOT_SENT)))\n"
_AGAIN = (
    "    return and_(messages.c.attempts < max_attempts, ~IS_CANCELLED, or_(is_known, is_wanted))\n"
)
_KNOWN = (
    "    is_known = exists().where(known.c.provider == messages.c.provider, "
    "messages.c.first_sending_at > known.c.since)\n"
)

DOUBTING = (
    Mutation(
        name="recovery-ends-what-was-marked",
        where="_may_be_sent_again",
        original=_AGAIN,
        mutated="    return or_(is_known, is_wanted, messages.c.attempts >= 0)\n",
        tests=("test_leased_rows_go_back_and_rows_marked_sending_become_unknown",),
    ),
    Mutation(
        name="recovery-within-the-window-of-the-key",
        where="_may_be_sent_again",
        original=_KNOWN,
        mutated="    is_known = exists().where(known.c.provider == messages.c.provider)\n",
        tests=(
            "test_the_window_of_a_key_ends_at_its_instant_and_counts_from_the_first_call[sqlite]",
        ),
    ),
    Mutation(
        name="recovery-by-the-key-of-the-provider-called",
        where="_may_be_sent_again",
        original=_KNOWN,
        mutated="    is_known = exists().where(messages.c.first_sending_at > known.c.since)\n",
        tests=("test_only_the_provider_that_was_called_says_whether_it_knows_the_key[sqlite]",),
    ),
    Mutation(
        name="recovery-counts-attempts",
        where="_may_be_sent_again",
        original=_AGAIN,
        mutated="    return and_(~IS_CANCELLED, or_(is_known, is_wanted))\n",
        tests=("test_a_row_without_attempts_left_is_not_sent_again[sqlite]",),
    ),
    Mutation(
        name="recovery-does-not-revive-cancelled-sends",
        where="_may_be_sent_again",
        original=_AGAIN,
        mutated="    return and_(messages.c.attempts < max_attempts, or_(is_known, is_wanted))\n",
        tests=("test_a_row_whose_send_was_cancelled_is_not_sent_again[sqlite]",),
    ),
    Mutation(
        name="recovery-asks-what-the-brand-wants",
        where="_may_be_sent_again",
        original=", brand_policies.c.unknown_policy == UnknownPolicy.RESEND)",
        mutated=")",
        tests=("test_a_brand_may_want_what_is_in_doubt_to_be_sent_again",),
    ),
    Mutation(
        name="recovery-records-an-attempt",
        where="_end_or_resend",
        original="    await insert_attempts(connection, (_attempt(",
        mutated="    await insert_attempts(connection, () and (_attempt(",
        tests=(
            "test_recovery_records_an_ambiguous_attempt_of_the_provider_that_was_called[sqlite]",
        ),
    ),
    Mutation(
        name="recovery-before-the-dispatcher-is-ready",
        where="Dispatcher.start",
        original="        await self._recovery.run_once()\n",
        mutated="",
        tests=("test_after_a_crash_a_start_recovers_before_it_is_ready",),
    ),
    Mutation(
        name="doubt-is-remembered",
        where="_settle",
        original="    in_doubt = or_(messages.c.in_doubt, given.c.doubt == 1)\n",
        mutated="    in_doubt = messages.c.in_doubt\n",
        tests=("test_a_refusal_after_a_doubtful_call_does_not_make_it_failed",),
    ),
    Mutation(
        name="doubt-never-fails",
        where="_settle",
        original=_ENDS_IN_DOUBT,
        mutated="    ends_in_doubt = and_(in_doubt, stopped)\n",
        tests=("test_a_row_in_doubt_does_not_end_as_not_sent_but_as_unknown",),
    ),
    Mutation(
        name="doubt-is-not-cancelled-by-its-send",
        where="_settle",
        original=_ENDS_IN_DOUBT,
        mutated="    ends_in_doubt = and_(in_doubt, given.c.status.in_(_NOT_SENT))\n",
        tests=(
            "test_a_retry_of_a_cancelled_send_ends_as_cancelled_or_as_unknown_if_it_is_in_doubt",
        ),
    ),
    Mutation(
        name="doubt-is-not-cancelled",
        where="cancelled",
        original='        "status": case((messages.c.in_doubt, word(MessageStatus.UNKNOWN)), '
        "else_=word(MessageStatus.CANCELLED)),\n",
        mutated='        "status": word(MessageStatus.CANCELLED),\n',
        tests=("test_a_message_in_doubt_that_is_cancelled_becomes_unknown[sqlite]",),
    ),
    Mutation(
        name="doubt-does-not-expire",
        where="expired",
        original='        "status": case((or_(messages.c.in_doubt, IS_CANCELLED), '
        'instead["status"])',
        mutated='        "status": case((IS_CANCELLED, instead["status"])',
        tests=("test_a_row_in_doubt_becomes_unknown_instead[sqlite]",),
    ),
    Mutation(
        name="accepted-too-late-is-sent",
        where="_settle",
        original="                (WAS_ACCEPTED, word(MessageStatus.SENT)),\n",
        mutated="",
        tests=("test_what_was_accepted_too_late_is_sent_whatever_becomes_of_the_next_call",),
    ),
    Mutation(
        name="accepted-too-late-is-sent-after-a-crash",
        where="_end_or_resend",
        original="            status=case((WAS_ACCEPTED, word(MessageStatus.SENT)), (again,",
        mutated="            status=case((again,",
        tests=(
            "test_a_row_that_was_accepted_too_late_is_sent_although_its_next_worker_is_gone_too[sqlite]",
        ),
    ),
    Mutation(
        name="ambiguous-is-not-tried-again",
        where="_next_try",
        original="        return again if _knows_key(each, key_window, again) else None\n",
        mutated="        return again\n",
        tests=(
            "test_in_doubt_it_is_tried_again_only_while_the_key_is_known",
            "test_what_is_in_doubt_is_not_tried_again",
        ),
    ),
    Mutation(
        name="key-may-be-forgotten-while-it-waits",
        where="withheld",
        original="    if _forgotten_key(message, policy, key_window, now + LEASE):\n",
        mutated="    if _forgotten_key(message, policy, timedelta(0), now + LEASE):\n",
        tests=("test_claimed_after_its_key_was_forgotten_it_is_unknown_and_not_sent",),
    ),
    Mutation(
        name="key-counts-from-the-first-call",
        where="_knows_key",
        original="    return at < (each.message.first_sending_at or each.started_at) + "
        "key_window\n",
        mutated="    return at < each.started_at + key_window\n",
        tests=(
            "test_a_call_without_an_answer_is_repeated_while_the_key_of_the_first_call_is_known",
        ),
    ),
    Mutation(
        name="timeout-is-ambiguous",
        where="DeliveryExecutor._deliver",
        original='            return Delivery(Outcome.AMBIGUOUS, "provider_timeout")\n',
        mutated='            return Delivery(Outcome.REJECTED, "provider_timeout")\n',
        tests=("test_a_call_that_takes_too_long_is_in_doubt_and_makes_room",),
    ),
    Mutation(
        name="only-unknown-is-resolved",
        where="_lock_unknown",
        original="these, messages.c.brand_id == brand_id, messages.c.status == "
        "MessageStatus.UNKNOWN)",
        mutated="these, messages.c.brand_id == brand_id)",
        tests=("test_only_unknown_messages_of_the_brand_are_resolved",),
    ),
    Mutation(
        name="only-what-is-the-brands-is-resolved",
        where="_lock_unknown",
        original="these, messages.c.brand_id == brand_id, messages.c.status == "
        "MessageStatus.UNKNOWN)",
        mutated="these, messages.c.status == MessageStatus.UNKNOWN)",
        tests=("test_only_unknown_messages_of_the_brand_are_resolved",),
    ),
    Mutation(
        name="stale-is-not-resent",
        where="_lock_unknown",
        original="        statement = statement.where(or_(messages.c.expire_at.is_(None), "
        "messages.c.expire_at > now))\n",
        mutated="",
        tests=("test_a_stale_message_is_not_resent_but_resolved_otherwise[sqlite]",),
    ),
    Mutation(
        name="cancelled-is-not-resent",
        where="_lock_unknown",
        original="sends.c.status != SendStatus.CANCELLED, ",
        mutated="",
        tests=("test_a_message_of_a_cancelled_send_is_not_resent_but_resolved_otherwise[sqlite]",),
    ),
    Mutation(
        name="resent-stays-in-doubt",
        where="_values",
        original='"in_doubt": True, ',
        mutated="",
        tests=(
            "test_a_message_to_resend_is_pending_due_now_and_in_doubt_and_keeps_its_lease_and_attempts[sqlite]",
        ),
    ),
    Mutation(
        name="retry-takes-a-message-once",
        where="_retryable",
        original=", messages.c.retried_in.is_(None))",
        mutated=")",
        tests=("test_what_one_send_retries_no_other_takes[sqlite]",),
    ),
    Mutation(
        name="retries-at-once-wait-for-each-other",
        where="mark_retried",
        original="    await lock_sends(connection, sends.c.id == parent_send_id)\n",
        mutated="",
        tests=("test_retries_at_once_take_each_message_once[postgres]",),
    ),
)
