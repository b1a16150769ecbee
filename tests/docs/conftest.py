"""Installations to paste commands into."""

from tests.cli.conftest import installation

__all__ = ["installation"]
