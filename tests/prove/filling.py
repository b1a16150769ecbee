"""A disk that fills up: nothing is begun that could not be finished, in the database or the log."""

from __future__ import annotations

from tests.prove.mutation import Mutation

FILLING = (
    Mutation(
        name="nothing-is-added-to-a-full-disk",
        where="Guard.intercept_service",
        original="policy.adds and not self._has_room()",
        mutated="False",
        tests=("test_every_method_that_adds_is_refused_and_writes_nothing",),
    ),
    Mutation(
        name="what-stops-goes-on-with-a-full-disk",
        where="_policy",
        original="adds=not (reads or of_method.when_full)",
        mutated="adds=not reads",
        tests=("test_reads_and_cancels_go_on_and_readiness_tells",),
    ),
    Mutation(
        name="nothing-is-claimed-with-a-full-disk",
        where="Claimer._look",
        original="if not self._has_room():",
        mutated="if False:",
        tests=("test_what_is_in_flight_is_settled_and_nothing_is_claimed",),
    ),
    Mutation(
        name="no-campaign-starts-with-a-full-disk",
        where="WhileRoom.run_once",
        original="self._has_room() and await",
        mutated="await",
        tests=("test_campaigns_do_not_start_until_there_is_room",),
    ),
    Mutation(
        name="a-full-disk-has-room-again-with-some-to-spare",
        where="DiskWatch.run_once",
        original="self._minimum + self._minimum // 8 if self._low else self._minimum",
        mutated="self._minimum",
        tests=("test_it_begins_below_the_minimum_and_ends_when_an_eighth_more_is_free",),
    ),
    Mutation(
        name="a-full-disk-of-postgres-is-told-apart",
        where="_of_postgres",
        original="state == _POSTGRES_FULL",
        mutated="not state",
        tests=("test_a_full_disk_of_the_server_is_told_apart_and_nothing_is_written",),
    ),
    Mutation(
        name="lines-that-repeat-are-counted",
        where="Repeats.take",
        original="window.lines <= MOST",
        mutated="window.lines",
        tests=("test_the_same_text_is_written_so_often_a_minute_and_then_counted",),
    ),
    Mutation(
        name="ids-of-a-fault-are-few",
        where="FaultIds.id_of",
        original="len(ids) < MOST",
        mutated="ids is not None",
        tests=("test_a_fault_that_comes_again_and_again_has_few_ids_a_minute",),
    ),
    Mutation(
        name="every-id-is-in-the-log",
        where="_text_of",
        original='getattr(record, "by_text", False)',
        mutated="False",
        tests=("test_what_tells_ids_is_counted_by_its_whole_text",),
    ),
    Mutation(
        name="a-full-disk-is-told-apart",
        where="GroupCommit._run_queued",
        original="            if isinstance(queued.error, StorageFull):\n"
        '                raise StorageFull("the disk is full")\n',
        mutated="",
        tests=("test_what_shares_a_commit_with_what_does_not_fit_is_told_that_there_is_no_room",),
    ),
)
