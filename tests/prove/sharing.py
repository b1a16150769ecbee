"""Who waits for whom: fair shares, transactional messages, limits, breakers."""

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
        original="        self._turns.had((key_of(queue) for queue, _ in chunks), snapshot.due)\n",
        mutated="",
        tests=("test_with_more_queues_than_a_pass_serves_all_have_their_turn",),
    ),
    Mutation(
        name="chunks-are-interleaved",
        where="Claimer.claim",
        original="for message in interleave_by_brand(chunks)\n",
        mutated="for _, chunk in chunks for message in chunk\n",
        tests=("test_a_big_send_and_a_small_one_of_another_brand_go_out_side_by_side[sqlite-200]",),
    ),
    Mutation(
        name="calls-kept-for-transactional",
        where="ConcurrencyLimit.available",
        original="            available = min(available, marketing_share(self.total) - "
        "self._acquired[purpose])\n",
        mutated="            pass\n",
        tests=("test_a_one_off_goes_out_while_a_send_makes_every_call_it_may",),
    ),
    Mutation(
        name="slots-kept-for-transactional",
        where="CallSlots._is_free",
        original="            or self._taken[Purpose.MARKETING] < marketing_share(self._total)\n",
        mutated="            or True\n",
        tests=("test_transactional_calls_come_first_and_have_slots_of_their_own",),
    ),
    Mutation(
        name="no-call-after-the-provider-wants-quiet",
        where="DeliveryExecutor._result",
        original="        if self._breaker.has_stopped(self._clock.now()):\n",
        mutated="        if False:\n",
        tests=("test_what_waits_when_the_provider_wants_quiet_is_given_back_uncalled[sqlite]",),
    ),
    Mutation(
        name="no-turn-after-the-window",
        where="DeliveryExecutor._call",
        original="        if not await self._slots.take(purpose, START_WINDOW):\n",
        mutated="        if not await self._slots.take(purpose, LEASE):\n",
        tests=("test_what_does_not_get_its_turn_within_the_window_is_given_back[sqlite]",),
    ),
    Mutation(
        name="transactional-claimed-apart",
        where="Claimer._snapshot",
        original="            if self._purpose in (None, queue.purpose)\n",
        mutated="            if self._purpose in (None, Purpose.MARKETING)\n",
        tests=("test_one_offs_may_make_all_calls",),
    ),
    Mutation(
        name="rate-kept-for-transactional",
        where="RateLimits._of_purpose",
        original="replace(limit, burst=marketing_share(limit.burst)) if self._purpose is "
        "Purpose.MARKETING",
        mutated="limit if self._purpose is Purpose.MARKETING",
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
        original="        if not self._executor.allows(1) or now >= self._give_back_at:\n",
        mutated="        if not self._executor.allows(1):\n",
        tests=("test_rows_that_wait_too_long_for_room_are_given_back",),
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
        original="    delay = delay_before_next(error, attempt.number, random, "
        "delivery.retry_after)\n",
        mutated="    delay = delay_before_next(error, attempt.number, random, None)\n",
        tests=("test_a_provider_that_says_when_to_come_back_is_not_asked_before",),
    ),
)
