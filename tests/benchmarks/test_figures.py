from pathlib import Path

import pytest

from benchmarks.figures import Figure, Target, at_least, at_most, percentile
from benchmarks.report import BEGIN, END, as_markdown, write_between_markers


@pytest.mark.parametrize(
    ("ours", "theirs", "target", "result"),
    [
        ([1.0, 9.0, 10.0], [10.0, 10.0, 10.0], at_least(0.9), "reached"),
        ([1.0, 8.9, 10.0], [10.0, 10.0, 10.0], at_least(0.9), "missed"),
        ([1.0, 2.0, 10.0], [1.0, 1.0, 1.0], at_most(2.0), "reached"),
        ([1.0, 2.1, 10.0], [1.0, 1.0, 1.0], at_most(2.0), "missed"),
    ],
)
def test_a_target_is_reached_by_the_median_of_the_ratios(
    ours: list[float], theirs: list[float], target: Target, result: str
) -> None:
    assert Figure("x", "s", ours, "peer", theirs, target).result == result


def test_ratios_are_of_pairs() -> None:
    assert Figure("x", "s", [2.0, 8.0], "peer", [1.0, 2.0]).values == [2.0, 4.0]


def test_without_a_peer_the_figure_itself_is_compared() -> None:
    assert Figure("x", "ms", [30.0, 10.0, 20.0], target=at_most(20)).result == "reached"


def test_what_was_not_measured_is_in_the_table_with_its_reason() -> None:
    table = as_markdown(
        [Figure("drain", "jobs/s", beside="peer", target=at_least(2), not_measured="no node")]
    )
    assert table.splitlines()[-1] == "| drain |  | peer |  | ≥ 2 | not measured: no node |"


def test_a_miss_that_the_machine_explains_is_still_a_miss() -> None:
    assert (
        Figure("x", "s", [1.0], target=at_least(2.0, "2 cores; it takes 4")).result
        == "missed (2 cores; it takes 4)"
    )


@pytest.mark.parametrize(("share", "value"), [(0.5, 50), (0.99, 99), (1.0, 100)])
def test_a_percentile_is_one_of_the_values(share: float, value: float) -> None:
    assert percentile(list(range(100, 0, -1)), share) == value


def test_only_what_is_between_the_markers_is_written(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", "utf-8")
    write_between_markers(page, "new")
    assert page.read_text("utf-8") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"


def test_a_page_without_markers_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("by hand", "utf-8")
    with pytest.raises(ValueError, match="no place"):
        write_between_markers(page, "new")
    assert page.read_text("utf-8") == "by hand"
