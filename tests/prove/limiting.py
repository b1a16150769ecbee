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
        where="Turns.turn",
        original="                    await held.enter_async_context(brand)\n",
        mutated="",
        tests=("test_those_who_wait_for_their_own_brand_hold_up_no_other",),
    ),
)
