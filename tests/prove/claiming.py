"""Claims: no row is leased twice at once, and a lease tells its holder from all earlier ones."""

from __future__ import annotations

from tests.prove.mutation import Mutation

_FROM_CTE = """        .cte("due")
        .prefix_with("MATERIALIZED")
    )
    return (
        update(messages)
        .where(messages.c.id == due.c.id)
"""
_FROM_SUBQUERY = """    )
    return (
        update(messages)
        .where(messages.c.id.in_(due))
"""

CLAIMING = (
    Mutation(
        name="claim-skips-locked-rows",
        where="_claiming",
        original=".with_for_update(of=messages, skip_locked=True, key_share=True)",
        mutated=".with_for_update(of=messages, key_share=True)",
        tests=(
            "test_a_claim_takes_other_rows_than_one_that_has_not_committed_and_does_not_wait_for_it",
        ),
    ),
    Mutation(
        name="claim-locks-rows",
        where="_claiming",
        original="of_queue.with_for_update(of=messages, skip_locked=True, key_share=True)",
        mutated="of_queue",
        tests=(
            "test_a_claim_takes_other_rows_than_one_that_has_not_committed_and_does_not_wait_for_it",
        ),
    ),
    Mutation(
        name="claim-is-limited",
        where="_due",
        original='.limit(bindparam("at_most"))\n',
        mutated="\n",
        tests=(
            "test_a_claim_takes_due_rows_of_its_channel_earliest_first_up_to_the_limit[sqlite]",
        ),
    ),
    Mutation(
        name="claim-is-materialized",
        where="_claiming",
        original=_FROM_CTE,
        mutated=_FROM_SUBQUERY,
        tests=("test_a_claim_keeps_to_its_limit_whatever_plan_the_server_chooses",),
    ),
    Mutation(
        name="claim-takes-what-is-due",
        where="_due",
        original=".where(*of_queue, messages.c.due_at <= _NOW)\n",
        mutated=".where(*of_queue)\n",
        tests=(
            "test_a_claim_takes_due_rows_of_its_channel_earliest_first_up_to_the_limit[sqlite]",
        ),
    ),
    Mutation(
        name="lease-grows",
        where="_claiming",
        original="            lease=messages.c.lease + 1,\n",
        mutated="",
        tests=("test_the_lease_grows_with_every_claim_and_only_then",),
    ),
    Mutation(
        name="mark-renews-the-lease",
        where="_mark",
        original="            lease_expires_at=_LEASE_UNTIL,\n        )\n    )\n    return given",
        mutated="        )\n    )\n    return given",
        tests=("test_a_mark_renews_the_lease[sqlite]",),
    ),
    Mutation(
        name="recovery-leaves-live-leases-alone",
        where="recover",
        original="    abandoned = HELD if everything else messages.c.lease_expires_at <= now\n",
        mutated="    abandoned = HELD\n",
        tests=("test_leases_that_have_not_expired_are_left_alone[sqlite]",),
    ),
    Mutation(
        name="lease-outlasts-a-call",
        where="DeliveryExecutor.__init__",
        original="        if timedelta(seconds=provider.timeout) + START_WINDOW + MARGIN > "
        "LEASE:\n",
        mutated="        if not provider.timeout:\n",
        tests=("test_a_provider_slower_than_a_lease_is_refused",),
    ),
)
