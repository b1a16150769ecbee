"""The outbox: every message as a file or a line under the data directory, for development and for
whoever ships files on."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from server.channels.email.message import Sender, UnsendableError, build_mail
from server.channels.outbox.files import BatchWriter, FilePerMessage, LinePerMessage
from server.channels.provider import OWN_SHARE, Delivery, Envelope, Outcome
from server.domain.delivery.retry import ErrorClass

_MAX_CONCURRENCY = 64
_TIMEOUT = 10.0
_FILES_ARE_KEYED_FOR = timedelta(days=1)
"""The file of a message has its id for a name, and the same message again takes the file's place,
so a repeat has no effect while the file is there. Whoever ships files on must know the names of
those shipped within this time, and it is longer than any retry takes."""
_NOT_BEGUN = Delivery(Outcome.REJECTED, "outbox_timeout", error_class=ErrorClass.UNREACHABLE)


@dataclass(eq=False, slots=True)
class _Waiting:
    message_id: str
    content: bytes
    answer: asyncio.Future[Delivery]
    started: bool = field(default=False)


class OutboxProvider:
    """Messages of one channel as files: `email/<message id>.eml`, or lines of JSON in
    `<channel>.jsonl`.

    Calls that arrive while a write is going on share the next one, and its flush to disk."""

    max_concurrency = _MAX_CONCURRENCY

    def __init__(
        self,
        directory: Path,
        channel: str,
        mail_from: str,
        *,
        timeout: float = _TIMEOUT,
        writer: BatchWriter | None = None,
    ) -> None:
        """`directory` is the outbox itself. Raises ValueError if email is to come from something
        that is not a mailbox."""
        self.name = f"{channel}_outbox"
        self.timeout = timeout
        # A line that is written again is there twice.
        self.key_window = _FILES_ARE_KEYED_FOR if channel == "email" else timedelta(0)
        self._channel = channel
        self._sender = Sender.parse(mail_from)
        self._writer = writer or _writer_for(directory, channel)
        self._waiting: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        await asyncio.to_thread(self._writer.prepare)

    async def deliver(self, envelope: Envelope) -> Delivery:
        try:
            content = self._content(envelope)
        except UnsendableError as error:
            return Delivery(Outcome.REJECTED, error.reason)
        waiting = _Waiting(envelope.message_id, content, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._flushing is None:
            self._flushing = asyncio.create_task(self._flush())
        try:
            async with asyncio.timeout(self.timeout * OWN_SHARE):
                return await waiting.answer
        except TimeoutError:
            return (
                _NOT_BEGUN if not waiting.started else Delivery(Outcome.AMBIGUOUS, "outbox_timeout")
            )
        finally:
            # Nobody waits for it any more: if it has not begun, it must not be written behind the
            # caller's back.
            if not waiting.started:
                self._waiting.remove(waiting)

    async def close(self) -> None:
        if self._flushing is not None:
            await self._flushing

    async def _flush(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, []
                for each in batch:
                    each.started = True
                deliveries = await asyncio.to_thread(
                    self._writer.write, [(each.message_id, each.content) for each in batch]
                )
                for each, delivery in zip(batch, deliveries, strict=True):
                    if not each.answer.done():
                        each.answer.set_result(delivery)
        finally:
            self._flushing = None

    def _content(self, envelope: Envelope) -> bytes:
        if self._channel == "email":
            return build_mail(envelope, self._sender).content
        return _json_line(envelope)


def _writer_for(directory: Path, channel: str) -> BatchWriter:
    return (
        FilePerMessage(directory / "email", ".eml")
        if channel == "email"
        else LinePerMessage(directory / f"{channel}.jsonl")
    )


def _json_line(envelope: Envelope) -> bytes:
    fields = {
        "message_id": envelope.message_id,
        "brand_id": envelope.brand_id,
        "person_id": envelope.person_id,
        "to": envelope.address,
        **({"subject": envelope.subject} if envelope.channel == "push" else {}),
        "body": envelope.body,
        "at": envelope.created_at.isoformat(),
    }
    try:
        return json.dumps(fields, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise UnsendableError("invalid_content") from None
