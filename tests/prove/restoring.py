"""A database that was put back: noticed before anybody is called, and held until somebody
understands."""

from __future__ import annotations

from tests.prove.mutation import Mutation

RESTORING = (
    Mutation(
        name="generation-reached-by-the-database",
        where="_ADVANCE",
        original='    .where(dispatchers.c.generation >= bindparam("known"), '
        "dispatchers.c.generation < _next)\n",
        mutated="    .where(dispatchers.c.generation < _next)\n",
        tests=("test_a_generation_that_the_database_has_not_reached_is_refused[sqlite]",),
    ),
    Mutation(
        name="generation-never-goes-back",
        where="_ADVANCE",
        original='    .where(dispatchers.c.generation >= bindparam("known"), '
        "dispatchers.c.generation < _next)\n",
        mutated='    .where(dispatchers.c.generation >= bindparam("known"))\n',
        tests=("test_a_generation_may_be_ahead_of_what_the_file_says_but_never_goes_back",),
    ),
    Mutation(
        name="no-generation-advances-while-held",
        where="_ADVANCE",
        original='    .where(dispatchers.c.id == bindparam("of_dispatcher"), ~_is_held)\n',
        mutated='    .where(dispatchers.c.id == bindparam("of_dispatcher"))\n',
        tests=("test_no_generation_advances_while_delivery_is_held[sqlite]",),
    ),
    Mutation(
        name="no-queues-while-held",
        where="_list_queues",
        original="    return select(queues).where(~exists().where(holds.c.held_at.is_not(None)))\n",
        mutated="    return select(queues)\n",
        tests=("test_while_delivery_is_held_there_are_no_queues[sqlite]",),
    ),
    Mutation(
        name="release-forgets-generations",
        where="SqlDispatchers.release",
        original="        await self._connection.execute(delete(dispatchers))\n",
        mutated="",
        tests=(
            "test_a_release_forgets_all_generations_and_each_dispatcher_starts_from_its_file[sqlite]",
        ),
    ),
    Mutation(
        name="mark-advances-the-generation",
        where="RestoreGuard._try_to_advance",
        original="            if not await tx.dispatchers.advance(self._id, known, following):\n",
        mutated="            if known < 0:\n",
        tests=(
            "test_a_database_that_is_put_back_under_a_running_dispatcher_is_held_and_nothing_marked",
        ),
    ),
    Mutation(
        name="file-follows-before-the-call",
        where="RestoreGuard.write",
        original="        await self._file_says(generation)\n",
        mutated="        self._late = asyncio.create_task(self._file_says(generation))\n",
        tests=(
            "test_the_file_follows_every_mark_before_its_provider_is_called",
            "test_a_file_that_cannot_be_written_lets_nobody_be_called",
        ),
    ),
    Mutation(
        name="database-compared-with-the-file",
        where="RestoreGuard._compare",
        original="        if (generation or 0) < self._committed:\n",
        mutated="        if self._committed < 0:\n",
        tests=("test_a_database_behind_the_file_is_held_before_anything_is_claimed",),
    ),
    Mutation(
        name="database-compared-at-the-start",
        where="RestoreGuard.start",
        original="        await self._examine()\n        if file.found is None:\n",
        mutated="        if file.found is None:\n",
        tests=("test_a_database_behind_the_file_is_held_before_anything_is_claimed",),
    ),
    Mutation(
        name="copy-of-a-database-is-noticed",
        where="RestoreGuard._compare",
        original="        elif generation is None and self._storage.exclusive and await "
        "tx.dispatchers.exist():\n",
        mutated="        elif generation is None and self._committed:\n",
        tests=("test_a_copy_of_the_database_at_another_place_is_held",),
    ),
    Mutation(
        name="torn-write-of-the-file",
        where="_decode",
        original='    if len(record) != _RECORD or checksum != f"{crc32(text):08x}".encode():\n',
        mutated="    if len(record) != _RECORD:\n",
        tests=("test_a_write_that_was_torn_leaves_what_was_there_before",),
    ),
    Mutation(
        name="release-wants-somebody-who-understands",
        where="acceptable",
        original="    if faults:\n",
        mutated="    if faults and request.DESCRIPTOR.name != 'ReleaseHoldRequest':\n",
        tests=("test_release_without_understanding_is_refused",),
    ),
)
