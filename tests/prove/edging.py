"""The edge: what listens, what is written, and what a neighbour on the machine can reach."""

from __future__ import annotations

from tests.prove.mutation import Mutation

EDGING = (
    Mutation(
        name="import-follows-no-link",
        where="open_private",
        original="flags | os.O_NOFOLLOW | os.O_CLOEXEC",
        mutated="flags | os.O_CLOEXEC",
        tests=("test_a_checkpoint_is_not_read_through_a_symbolic_link",),
    ),
)
