"""procrastinate on PostgreSQL draining jobs that do nothing.

`python -m benchmarks.peers.procrastinate_peer <database url> <jobs> <concurrency>` prints jobs a
second, from the start of the worker until it finds none left.
"""

from __future__ import annotations

import asyncio
import logging
import sys
import time

from procrastinate import App, PsycopgConnector


async def main(url: str, jobs: int, concurrency: int) -> None:
    """Fills the queue, then lets a worker empty it."""
    app = App(connector=PsycopgConnector(conninfo=url, max_size=concurrency + 2))

    @app.task(name="noop")
    async def noop(number: int) -> None:
        """Does nothing."""

    async with app.open_async():
        if not await app.check_connection_async():
            await app.schema_manager.apply_schema_async()
        await noop.batch_defer_async(*({"number": number} for number in range(jobs)))
        started = time.perf_counter()
        await app.run_worker_async(
            concurrency=concurrency, wait=False, install_signal_handlers=False
        )
        print(jobs / (time.perf_counter() - started))


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
