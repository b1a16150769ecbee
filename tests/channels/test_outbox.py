"""Messages as files: whole, once, and on disk when accepted."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Sequence
from email import message_from_bytes
from email.policy import default as modern
from pathlib import Path

import pytest

from server.channels.outbox.files import Entry, FilePerMessage
from server.channels.outbox.provider import OutboxProvider
from server.channels.provider import Delivery, Outcome
from server.domain.delivery.retry import ErrorClass
from tests.support.channels.mail_server import MAIL_FROM, envelope

ACCEPTED = Delivery(Outcome.ACCEPTED)
FAILED = Delivery(Outcome.REJECTED, "outbox_write_failed", ErrorClass.UNREACHABLE)
PERHAPS = Delivery(Outcome.AMBIGUOUS, "outbox_write_failed")
AT_ONCE = 0.05


async def started(directory: Path, channel: str) -> OutboxProvider:
    provider = OutboxProvider(directory, channel, MAIL_FROM)
    await provider.start()
    return provider


def modes_below(directory: Path) -> dict[str, int]:
    return {
        path.relative_to(directory).as_posix(): path.stat().st_mode & 0o777
        for path in directory.rglob("*")
    }


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().split(b"\n")[:-1]]


async def test_email_becomes_one_whole_file(tmp_path: Path) -> None:
    provider = await started(tmp_path / "outbox", "email")
    assert (
        await provider.deliver(
            envelope(subject="Grüße aus Köln", body="Zeile\n" + "lang " * 400, html="<p>ß</p>")
        )
        == ACCEPTED
    )
    assert [path.name for path in (tmp_path / "outbox" / "email").iterdir()] == ["msg-1.eml"]
    parsed = message_from_bytes(
        (tmp_path / "outbox" / "email" / "msg-1.eml").read_bytes(), policy=modern
    )
    assert parsed.defects == []
    assert parsed["Subject"] == "Grüße aus Köln"
    assert parsed["X-Carillon-Message-Id"] == "msg-1"
    plain, html = parsed.iter_parts()
    assert plain.get_content() == "Zeile\r\n" + "lang " * 400
    assert html.get_content() == "<p>ß</p>"


async def test_the_same_email_twice_is_one_file(tmp_path: Path) -> None:
    provider = await started(tmp_path, "email")
    assert (
        await asyncio.gather(
            *(provider.deliver(envelope(body=f"try {number}")) for number in range(3))
        )
        == [ACCEPTED] * 3
    )
    assert await provider.deliver(envelope(body="the last")) == ACCEPTED
    assert [path.name for path in (tmp_path / "email").iterdir()] == ["msg-1.eml"]
    assert b"the last" in (tmp_path / "email" / "msg-1.eml").read_bytes()


async def test_sms_becomes_one_line_of_json(tmp_path: Path) -> None:
    provider = await started(tmp_path, "sms")
    assert (
        await provider.deliver(
            envelope(
                channel="sms", address="+491701234567", subject=None, body="Grüße,\n\u2028ende"
            )
        )
        == ACCEPTED
    )
    assert lines(tmp_path / "sms.jsonl") == [
        {
            "message_id": "msg-1",
            "brand_id": "acme",
            "person_id": "p-1",
            "to": "+491701234567",
            "body": "Grüße,\n\u2028ende",
            "at": "2026-03-04T05:06:07+00:00",
        }
    ]


async def test_push_has_its_subject_too(tmp_path: Path) -> None:
    provider = await started(tmp_path, "push")
    assert (
        await provider.deliver(envelope(channel="push", address="token-1", subject="News"))
        == ACCEPTED
    )
    assert lines(tmp_path / "push.jsonl")[0]["subject"] == "News"


async def test_many_at_once_are_each_there_once(tmp_path: Path) -> None:
    provider = await started(tmp_path, "sms")
    ids = [f"msg-{number}" for number in range(200)]
    deliveries = await asyncio.gather(
        *(provider.deliver(envelope(each, channel="sms")) for each in ids)
    )
    assert set(deliveries) == {ACCEPTED}
    assert sorted(str(line["message_id"]) for line in lines(tmp_path / "sms.jsonl")) == sorted(ids)


async def test_two_processes_may_write_to_the_same_file(tmp_path: Path) -> None:
    one, two = await started(tmp_path, "sms"), await started(tmp_path, "sms")
    await asyncio.gather(
        *(
            (one, two)[number % 2].deliver(envelope(f"msg-{number}", channel="sms"))
            for number in range(100)
        )
    )
    assert len(lines(tmp_path / "sms.jsonl")) == 100


async def test_a_line_cut_short_by_a_crash_does_not_swallow_the_next(tmp_path: Path) -> None:
    (tmp_path / "sms.jsonl").write_bytes(b'{"message_id": "msg-0", "bo')
    provider = await started(tmp_path, "sms")
    await provider.deliver(envelope(channel="sms"))
    torn, whole = (tmp_path / "sms.jsonl").read_bytes().splitlines()
    assert torn == b'{"message_id": "msg-0", "bo'
    assert json.loads(whole)["message_id"] == "msg-1"


async def test_what_is_written_is_for_its_owner_alone(tmp_path: Path) -> None:
    for channel in ("email", "sms"):
        await (await started(tmp_path / "outbox", channel)).deliver(envelope(channel=channel))
    assert modes_below(tmp_path) == {
        "outbox": 0o700,
        "outbox/email": 0o700,
        "outbox/email/msg-1.eml": 0o600,
        "outbox/sms.jsonl": 0o600,
    }


@pytest.mark.parametrize(
    ("channel", "changes", "reason"),
    [
        ("email", {"body": "\ud800"}, "invalid_content"),
        ("sms", {"body": "\ud800"}, "invalid_content"),
    ],
)
async def test_what_cannot_be_written_is_refused_for_ever(
    tmp_path: Path, channel: str, changes: dict[str, str], reason: str
) -> None:
    provider = await started(tmp_path, channel)
    assert await provider.deliver(envelope(channel=channel, **changes)) == Delivery(
        Outcome.REJECTED, reason
    )


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_a_directory_that_is_gone_is_worth_another_try(tmp_path: Path, channel: str) -> None:
    provider = OutboxProvider(tmp_path / "missing", channel, MAIL_FROM)
    assert await provider.deliver(envelope(channel=channel)) == FAILED
    await provider.start()
    assert await provider.deliver(envelope(channel=channel)) == ACCEPTED


async def test_a_file_that_could_not_take_its_name_leaves_nothing_behind(tmp_path: Path) -> None:
    provider = await started(tmp_path, "email")
    (tmp_path / "email" / "msg-1.eml").mkdir()
    blocked, beside_it = await asyncio.gather(
        provider.deliver(envelope("msg-1")), provider.deliver(envelope("msg-2"))
    )
    assert (blocked, beside_it) == (FAILED, ACCEPTED)
    assert sorted(path.name for path in (tmp_path / "email").iterdir()) == [
        "msg-1.eml",
        "msg-2.eml",
    ]


@pytest.mark.parametrize(("channel", "expected"), [("email", FAILED), ("sms", PERHAPS)])
async def test_a_flush_that_fails_is_ambiguous_where_the_bytes_are_in_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channel: str, expected: Delivery
) -> None:
    provider = await started(tmp_path, channel)

    def broken(file: int) -> None:
        raise OSError("disk")

    monkeypatch.setattr(os, "fsync", broken)
    assert await provider.deliver(envelope(channel=channel)) == expected


async def test_a_disk_that_fills_within_a_line_is_ambiguous(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = await started(tmp_path, "sms")
    write = os.write
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: write(file, data[:10]))
        assert await provider.deliver(envelope(channel="sms")) == PERHAPS
    assert await provider.deliver(envelope("msg-2", channel="sms")) == ACCEPTED
    assert (
        json.loads((tmp_path / "sms.jsonl").read_bytes().splitlines()[1])["message_id"] == "msg-2"
    )


class SlowWriter(FilePerMessage):
    """Waits to be let go, as a hung disk does."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, ".eml")
        self.entered = threading.Event()
        self.go = threading.Event()
        self.batches: list[list[str]] = []

    def write(self, entries: Sequence[Entry]) -> list[Delivery]:
        self.batches.append([message_id for message_id, _ in entries])
        self.entered.set()
        self.go.wait()
        return super().write(entries)


async def test_a_hung_disk_is_ambiguous_for_what_was_begun_and_not_for_what_waited(
    tmp_path: Path,
) -> None:
    writer = SlowWriter(tmp_path)
    provider = OutboxProvider(tmp_path, "email", MAIL_FROM, timeout=AT_ONCE, writer=writer)
    begun = asyncio.create_task(provider.deliver(envelope("begun")))
    await asyncio.to_thread(writer.entered.wait)
    assert await provider.deliver(envelope("waited")) == Delivery(
        Outcome.REJECTED, "outbox_timeout", ErrorClass.UNREACHABLE
    )
    assert await begun == Delivery(Outcome.AMBIGUOUS, "outbox_timeout")
    writer.go.set()
    await provider.close()
    assert writer.batches == [["begun"]]


async def test_calls_during_a_write_share_the_next_one(tmp_path: Path) -> None:
    writer = SlowWriter(tmp_path)
    provider = OutboxProvider(tmp_path, "email", MAIL_FROM, writer=writer)
    first = asyncio.create_task(provider.deliver(envelope("a")))
    await asyncio.to_thread(writer.entered.wait)
    others = [asyncio.create_task(provider.deliver(envelope(each))) for each in "bcd"]
    await asyncio.sleep(0)
    writer.go.set()
    assert await asyncio.gather(first, *others) == [ACCEPTED] * 4
    assert writer.batches == [["a"], ["b", "c", "d"]]


async def test_a_cancelled_call_that_had_not_begun_is_never_written(tmp_path: Path) -> None:
    writer = SlowWriter(tmp_path)
    provider = OutboxProvider(tmp_path, "email", MAIL_FROM, writer=writer)
    first = asyncio.create_task(provider.deliver(envelope("a")))
    await asyncio.to_thread(writer.entered.wait)
    cancelled = asyncio.create_task(provider.deliver(envelope("b")))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    writer.go.set()
    assert await first == ACCEPTED
    await provider.close()
    assert writer.batches == [["a"]]
