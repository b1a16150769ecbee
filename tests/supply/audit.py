"""Asks OSV (https://osv.dev) for advisories about the pinned dependencies: `make audit`.

Sends their names and versions, nothing else. Exits with 0 if there are none, 1 if there are, 2 if
it could not ask: what was not asked is not known to be safe.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import httpx

LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"
ADVISORIES = "https://api.osv.dev"
PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(.*)$", re.MULTILINE)
SECONDS = 30


def main() -> int:
    """Returns the exit code."""
    base_url = sys.argv[1] if len(sys.argv) > 1 else ADVISORIES
    packages = pinned(LOCK.read_text("utf-8"))
    try:
        found = advisories(packages, base_url)
    except (httpx.HTTPError, ValueError, KeyError) as error:
        print(f"not asked: {base_url} cannot be reached or understood ({type(error).__name__})")
        return 2
    for (name, version), ids in found.items():
        print(f"{name} {version}: {', '.join(ids)}")
    print(f"{len(packages)} packages asked about, {len(found)} with advisories")
    return 1 if found else 0


def pinned(lock: str) -> list[tuple[str, str]]:
    """Name and version of every package in a lock."""
    return [(name, version) for name, version, _ in PINNED.findall(lock)]


def advisories(packages: list[tuple[str, str]], base_url: str) -> dict[tuple[str, str], list[str]]:
    """Ids of what is known of each package that something is known of. Raises httpx.HTTPError,
    and ValueError or KeyError for an answer that is none."""
    queries = [
        {"package": {"name": name, "ecosystem": "PyPI"}, "version": version}
        for name, version in packages
    ]
    with httpx.Client(base_url=base_url, timeout=SECONDS) as client:
        response = client.post("/v1/querybatch", json={"queries": queries})
    response.raise_for_status()
    results: list[dict[str, Any]] = response.json()["results"]
    return {
        package: [each["id"] for each in result["vulns"]]
        for package, result in zip(packages, results, strict=True)
        if result.get("vulns")
    }


if __name__ == "__main__":
    sys.exit(main())
