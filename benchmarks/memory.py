"""Memory of a process and of its children, as Linux counts it."""

from __future__ import annotations

from pathlib import Path

MIB = 1024
"""In kB, in which /proc counts."""
_RESET_PEAK = "5"


def resident_mib(pid: int) -> float:
    """What it has now."""
    return _status(pid, "VmRSS:")


def peak_mib(pid: int) -> float:
    """The most it has had, since the peak was reset."""
    return _status(pid, "VmHWM:")


def reset_peak(pid: int) -> None:
    """From now on the peak counts from what it has."""
    Path(f"/proc/{pid}/clear_refs").write_text(_RESET_PEAK, "ascii")


def children(pid: int) -> list[int]:
    """Processes it has started."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text("ascii").split()
    ]


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / MIB
    raise LookupError(name)
