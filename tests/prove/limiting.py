"""What is expensive ends, and holds up nobody else."""

from __future__ import annotations

from tests.prove.mutation import Mutation

LIMITING = (
    Mutation(
        name="reads-of-sqlite-end",
        where="StatementLimit.__init__",
        original="        driver.set_progress_handler(self._is_over, _STEPS)\n",
        mutated="",
        tests=("test_a_read_that_takes_too_long_is_stopped_and_the_next_one_is_answered",),
    ),
    Mutation(
        name="previews-have-their-own-connections",
        where="CommandRunner.preview",
        original="lambda tx: command(tx, caller), Work.PREVIEWS)",
        mutated="lambda tx: command(tx, caller))",
        tests=("test_previews_are_one_of_a_brand_at_a_time_and_hold_up_nothing_else",),
    ),
    Mutation(
        name="previews-take-turns",
        where="Turns.take",
        original="                for each in (brand, self._room):\n",
        mutated="                for each in (self._room,):\n",
        tests=("test_those_who_wait_for_their_own_brand_hold_up_no_other",),
    ),
    Mutation(
        name="renders-take-turns",
        where="RenderThreads.render",
        original="        running.add_done_callback(lambda _: end())\n",
        mutated="        end()\n",
        tests=("test_a_brand_renders_once_at_a_time_though_its_caller_has_gone",),
    ),
    Mutation(
        name="deliveries-render-on-their-own-threads",
        where="Renderer.render",
        original="run_in_executor(\n            self._threads,",
        mutated="run_in_executor(\n            None,",
        tests=("test_deliveries_are_rendered_though_all_threads_of_the_loop_are_taken",),
    ),
    Mutation(
        name="budgets-of-brands",
        where="Guard._acceptable",
        original="await self._budgets.take(call.current_principal(), policy, request)",
        mutated="pass",
        tests=("test_a_list_over_the_budget_of_rows_is_refused_whole",),
    ),
    Mutation(
        name="bytes-of-a-brand",
        where="Claimer._snapshot",
        original="                self._bytes_out.free_at(brand, now),\n",
        mutated="",
        tests=("test_a_brand_that_has_used_up_its_bytes_waits_and_holds_up_nobody",),
    ),
    Mutation(
        name="watching-ends-with-the-token",
        where="SendWatch._changes",
        original="while until is None or self._clock.now() < until:",
        mutated="while True:",
        tests=("test_a_watch_ends_with_the_token",),
    ),
    Mutation(
        name="streams-of-a-caller",
        where="Watchers.one_of",
        original="self._open[caller] >= self._most",
        mutated="False",
        tests=("test_one_too_many_is_refused_and_a_closed_one_makes_room",),
    ),
    Mutation(
        name="callers-render-on-their-own-threads",
        where="RenderThreads.render",
        original="run_in_executor(self._threads, work)",
        mutated="run_in_executor(None, work)",
        tests=("test_callers_render_though_all_threads_of_the_loop_are_taken",),
    ),
    Mutation(
        name="watchers-share-looks",
        where="SendWatch._begin",
        original="if self._looking is None:",
        mutated="if send_id:",
        tests=("test_all_who_watch_share_one_look",),
    ),
    Mutation(
        name="watching-a-send-counts",
        where="SendService.WatchSend",
        original="with self._watchers.one_of(caller.principal):",
        mutated="if caller:",
        tests=("test_every_stream_counts",),
    ),
    Mutation(
        name="bytes-that-go-out-are-counted",
        where="ChannelWorker._begin",
        original="self._renderer.bytes_out.charge("
        "((each.policy, each.envelope) for each in ready), now)",
        mutated="pass",
        tests=("test_a_brand_that_has_used_up_its_bytes_waits_and_holds_up_nobody",),
    ),
    Mutation(
        name="bytes-to-inboxes-are-counted",
        where="InboxWorker._deliveries",
        original="if isinstance(result, Envelope)\n            ),",
        mutated="if not result\n            ),",
        tests=("test_what_goes_to_inboxes_counts_against_the_bytes_of_its_brand",),
    ),
    Mutation(
        name="runs-of-digits-end",
        where="server/gateway/lua/bodies.lua",
        original="if reader.word <= MAX_WORD then",
        mutated="if reader.word then",
        tests=("test_a_number_of_more_digits_than_any_needs_is_refused_before_it_is_read",),
    ),
    Mutation(
        name="bodies-that-are-held-are-bounded",
        where="server/gateway/lua/held.lua",
        original="  if total + bytes > held.most then\n    held.give_back(claim)\n"
        "    return false\n  end\n",
        mutated="",
        tests=("test_who_holds_too_much_is_refused_and_nobody_else",),
    ),
)
