"""What is expensive ends, and holds up nobody else."""

from __future__ import annotations

from tests.prove.mutation import Mutation

LIMITING = (
    Mutation(
        name="reads-of-sqlite-end",
        where="StatementLimit.__init__",
        original="        driver.set_progress_handler(self._is_over, _STEPS)\n",
        mutated="",
        tests=(
            "test_a_read_that_takes_too_long_is_stopped_and_the_next_one_is_answered"
            "[sqlite-previews]",
        ),
    ),
    Mutation(
        name="reads-of-postgres-end",
        where="_in_time",
        original="    limit = asyncio.timeout(seconds)\n",
        mutated="    limit = asyncio.timeout(None)\n",
        tests=(
            "test_a_read_that_takes_too_long_is_stopped_and_the_next_one_is_answered"
            "[postgres-calls]",
        ),
    ),
    Mutation(
        name="reads-of-postgres-end-with-their-caller",
        where="PostgresStorage.read",
        original="await self._tracked(_in_time(partial(_again, once), self._limits.of(work)))",
        mutated="await self._finish(_in_time(partial(_again, once), self._limits.of(work)))",
        tests=("test_postgres_stops_the_statement_of_a_caller_who_has_gone",),
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
