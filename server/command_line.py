"""How commands read settings, run, and fail: in one line for what is for the operator."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, NoReturn, TypeVar

import click

from server.app import PortTaken
from server.config import ConfigError, Settings, load
from server.domain.errors import CarillonError
from server.gateway.errors import GatewayError
from storage.errors import StorageError

T = TypeVar("T")

EXPECTED = (ConfigError, StorageError, PortTaken, GatewayError, CarillonError)
"""Failures whose text is for the operator; anything else is a fault and shows its traceback."""


def settings_or_exit() -> Settings:
    """The settings in force. Exits if one is bad."""
    try:
        return load()
    except ConfigError as error:
        fail(error)


def run_or_exit(work: Coroutine[Any, Any, T]) -> T:
    """Runs it to its end. Exits if it fails as can be expected."""
    try:
        return asyncio.run(work)
    except EXPECTED as error:
        fail(error)


def fail(error: Exception) -> NoReturn:
    """Says why, and exits."""
    told = f"{error}: {', '.join(error.details.values())}" if isinstance(error, CarillonError) and error.details else str(error)
    click.echo(f"carillon: {told}", err=True)
    sys.exit(1)
