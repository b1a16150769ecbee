"""What `make prove` takes out is there, and so are the tests that must notice: neither can go stale
unseen."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.prove.mutation import Mutation
from tests.prove.mutations import MUTATIONS
from tests.prove.source import NotFoundOnceError, find, node_id, replace

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda each: each.name)
def test_the_code_of_a_safeguard_and_its_tests_are_found_once(mutation: Mutation) -> None:
    find(ROOT, mutation.where, mutation.original)
    assert [node_id(ROOT, name) for name in mutation.tests]


def test_names_of_safeguards_are_their_own() -> None:
    assert len({each.name for each in MUTATIONS}) == len(MUTATIONS)


def tree(directory: Path, text: str) -> Path:
    (directory / "server").mkdir()
    (directory / "storage").mkdir()
    (directory / "server" / "some.py").write_text(text, "utf-8")
    return directory


def test_code_is_found_however_it_is_laid_out(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        "class A:\n    def f(self):\n        return g(  # why\n            'x',\n            2,\n  "
        "      )\n",
    )
    path, text = replace(root, "A.f", 'return g("x", 2)\n', "return 1")
    assert path.name == "some.py"
    assert text == "class A:\n    def f(self):\n        return 1\n"


def test_code_of_another_function_is_not_meant(tmp_path: Path) -> None:
    root = tree(tmp_path, "def f():\n    return 1\n\n\ndef g():\n    return 1\n")
    assert find(root, "g", "return 1").start > find(root, "f", "return 1").start
    with pytest.raises(NotFoundOnceError, match="0 times in f, not once"):
        find(root, "f", "return 2")
