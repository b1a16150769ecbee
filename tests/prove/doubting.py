"""What is in doubt: found after a crash, sent again only if that was chosen or does no harm, never told as not sent."""

from __future__ import annotations

from tests.prove.mutation import Mutation, of

_RECOVERY = "storage/sql/recovery.py"
_SETTLEMENTS = "storage/sql/settlements.py"
_RESOLUTIONS = "storage/sql/resolutions.py"
_ENDS_IN_DOUBT = "    ends_in_doubt = and_(in_doubt, or_(stopped, given.c.status.in_(_NOT_SENT)))\n"
_AGAIN = "    return and_(messages.c.attempts < max_attempts, ~IS_CANCELLED, or_(is_known, is_wanted))\n"
_KNOWN = "    is_known = exists().where(known.c.provider == messages.c.provider, messages.c.first_sending_at > known.c.since)\n"

DOUBTING = (
    Mutation(
        name="recovery-ends-what-was-marked",
        file=_RECOVERY,
        original=_AGAIN,
        mutated="    return or_(is_known, is_wanted, messages.c.attempts >= 0)\n",
        tests=of("storage", "test_recovery.py::test_leased_rows_go_back_and_rows_marked_sending_become_unknown"),
    ),
    Mutation(
        name="recovery-within-the-window-of-the-key",
        file=_RECOVERY,
        original=_KNOWN,
        mutated="    is_known = exists().where(known.c.provider == messages.c.provider)\n",
        tests=of("storage", "test_recovery.py::test_the_window_of_a_key_ends_at_its_instant_and_counts_from_the_first_call[sqlite]"),
    ),
    Mutation(
        name="recovery-by-the-key-of-the-provider-called",
        file=_RECOVERY,
        original=_KNOWN,
        mutated="    is_known = exists().where(messages.c.first_sending_at > known.c.since)\n",
        tests=of("storage", "test_recovery.py::test_only_the_provider_that_was_called_says_whether_it_knows_the_key[sqlite]"),
    ),
    Mutation(
        name="recovery-counts-attempts",
        file=_RECOVERY,
        original=_AGAIN,
        mutated="    return and_(~IS_CANCELLED, or_(is_known, is_wanted))\n",
        tests=of("storage", "test_recovery.py::test_a_row_without_attempts_left_is_not_sent_again[sqlite]"),
    ),
    Mutation(
        name="recovery-does-not-revive-cancelled-sends",
        file=_RECOVERY,
        original=_AGAIN,
        mutated="    return and_(messages.c.attempts < max_attempts, or_(is_known, is_wanted))\n",
        tests=of("storage", "test_recovery.py::test_a_row_whose_send_was_cancelled_is_not_sent_again[sqlite]"),
    ),
    Mutation(
        name="recovery-asks-what-the-brand-wants",
        file=_RECOVERY,
        original=", brand_policies.c.unknown_policy == UnknownPolicy.RESEND)",
        mutated=")",
        tests=of("storage", "test_recovery.py::test_a_brand_may_want_what_is_in_doubt_to_be_sent_again"),
    ),
    Mutation(
        name="recovery-records-an-attempt",
        file=_RECOVERY,
        original="    await insert_attempts(connection, (_attempt(",
        mutated="    await insert_attempts(connection, () and (_attempt(",
        tests=of("storage", "test_recovery.py::test_recovery_records_an_ambiguous_attempt_of_the_provider_that_was_called[sqlite]"),
    ),
    Mutation(
        name="recovery-before-the-dispatcher-is-ready",
        file="server/dispatch/dispatcher.py",
        original="        await self._recovery.run_once()\n",
        mutated="",
        tests=of("dispatch", "test_dispatcher.py::test_after_a_crash_a_start_recovers_before_it_is_ready"),
    ),
    Mutation(
        name="doubt-is-remembered",
        file=_SETTLEMENTS,
        original="    in_doubt = or_(messages.c.in_doubt, given.c.doubt == 1)\n",
        mutated="    in_doubt = messages.c.in_doubt\n",
        tests=of("dispatch", "test_doubt.py::test_a_refusal_after_a_doubtful_call_does_not_make_it_failed"),
    ),
    Mutation(
        name="doubt-never-fails",
        file=_SETTLEMENTS,
        original=_ENDS_IN_DOUBT,
        mutated="    ends_in_doubt = and_(in_doubt, stopped)\n",
        tests=of("storage", "test_settlements.py::test_a_row_in_doubt_does_not_end_as_not_sent_but_as_unknown"),
    ),
    Mutation(
        name="doubt-is-not-cancelled-by-its-send",
        file=_SETTLEMENTS,
        original=_ENDS_IN_DOUBT,
        mutated="    ends_in_doubt = and_(in_doubt, given.c.status.in_(_NOT_SENT))\n",
        tests=of("storage", "test_settlements.py::test_a_retry_of_a_cancelled_send_ends_as_cancelled_or_as_unknown_if_it_is_in_doubt"),
    ),
    Mutation(
        name="doubt-is-not-cancelled",
        file="storage/sql/endings.py",
        original='        "status": case((messages.c.in_doubt, word(MessageStatus.UNKNOWN)), else_=word(MessageStatus.CANCELLED)),\n',
        mutated='        "status": word(MessageStatus.CANCELLED),\n',
        tests=of("storage", "test_settlements.py::test_a_message_in_doubt_that_is_cancelled_becomes_unknown[sqlite]"),
    ),
    Mutation(
        name="doubt-does-not-expire",
        file="storage/sql/endings.py",
        original='        "status": case((or_(messages.c.in_doubt, IS_CANCELLED), instead["status"])',
        mutated='        "status": case((IS_CANCELLED, instead["status"])',
        tests=of("storage", "test_expiry.py::test_a_row_in_doubt_becomes_unknown_instead[sqlite]"),
    ),
    Mutation(
        name="accepted-too-late-is-sent",
        file=_SETTLEMENTS,
        original="                (WAS_ACCEPTED, word(MessageStatus.SENT)),\n",
        mutated="",
        tests=of("storage", "test_settlements.py::test_what_was_accepted_too_late_is_sent_whatever_becomes_of_the_next_call"),
    ),
    Mutation(
        name="accepted-too-late-is-sent-after-a-crash",
        file=_RECOVERY,
        original="            status=case((WAS_ACCEPTED, word(MessageStatus.SENT)), (again,",
        mutated="            status=case((again,",
        tests=of("storage", "test_recovery.py::test_a_row_that_was_accepted_too_late_is_sent_although_its_next_worker_is_gone_too[sqlite]"),
    ),
    Mutation(
        name="ambiguous-is-not-tried-again",
        file="server/dispatch/verdicts.py",
        original="        return again if _knows_key(message, call, again) else None\n",
        mutated="        return again\n",
        tests=of(
            "dispatch",
            "test_verdicts.py::test_in_doubt_it_is_tried_again_only_while_the_key_is_known",
            "test_outcomes.py::test_what_is_in_doubt_is_not_tried_again",
        ),
    ),
    Mutation(
        name="key-may-be-forgotten-while-it-waits",
        file="server/dispatch/verdicts.py",
        original="    if _forgotten_key(message, policy, key_window, now + LEASE):\n",
        mutated="    if _forgotten_key(message, policy, timedelta(0), now + LEASE):\n",
        tests=of("dispatch", "test_verdicts.py::test_claimed_after_its_key_was_forgotten_it_is_unknown_and_not_sent"),
    ),
    Mutation(
        name="key-counts-from-the-first-call",
        file="server/dispatch/verdicts.py",
        original="    return at < (message.first_sending_at or call.started_at) + call.key_window\n",
        mutated="    return at < call.started_at + call.key_window\n",
        tests=of(
            "dispatch",
            "test_verdicts.py::test_a_call_without_an_answer_is_repeated_while_the_key_is_known_which_counts_from_the_first_call",
        ),
    ),
    Mutation(
        name="timeout-is-ambiguous",
        file="server/dispatch/calls.py",
        original='            return Delivery(Outcome.AMBIGUOUS, "provider_timeout")\n',
        mutated='            return Delivery(Outcome.REJECTED, "provider_timeout")\n',
        tests=of("dispatch", "test_outcomes.py::test_a_call_that_takes_too_long_is_in_doubt_and_frees_its_slot"),
    ),
    Mutation(
        name="only-unknown-is-resolved",
        file=_RESOLUTIONS,
        original="these, messages.c.brand_id == brand_id, messages.c.status == MessageStatus.UNKNOWN)",
        mutated="these, messages.c.brand_id == brand_id)",
        tests=of("storage", "test_resolutions.py::test_only_unknown_messages_of_the_brand_are_resolved"),
    ),
    Mutation(
        name="only-what-is-the-brands-is-resolved",
        file=_RESOLUTIONS,
        original="these, messages.c.brand_id == brand_id, messages.c.status == MessageStatus.UNKNOWN)",
        mutated="these, messages.c.status == MessageStatus.UNKNOWN)",
        tests=of("storage", "test_resolutions.py::test_only_unknown_messages_of_the_brand_are_resolved"),
    ),
    Mutation(
        name="stale-is-not-resent",
        file=_RESOLUTIONS,
        original="        statement = statement.where(or_(messages.c.expire_at.is_(None), messages.c.expire_at > now))\n",
        mutated="",
        tests=of("storage", "test_resolutions.py::test_a_stale_message_is_not_resent_but_resolved_otherwise[sqlite]"),
    ),
    Mutation(
        name="cancelled-is-not-resent",
        file=_RESOLUTIONS,
        original="sends.c.status != SendStatus.CANCELLED, ",
        mutated="",
        tests=of("storage", "test_resolutions.py::test_a_message_of_a_cancelled_send_is_not_resent_but_resolved_otherwise[sqlite]"),
    ),
    Mutation(
        name="resent-stays-in-doubt",
        file=_RESOLUTIONS,
        original='"in_doubt": True, ',
        mutated="",
        tests=of(
            "storage",
            "test_resolutions.py::test_a_message_to_resend_is_pending_due_now_and_in_doubt_and_keeps_its_lease_and_attempts[sqlite]",
        ),
    ),
    Mutation(
        name="retry-takes-a-message-once",
        file="storage/sql/retries.py",
        original=", messages.c.retried_in.is_(None))",
        mutated=")",
        tests=of("storage", "test_retries.py::test_what_one_send_retries_no_other_takes[sqlite]"),
    ),
    Mutation(
        name="retries-at-once-wait-for-each-other",
        file="storage/sql/retries.py",
        original="    await lock_sends(connection, sends.c.id == parent_send_id)\n",
        mutated="",
        tests=of("storage", "test_retries.py::test_retries_at_once_take_each_message_once[postgres]"),
    ),
)
