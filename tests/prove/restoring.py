"""A database that was put back: noticed before anybody is called, and held until somebody understands."""

from __future__ import annotations

from tests.prove.mutation import Mutation, of

_DISPATCHERS = "storage/sql/dispatchers.py"
_GUARD = "server/dispatch/restore_guard.py"

RESTORING = (
    Mutation(
        name="generation-reached-by-the-database",
        file=_DISPATCHERS,
        original='    .where(dispatchers.c.generation >= bindparam("known"), dispatchers.c.generation < _next)\n',
        mutated="    .where(dispatchers.c.generation < _next)\n",
        tests=of("storage", "test_operations.py::test_a_generation_that_the_database_has_not_reached_is_refused[sqlite]"),
    ),
    Mutation(
        name="generation-never-goes-back",
        file=_DISPATCHERS,
        original='    .where(dispatchers.c.generation >= bindparam("known"), dispatchers.c.generation < _next)\n',
        mutated='    .where(dispatchers.c.generation >= bindparam("known"))\n',
        tests=of("storage", "test_operations.py::test_a_generation_may_be_ahead_of_what_the_file_says_but_never_goes_back"),
    ),
    Mutation(
        name="no-generation-advances-while-held",
        file=_DISPATCHERS,
        original='    .where(dispatchers.c.id == bindparam("of_dispatcher"), ~_is_held)\n',
        mutated='    .where(dispatchers.c.id == bindparam("of_dispatcher"))\n',
        tests=of("storage", "test_operations.py::test_no_generation_advances_while_delivery_is_held[sqlite]"),
    ),
    Mutation(
        name="no-queues-while-held",
        file="storage/sql/claims.py",
        original="    return select(queues).where(~exists().where(holds.c.held_at.is_not(None)))\n",
        mutated="    return select(queues)\n",
        tests=of("storage", "test_queues.py::test_while_delivery_is_held_there_are_no_queues[sqlite]"),
    ),
    Mutation(
        name="release-forgets-generations",
        file=_DISPATCHERS,
        original="        await self._connection.execute(delete(dispatchers))\n",
        mutated="",
        tests=of("storage", "test_operations.py::test_a_release_forgets_all_generations_and_each_dispatcher_starts_from_its_file[sqlite]"),
    ),
    Mutation(
        name="mark-advances-the-generation",
        file=_GUARD,
        original="            if not await tx.dispatchers.advance(self._id, known, following):\n",
        mutated="            if known < 0:\n",
        tests=of(
            "dispatch", "test_restore_guard.py::test_a_database_that_is_put_back_under_a_running_dispatcher_is_held_and_nothing_marked"
        ),
    ),
    Mutation(
        name="file-follows-before-the-call",
        file=_GUARD,
        original="        await self._file_says(generation)\n",
        mutated="        self._late = asyncio.create_task(self._file_says(generation))\n",
        tests=of(
            "dispatch",
            "test_restore_guard.py::test_the_file_follows_every_mark_before_its_provider_is_called",
            "test_restore_guard.py::test_a_file_that_cannot_be_written_lets_nobody_be_called",
        ),
    ),
    Mutation(
        name="database-compared-with-the-file",
        file=_GUARD,
        original="        if (generation or 0) < self._committed:\n",
        mutated="        if self._committed < 0:\n",
        tests=of("dispatch", "test_restore_guard.py::test_a_database_behind_the_file_is_held_before_anything_is_claimed"),
    ),
    Mutation(
        name="database-compared-at-the-start",
        file=_GUARD,
        original="        await self._examine()\n        if file.found is None:\n",
        mutated="        if file.found is None:\n",
        tests=of("dispatch", "test_restore_guard.py::test_a_database_behind_the_file_is_held_before_anything_is_claimed"),
    ),
    Mutation(
        name="copy-of-a-database-is-noticed",
        file=_GUARD,
        original="        elif generation is None and self._storage.exclusive and await tx.dispatchers.exist():\n",
        mutated="        elif generation is None and self._committed:\n",
        tests=of("dispatch", "test_restore_guard.py::test_a_copy_of_the_database_at_another_place_is_held"),
    ),
    Mutation(
        name="torn-write-of-the-file",
        file="server/dispatch/generation_file.py",
        original='    if len(record) != _RECORD or checksum != f"{crc32(text):08x}".encode():\n',
        mutated="    if len(record) != _RECORD:\n",
        tests=of("dispatch", "test_restore_guard.py::test_a_write_that_was_torn_leaves_what_was_there_before"),
    ),
    Mutation(
        name="release-wants-somebody-who-understands",
        file="server/commands/hold.py",
        original="    if not i_understand:\n",
        mutated="    if i_understand is None:\n",
        tests=of("api", "test_hold.py"),
    ),
)
