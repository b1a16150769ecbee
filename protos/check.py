"""Runs buf over the protos: its lint rules, and a comparison with the committed image that
published clients rely on."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from generate import GENERATED, IMAGE, ROOT, buf


def main() -> int:
    """Returns 1 if buf finds anything, else 0."""
    linted = buf("lint")
    return 0 if _check_breaking() and linted else 1


def _check_breaking() -> bool:
    ref, reason = _base_ref()
    path = (GENERATED / IMAGE).relative_to(ROOT).as_posix()
    committed = _git("show", f"{ref}:{path}") if ref else None
    if committed is None:
        print(f"buf breaking: skipped, {reason if ref is None else f'{ref} has no {path}'}")
        return True
    print(f"buf breaking: against {path} of {reason}")
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory) / IMAGE
        base.write_bytes(committed)
        return buf("breaking", "protos", "--against", str(base))


def _base_ref() -> tuple[str | None, str]:
    """The commit to compare with and its name: where this branch left origin/main, or on main
    itself the commit before."""
    head, main = _commit("HEAD"), _commit("origin/main")
    if head is None:
        return None, "this is no git checkout with a commit"
    if main is not None and main != head:
        fork = _git("merge-base", "HEAD", "origin/main")
        if fork is not None:
            return fork.decode().strip(), "the merge base with origin/main"
    before = _commit("HEAD~1")
    return before, "the commit before HEAD" if before else "there is no commit before HEAD"


def _commit(name: str) -> str | None:
    found = _git("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    return found.decode().strip() if found is not None else None


def _git(*arguments: str) -> bytes | None:
    """What git prints, or None if it fails."""
    # Whichever git is on the PATH.
    done = subprocess.run(("git", "-C", str(ROOT), *arguments), capture_output=True, check=False)  # noqa: S607
    return done.stdout if done.returncode == 0 else None


if __name__ == "__main__":
    sys.exit(main())
