"""`python -m tests.chaos.peer_process smtp|http LEDGER`: a provider in a process of its own, on a
free port of loopback.

Says its port in its first line, then takes orders, a JSON object a line, and answers each with how
often it did what. Ends when its orders end, as they do when whoever started it is gone.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import sys
from pathlib import Path
from random import Random
from typing import Any

from tests.chaos.behaviour import Behaviour, Fault
from tests.chaos.desk import Desk
from tests.chaos.http_peer import HttpPeer
from tests.chaos.ledger import LedgerWriter
from tests.chaos.smtp_peer import SmtpPeer

PROTOCOLS = {"smtp": SmtpPeer, "http": HttpPeer}


class PeerServer:
    """Listens, and does as it is told."""

    def __init__(self, protocol: str, desk: Desk) -> None:
        self._make = PROTOCOLS[protocol]
        self._desk = desk
        self._server: asyncio.Server | None = None
        self.port = 0

    async def listen(self) -> None:
        """Takes connections, on the port it had before if it had one."""
        listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        self._server = await asyncio.get_running_loop().create_server(
            lambda: self._make(self._desk), sock=listener
        )
        self.port = listener.getsockname()[1]

    async def obey(self, order: dict[str, Any]) -> None:
        """One order: `behave`, `refuse` connections, `listen` again, `release` what is held,
        `await_taken`: a number of deliveries, `tell`: nothing but the answer."""
        match order.pop("order"):
            case "behave":
                self._desk.behaviour.faults = [Fault.from_json(fault) for fault in order["faults"]]
                self._desk.behaviour.delay = order["delay"]
            case "refuse":
                assert self._server is not None
                self._server.close()
                self._desk.hang_up()
            case "listen":
                await self.listen()
            case "release":
                self._desk.release()
            case "await_taken":
                await self._desk.taken_in(order["count"])
            case "tell":
                pass
            case unknown:
                raise ValueError(f"no such order: {unknown}")


async def serve(arguments: argparse.Namespace) -> None:
    """Until standard input ends."""
    random = Random(arguments.seed)
    desk = Desk(LedgerWriter(arguments.ledger), Behaviour(random, keeps_keys=arguments.keeps_keys))
    server = PeerServer(arguments.protocol, desk)
    await server.listen()
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(orders), sys.stdin
    )
    print(server.port, flush=True)
    while line := await orders.readline():
        await server.obey(json.loads(line))
        print(json.dumps(desk.deeds), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("protocol", choices=sorted(PROTOCOLS))
    parser.add_argument("ledger", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keeps-keys", action="store_true")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
