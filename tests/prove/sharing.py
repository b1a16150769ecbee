"""Who waits for whom: fair shares, one-offs, limits, breakers."""

from __future__ import annotations

from tests.prove.mutation import Mutation

SHARING = (
    Mutation(
        name="shares-are-even",
        where="level",
        original="        shares[index] = min(ceilings[index], left // (len(ceilings) - done))\n",
        mutated="        shares[index] = min(ceilings[index], left)\n",
        tests=("test_the_queues_of_a_brand_share_evenly",),
    ),
    Mutation(
        name="queues-take-turns",
        where="Claimer.claim",
        original="        self._turns.had((key_of(queue) for queue, _ in chunks), look.due)\n",
        mutated="",
        tests=("test_with_more_queues_than_a_pass_serves_all_have_their_turn",),
    ),
    Mutation(
        name="chunks-are-interleaved",
        where="Claimer.claim",
        original="for message in interleave_by_brand(chunks)]",
        mutated="for _, chunk in chunks for message in chunk]",
        tests=("test_a_big_send_and_a_small_one_of_another_brand_go_out_side_by_side[sqlite-200]",),
    ),
    Mutation(
        name="slots-kept-for-one-offs",
        where="Slots.free",
        original="            free = min(free, without_reserve(self._total) - self._taken[kind])\n",
        mutated="            pass\n",
        tests=("test_a_one_off_goes_out_while_a_send_holds_every_slot_it_may",),
    ),
    Mutation(
        name="one-offs-have-a-lane",
        where="Kind.takes",
        original="        return self is Kind.ALL or (queue.send_id is None) == (self is "
        "Kind.ONE_OFFS)\n",
        mutated="        return self is Kind.ALL or self is Kind.SENDS\n",
        tests=("test_one_offs_may_use_all_slots",),
    ),
    Mutation(
        name="rate-kept-for-one-offs",
        where="Limits._of_kind",
        original="replace(limit, burst=without_reserve(limit.burst)) if self._kind is Kind.SENDS",
        mutated="limit if self._kind is Kind.SENDS",
        tests=("test_a_one_off_goes_out_at_once_when_a_send_has_used_the_rate",),
    ),
    Mutation(
        name="rate-of-a-provider",
        where="_take",
        original="    permits = _Permits(rows if provider is None else await "
        "tx.rates.take(provider, rows, now), provider)\n",
        mutated="    permits = _Permits(rows, None)\n",
        tests=("test_the_rate_of_a_provider_is_shared_by_its_dispatchers_and_survives_them",),
    ),
    Mutation(
        name="rate-of-a-brand",
        where="_take",
        original="            permits.of_brand[brand] = await tx.rates.take(limit, permits.rows, "
        "now)\n",
        mutated="            permits.of_brand[brand] = permits.rows\n",
        tests=("test_a_limited_brand_goes_out_at_its_rate_and_holds_up_nobody",),
    ),
    Mutation(
        name="rate-given-back",
        where="Claimer._claim",
        original="        await permits.give_back(tx, going, now)\n",
        mutated="",
        tests=("test_what_a_limit_grants_and_nobody_needs_is_there_for_the_next",),
    ),
    Mutation(
        name="rate-taken-under-a-lock",
        where="_LOCK",
        original="_LOCK = _FIND.with_for_update()\n",
        mutated="_LOCK = _FIND\n",
        tests=("test_takers_at_once_are_granted_no_more_than_one_alone[postgres]",),
    ),
    Mutation(
        name="breaker-is-asked",
        where="DeliveryExecutor.allows",
        original="        return self._breaker.allows(rows, now)\n",
        mutated="        return rows\n",
        tests=("test_an_outage_costs_few_attempts_and_leaves_nothing_claimed",),
    ),
    Mutation(
        name="breaker-opens",
        where="CircuitBreaker._ended_badly",
        original="        if self._open_until is not None or self._bad_ends >= THRESHOLD:\n",
        mutated="        if self._open_until is not None:\n",
        tests=("test_an_outage_costs_few_attempts_and_leaves_nothing_claimed",),
    ),
    Mutation(
        name="breaker-probes-with-one",
        where="CircuitBreaker.allows",
        original="                return 0 if self._probing else 1\n",
        mutated="                return free\n",
        tests=("test_one_call_at_a_time_finds_out_whether_it_is_up_whatever_waits",),
    ),
    Mutation(
        name="rows-that-wait-too-long-are-given-back",
        where="ChannelWorker.run_once",
        original="        if not self._calls.allows(1) or now >= self._patient_until:\n",
        mutated="        if not self._calls.allows(1):\n",
        tests=("test_rows_that_wait_too_long_for_a_slot_are_given_back",),
    ),
    Mutation(
        name="attempts-have-a-limit",
        where="may_try_again",
        original="    return attempts_made < RETRY_POLICIES[error].max_attempts\n",
        mutated="    return attempts_made < RETRY_POLICIES[error].max_attempts * 9\n",
        tests=("test_a_message_that_is_never_taken_fails_after_its_last_attempt",),
    ),
    Mutation(
        name="retry-after-is-honoured",
        where="_next_try",
        original="    again = call.finished_at + delay_before_next(error, number, random, "
        "call.delivery.retry_after)\n",
        mutated="    again = call.finished_at + delay_before_next(error, number, random, None)\n",
        tests=("test_a_provider_that_says_when_to_come_back_is_not_asked_before",),
    ),
)
