"""Interruptions, refusals and changes of an import: nobody is lost, and every row is accounted for
once."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any

import pytest

from server.importer.delivery import PAUSES
from server.importer.errors import BatchRefused, BatchTooLarge, ImportStopped, Refusal
from server.importer.mapping import Columns
from tests.support.reading import AWAY, Pauses, Seen, Taker, read, written

ROWS = 25
BAD = (3, 12, 13)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """People p0 to p24, three of them with bad addresses; one row takes two lines."""
    plans = {8: '"a\nb"'}
    rows = [
        f"p{index},{'bad' if index in BAD else ''},{plans.get(index, 'x')}" for index in range(ROWS)
    ]
    return written(tmp_path / "people.csv", "person_id,email,plan\n" + "\n".join(rows) + "\n")


def checkpoint(file: Path) -> Path:
    return Path(f"{file}.checkpoint.json")


def rejected(file: Path) -> list[str]:
    rejects = Path(f"{file}.rejects.jsonl")
    return (
        [json.loads(line)["row"]["person_id"] for line in rejects.read_text().splitlines()]
        if rejects.exists()
        else []
    )


def interrupted(file: Path, taker: Taker, batches: int, **order: Any) -> None:
    """An import that gets so many batches in before the service is away for good."""
    taker.answers = [None] * batches + [AWAY] * (len(PAUSES) + 1)
    with pytest.raises(ImportStopped, match="does not answer"):
        read(file, taker, batch_rows=4, **order)


GOOD = [f"p{index}" for index in range(ROWS) if index not in BAD]


def test_a_batch_is_the_rows_asked_for_good_and_bad(file: Path) -> None:
    taker = Taker()
    summary = read(file, taker, batch_rows=4)
    assert [person for call in taker.calls for person in call] == GOOD
    assert [len(call) for call in taker.calls] == [3, 4, 4, 2, 4, 4, 1]
    assert (summary.counts.read, summary.counts.put, summary.counts.rejected) == (25, 22, 3)
    assert rejected(file) == ["p3", "p12", "p13"]


def test_nothing_is_left_behind_but_the_rejects(file: Path) -> None:
    read(file)
    assert {path.name for path in file.parent.iterdir()} == {
        "people.csv",
        "people.csv.rejects.jsonl",
    }
    assert (file.parent / "people.csv.rejects.jsonl").stat().st_mode & 0o777 == 0o600


def test_without_rejects_there_is_no_file_of_them_even_from_before(tmp_path: Path) -> None:
    file = written(tmp_path / "p.csv", "person_id\nann\n")
    old = written(tmp_path / "p.csv.rejects.jsonl", "{}\n")
    read(file)
    assert not old.exists()


@pytest.mark.parametrize("batches", range(7))
def test_an_interrupted_import_goes_on_where_it_stopped(file: Path, batches: int) -> None:
    taker, seen = Taker(), Seen()
    interrupted(file, taker, batches)
    taker.calls.clear()
    summary = read(file, taker, seen, batch_rows=5)
    assert list(taker.people) == GOOD
    assert taker.calls[0][0] == next(person for person in GOOD if int(person[1:]) >= 4 * batches)
    assert (summary.counts.read, summary.counts.put, summary.counts.rejected) == (25, 22, 3)
    assert summary.rows_now == ROWS - 4 * batches
    assert rejected(file) == ["p3", "p12", "p13"]
    assert any("going on at line" in told for told in seen.told)
    assert not checkpoint(file).exists()


def test_rejects_written_after_the_last_checkpoint_are_not_there_twice(file: Path) -> None:
    taker = Taker()
    interrupted(file, taker, 2)
    with Path(f"{file}.rejects.jsonl").open("a") as rejects:
        rejects.write('{"row": {"person_id": "written, but not yet in the checkpoint"}}\n')
    read(file, taker)
    assert rejected(file) == ["p3", "p12", "p13"]


def test_restart_begins_again(file: Path) -> None:
    taker = Taker()
    interrupted(file, taker, 3)
    taker.calls.clear()
    assert read(file, taker, restart=True).rows_now == ROWS
    assert taker.calls[0][0] == "p0"
    assert rejected(file) == ["p3", "p12", "p13"]


@pytest.mark.parametrize("change", ["appended", "in place"])
def test_a_changed_file_is_not_gone_on_with(file: Path, change: str) -> None:
    taker = Taker()
    interrupted(file, taker, 3)
    taker.calls.clear()
    text = file.read_text()
    file.write_text(f"{text}p99,,\n" if change == "appended" else text.replace("p24", "p23"))
    with pytest.raises(ImportStopped, match="has changed"):
        read(file, taker)
    assert taker.calls == []
    assert checkpoint(file).exists()


@pytest.mark.parametrize(
    "order",
    [
        {"columns": Columns(typed=True)},
        {"delimiter": ";"},
        {"region": "PT"},
        {"rejects": Path("other.jsonl")},
    ],
)
def test_other_options_are_not_gone_on_with(
    file: Path, order: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    interrupted(file, Taker(), 3)
    if "delimiter" in order:
        order = order | {"columns": Columns({"person_id,email,plan": "person_id"})}
    with pytest.raises(ImportStopped, match="other options"):
        read(file, **order)


def test_a_broken_checkpoint_and_a_lost_rejects_file_are_told(file: Path) -> None:
    interrupted(file, Taker(), 3)
    Path(f"{file}.rejects.jsonl").unlink()
    with pytest.raises(ImportStopped, match="not as the interrupted import left it"):
        read(file)
    checkpoint(file).write_text("{")
    with pytest.raises(ImportStopped, match="not a checkpoint that can be read"):
        read(file)


def test_a_file_is_imported_by_one_at_a_time(file: Path) -> None:
    with file.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(ImportStopped, match="another import"):
            read(file)


def test_while_the_service_is_away_the_same_batch_is_tried_again_for_a_minute(file: Path) -> None:
    taker, pauses, seen = Taker([None, AWAY, AWAY]), Pauses(), Seen()
    assert read(file, taker, seen, pauses, batch_rows=10).counts.put == 22
    assert taker.calls[1] == taker.calls[2] == taker.calls[3]
    assert pauses.taken == [*PAUSES[:2]]
    assert sum("trying again" in told for told in seen.told) == 1


def test_a_service_that_stays_away_stops_the_import_which_says_how_to_go_on(file: Path) -> None:
    pauses, seen = Pauses(), Seen()
    with pytest.raises(ImportStopped, match="does not answer"):
        read(file, Taker([None] + [AWAY] * 20), seen, pauses, batch_rows=10)
    assert pauses.taken == [*PAUSES]
    assert seen.told[-1] == "stopped after 10 rows; the same command goes on from there"


def test_an_interrupt_keeps_the_checkpoint(file: Path) -> None:
    class Interrupting(Seen):
        def show(self, progress: Any) -> None:
            raise KeyboardInterrupt

    seen = Interrupting()
    with pytest.raises(KeyboardInterrupt):
        read(file, seen=seen, batch_rows=10)
    assert seen.told[-1] == "stopped after 10 rows; the same command goes on from there"
    assert read(file).rows_now == 15


def test_whom_the_service_refuses_goes_to_the_rejects_and_the_others_in(file: Path) -> None:
    refusals = [
        Refusal(1, "phone", "is odd"),
        Refusal(1, "email", "is odd"),
        Refusal(4, "locale", "is odd"),
    ]
    taker = Taker([BatchRefused(refusals), BatchRefused([Refusal(0, "email", "is odd")])])
    summary = read(file, taker, batch_rows=10)
    assert (summary.counts.put, summary.counts.rejected) == (19, 6)
    assert rejected(file) == ["p0", "p1", "p3", "p5", "p12", "p13"]
    reasons = json.loads(Path(f"{file}.rejects.jsonl").read_text().splitlines()[1])["reasons"]
    assert reasons == [
        {"field": "phone", "message": "is odd"},
        {"field": "email", "message": "is odd"},
    ]


def test_a_batch_all_of_whom_are_refused_is_done(tmp_path: Path) -> None:
    file = written(tmp_path / "p.csv", "person_id\nann\nbob\n")
    taker = Taker([BatchRefused([Refusal(0, "", "no")]), None], [])
    assert read(file, taker, batch_rows=1).counts.put == 1
    assert taker.calls == [["ann"], ["bob"]]


def test_a_batch_too_large_for_the_service_is_halved_and_a_row_too_large_rejected(
    tmp_path: Path,
) -> None:
    class Small(Taker):
        def put(self, people: Any) -> Any:
            self.answers = (
                [BatchTooLarge()]
                if len(people) > 2 or any(person.person_id == "huge" for person in people)
                else []
            )
            return super().put(people)

    file = written(
        tmp_path / "p.csv",
        "person_id\n" + "".join(f"{name}\n" for name in ["a", "b", "huge", "c", "d", "e", "f"]),
    )
    taker = Small()
    summary = read(file, taker)
    assert sorted(taker.people) == ["a", "b", "c", "d", "e", "f"]
    assert summary.counts.rejected == 1
    assert rejected(file) == ["huge"]


def test_rows_that_are_large_make_smaller_batches(tmp_path: Path) -> None:
    rows = "".join(f"p{index},{'x' * 60_000}\n" for index in range(150))
    taker = Taker()
    read(written(tmp_path / "p.csv", f"person_id,note\n{rows}"), taker)
    assert [len(call) for call in taker.calls] == [70, 70, 10]


@pytest.mark.parametrize("suffix", [".checkpoint.json.new", ".rejects.jsonl"])
def test_nothing_is_written_through_a_symbolic_link(file: Path, suffix: str) -> None:
    victim = written(file.with_name("victim"), "theirs")
    Path(f"{file}{suffix}").symlink_to(victim)
    interrupted(file, Taker(), 2)
    assert victim.read_text() == "theirs"


def test_going_on_cuts_no_file_that_a_link_leads_to(file: Path) -> None:
    interrupted(file, Taker(), 2)
    rejects = Path(f"{file}.rejects.jsonl")
    victim = written(file.with_name("victim"), "theirs" * 1000)
    rejects.unlink()
    rejects.symlink_to(victim)
    with pytest.raises(ImportStopped, match="is a symbolic link"):
        read(file)
    assert victim.read_text() == "theirs" * 1000


def test_a_checkpoint_is_not_read_through_a_symbolic_link(file: Path) -> None:
    interrupted(file, Taker(), 2)
    checkpoint(file).rename(file.with_name("elsewhere"))
    checkpoint(file).symlink_to(file.with_name("elsewhere"))
    with pytest.raises(ImportStopped, match=r"checkpoint\.json is a symbolic link; remove it"):
        read(file)


def test_what_an_import_leaves_is_its_owners_alone(file: Path) -> None:
    before = os.umask(0)
    try:
        written(Path(f"{file}.checkpoint.json.new"), "left by a crash")
        interrupted(file, Taker(), 2)
    finally:
        os.umask(before)
    left = [checkpoint(file), Path(f"{file}.rejects.jsonl")]
    assert [path.stat().st_mode & 0o777 for path in left] == [0o600, 0o600]
