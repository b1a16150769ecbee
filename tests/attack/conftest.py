"""Sizes, and the figures at the end."""

from __future__ import annotations

from collections.abc import Callable

import pytest

SECONDS = 900
"""Longest that one attack takes."""
_FIGURES = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--scale", type=float, default=1.0, help="attacks of this part of their size, such as 0.01"
    )
    parser.addoption("--seed", type=int, default=1, help="what chance starts from")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_FIGURES] = []


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bounds each attack in time."""
    for item in items:
        item.add_marker(pytest.mark.timeout(SECONDS))


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Prints what the attacks measured."""
    if figures := config.stash[_FIGURES]:
        terminalreporter.section("figures")
        for line in figures:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def size(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """How much of a full size this run attacks with: at least 1."""
    scale: float = request.config.getoption("--scale")
    return lambda full: max(1, int(full * scale))


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """What chance starts from."""
    chosen: int = request.config.getoption("--seed")
    return chosen


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Keeps a line to print at the end of the run, under the name of the attack."""
    name = request.node.name.removeprefix("test_").replace("_", " ")
    return lambda text: request.config.stash[_FIGURES].append(f"{name}: {text}")
