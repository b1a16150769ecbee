"""aiosmtplib as its users write it: ten sessions that are kept, a message at a time on each.

`python -m benchmarks.peers.plain_smtp <port> <messages>` prints messages a second. Run by the
project's own interpreter, which has it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from email.message import EmailMessage

from aiosmtplib import SMTP

SESSIONS = 10


def message(number: int) -> EmailMessage:
    """What Carillon's template makes, give or take."""
    mail = EmailMessage()
    mail["From"] = "Carillon <carillon@localhost>"
    mail["To"] = f"ann.{number}@example.com"
    mail["Subject"] = f"News for Ann {number}"
    mail["Message-ID"] = f"<{number}@localhost>"
    mail.set_content(f"Hello Ann {number}, there is news. Yours, the team of Lisboa.")
    return mail


async def session(port: int, numbers: Iterator[int]) -> None:
    """Sends messages until there are none."""
    async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
        for number in numbers:
            await smtp.send_message(message(number))


async def main(port: int, count: int) -> None:
    """Sends all."""
    numbers = iter(range(count))
    started = time.perf_counter()
    await asyncio.gather(*(session(port, numbers) for _ in range(SESSIONS)))
    print(count / (time.perf_counter() - started))


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
