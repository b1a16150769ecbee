"""Steps of enrollments: each is planned where the one before it ends, and once."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_PLANS_NEXT = "test_what_ends_a_message_plans_the_next_one_after_its_delay"

STEPPING = (
    Mutation(
        name="settlement-plans-the-next-step",
        where="_settle_distinct",
        original="    await go_on(connection, ends, changes, now)\n",
        mutated="",
        tests=(_PLANS_NEXT,),
    ),
    Mutation(
        name="recovery-plans-the-next-step",
        where="_end_or_resend",
        original="    await go_on(connection, map(ended, rows), changes, now)\n",
        mutated="",
        tests=("test_recovery_that_gives_a_message_up_plans_the_next_step[sqlite]",),
    ),
    Mutation(
        name="late-acceptance-plans-the-next-step",
        where="_accept_late",
        original="            ends.append(ended(row))\n",
        mutated="",
        tests=("test_a_late_acceptance_plans_the_next_step_once[sqlite]",),
    ),
    Mutation(
        name="expiry-plans-the-next-step",
        where="expire",
        original="    await go_on(connection, map(ended, over), changes, now)\n",
        mutated="",
        tests=("test_an_expired_step_is_followed_by_the_next[sqlite]",),
    ),
    Mutation(
        name="cancelled-message-is-followed-by-the-next-step",
        where="SqlMessages.cancel",
        original="        await go_on(self._connection, [ended(row)], changes, now)\n",
        mutated="",
        tests=("test_a_cancelled_message_is_followed_by_the_next_step[sqlite]",),
    ),
    Mutation(
        name="nothing-follows-once-the-send-is-cancelled",
        where="_runs",
        original=" and not _is_cancelled(row)",
        mutated="",
        tests=("test_nothing_follows_once_the_send_is_cancelled[sqlite]",),
    ),
    Mutation(
        name="what-became-of-a-recipient-is-told",
        where="go_on",
        original="    await tell_outcomes(connection, over - {row.id for row, _ in planned}, "
        "changes)\n",
        mutated="",
        tests=("test_a_late_acceptance_moves_the_recipient_too[sqlite]",),
    ),
    Mutation(
        name="a-recipient-whose-message-is-resent-is-pending",
        where="resolve_unknown",
        original="    await tell_outcomes(connection, _resent_of_sends(changed), changes)\n",
        mutated="",
        tests=("test_an_unknown_step_is_followed_and_its_resolution_moves_the_recipient[sqlite]",),
    ),
    Mutation(
        name="steps-stay-once-a-campaign-has-started",
        where="_open_campaign",
        original="    campaign_after(CampaignOperation.UPDATE, campaign.status)\n",
        mutated="",
        tests=("test_steps_change_while_the_campaign_has_not_started",),
    ),
    Mutation(
        name="only-the-current-step-goes-on",
        where="_following",
        original="and_(enrollments.c.id == given.c.id, enrollments.c.current_step == given.c.step)",
        mutated="enrollments.c.id == given.c.id",
        tests=("test_a_resolution_plans_nothing_more",),
    ),
    Mutation(
        name="only-active-enrollments-go-on",
        where="_following",
        original="        .where(ACTIVE)\n",
        mutated="",
        tests=("test_what_is_with_its_provider_ends_and_is_followed_by_nothing",),
    ),
    Mutation(
        name="step-of-a-cancelled-enrollment-is-not-tried-again",
        where="IS_CANCELLED",
        original=", ENROLLMENT_IS_OVER)",
        mutated=")",
        tests=("test_what_is_with_its_provider_ends_and_is_followed_by_nothing",),
    ),
    Mutation(
        name="step-of-a-cancelled-enrollment-is-not-resent",
        where="_lock_unknown",
        original=", ~ENROLLMENT_IS_OVER)",
        mutated=")",
        tests=(
            "test_in_doubt_a_cancelled_step_is_neither_repeated_nor_said_to_be_cancelled[sqlite]",
        ),
    ),
    Mutation(
        name="settlement-locks-the-enrollment-first",
        where="_settle_distinct",
        original="    await lock_enrollments_by_id(connection, "
        "(each.enrollment_id for each in batch.values()))\n",
        mutated="",
        tests=("test_a_retry_waits_for_a_cancellation_that_is_not_committed",),
    ),
    Mutation(
        name="suppression-stops-the-enrollment",
        where="_stopping",
        original="each.reason if each.reason in STOPPING_REASONS else None",
        mutated="None",
        tests=("test_a_suppressed_step_stops_the_enrollment[sqlite]",),
    ),
)
