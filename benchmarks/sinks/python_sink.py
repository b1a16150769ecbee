"""The mail server of smtp_sink.c, for a machine without a C compiler. Takes most of a core at some
thousands of messages a second."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from pathlib import Path
from typing import TextIO, cast

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^@>]*)", re.IGNORECASE | re.MULTILINE)
_END_OF_DATA = b"\r\n.\r\n"
_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n250-SMTPUTF8\r\n250 8BITMIME\r\n"
_IDLE_SECONDS = 0.02


class _Sink(asyncio.Protocol):
    def __init__(self, taken: TextIO) -> None:
        self._taken = taken
        self._buffer = b""
        self._in_data = False
        self._began = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        answers: list[bytes] = []
        while (unit := self._unit()) is not None:
            answers.append(self._mail(unit) if self._in_data else self._command(unit))
        self._transport.write(b"".join(answers))
        if answers and answers[-1].startswith(b"221"):
            self._transport.close()

    def _unit(self) -> bytes | None:
        """The next command or message, if it is whole."""
        # The body's first line may be its end.
        text = b"\r\n" + self._buffer if self._in_data else self._buffer
        unit, end, rest = text.partition(_END_OF_DATA if self._in_data else b"\r\n")
        if not end:
            return None
        self._buffer = rest
        return unit

    def _command(self, line: bytes) -> bytes:
        word = line[:4].upper()
        if word == b"MAIL":
            self._began = f"{time.time_ns()} {time.monotonic_ns()}"
        if word == b"DATA":
            self._in_data = True
            return b"354 End data with <CR><LF>.<CR><LF>\r\n"
        return {b"EHLO": _EHLO, b"QUIT": b"221 2.0.0 Bye\r\n"}.get(word, b"250 2.0.0 Ok\r\n")

    def _mail(self, content: bytes) -> bytes:
        self._in_data = False
        found = _MESSAGE_ID.search(content.partition(b"\r\n\r\n")[0])
        self._taken.write(f"{found.group(1).decode() if found else '-'} {self._began}\n")
        return b"250 2.0.0 Ok\r\n"


async def _serve(log: Path) -> None:
    with log.open("w", encoding="utf-8") as taken:
        server = await asyncio.get_running_loop().create_server(
            lambda: _Sink(taken), "127.0.0.1", 0
        )
        print(server.sockets[0].getsockname()[1], flush=True)
        while True:
            await asyncio.sleep(_IDLE_SECONDS)
            taken.flush()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
