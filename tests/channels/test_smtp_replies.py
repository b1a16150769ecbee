"""Replies as they come off the wire, in whatever pieces, from a server that writes exactly what a
test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiosmtplib import SMTPException, SMTPResponse

from server.channels.email.replies import SmtpReplies


@asynccontextmanager
async def connected(
    pieces: Sequence[bytes], *, then_close: bool = False
) -> AsyncIterator[SmtpReplies]:
    """To a server that answers the first thing it reads with these pieces, each in a packet of its
    own."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            # The client reads in the same loop: it has had its turn once what it answers to nothing
            # has come round.
            await asyncio.sleep(0)
        if not then_close:
            await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, host, port)
    try:
        yield SmtpReplies(transport)
    finally:
        transport.abort()
        server.close()
        await server.wait_closed()


THREE = b"250-2.1.0 Ok\r\n250 and more\r\n451 4.2.0 later\r\n354 go on\r\n"
AS_REPLIES = [
    SMTPResponse(250, "2.1.0 Ok\nand more"),
    SMTPResponse(451, "4.2.0 later"),
    SMTPResponse(354, "go on"),
]


@pytest.mark.parametrize("size", [1, 2, 7, len(THREE)])
async def test_replies_are_the_same_in_whatever_pieces_they_come(size: int) -> None:
    async with connected([THREE[at : at + size] for at in range(0, len(THREE), size)]) as replies:
        assert await replies.exchange(b"MAIL\r\nRCPT\r\nDATA\r\n", 3) == AS_REPLIES
        assert replies.usable


async def test_what_came_before_the_end_of_the_connection_is_told() -> None:
    async with connected([b"250 2.1.0 Ok\r\n421 clo"], then_close=True) as replies:
        assert await replies.exchange(b"MAIL\r\nRCPT\r\n", 2) == [SMTPResponse(250, "2.1.0 Ok")]
        assert not replies.usable
        assert await replies.exchange(b"RSET\r\n", 1) == []


@pytest.mark.parametrize(
    "answer", [b"hello\r\n", b"25\r\n", b"250-" + b"x" * 40_000, b"250-x\r\n" * 20_000]
)
async def test_what_is_no_reply_is_an_error_and_the_end_of_the_connection(answer: bytes) -> None:
    async with connected([answer]) as replies:
        with pytest.raises(SMTPException, match="not an SMTP reply"):
            await replies.exchange(b"MAIL\r\n", 1)
        assert not replies.usable


async def test_a_reply_too_many_ends_the_connection() -> None:
    async with connected([b"250 Ok\r\n250 Ok\r\n"]) as replies:
        assert len(await replies.exchange(b"MAIL\r\n", 1)) == 2
        assert not replies.usable
