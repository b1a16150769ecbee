"""Defines a command, and commits one before its use case goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.domain.access import Caller
from storage.contract.storage import Transaction

Result = TypeVar("Result")
Answer = TypeVar("Answer")

Command = Callable[[Transaction, Caller], Awaitable[Result]]
"""A use case, or the part of one that is a transaction."""
Commit = Callable[[Command[Result]], Awaitable[Answer]]
"""Runs a command and returns the answer made of its result, once both are durable. For a call that
is repeated under its idempotency key it returns the first answer and runs nothing, so a use case
does what follows a commit without asking what the command found."""
