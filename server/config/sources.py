"""Finds the settings: in the environment, then in `carillon.toml`. A bad or unknown key refuses to
start, by name."""

from __future__ import annotations

import logging
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import PydanticBaseSettingsSource, TomlConfigSettingsSource

from server.config.private_files import OTHERS
from server.config.secret_files import SUFFIX, holds_secret, with_secrets
from server.config.settings import BY_FILE, CONFIG_FILE, PREFIX, ImpossibleError, Settings

_LOG = logging.getLogger(__name__)
_LINK_VALUE = re.compile(r"(tcp|udp|sctp)://")
_LINK_PORT = re.compile(r"CARILLON_(\w+_)?PORT(_[0-9]+_(TCP|UDP|SCTP))?")
_LINK_PART = re.compile(
    r"CARILLON_(\w+_)?"
    r"(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_[0-9]+_(TCP|UDP|SCTP)_(PROTO|PORT|ADDR))"
)


class ConfigError(Exception):
    """Settings are unknown or bad; the text has a line for each that names the key, where it came
    from, and why."""


def load(environ: Mapping[str, str] = os.environ, directory: Path = Path()) -> Settings:
    """Reads and verifies the settings. Raises ConfigError with every key that is unknown or bad."""
    path = directory / CONFIG_FILE
    in_file, from_environment = _from_file(path), _Environment(environ)
    origins = {key: f"{key} in {path}" for key in in_file} | from_environment.names
    from_file, no_files = with_secrets(in_file)
    given, no_others = with_secrets(from_environment())
    problems = [f"{origins[key]}: {why}" for key, why in (no_files | no_others).items()]
    problems += _open_secrets(path, in_file)
    for name in BY_FILE & {key.removesuffix(SUFFIX) for key in origins}:
        origins.setdefault(name, origins.get(name + SUFFIX, name))
    try:
        found = Settings.model_validate(from_file | given)
    except ValidationError as error:
        problems += [
            _explain(each, origins) for each in error.errors(include_url=False, include_input=False)
        ]
    else:
        if not problems:
            return found
    raise ConfigError("\n".join(problems))


class _Environment(PydanticBaseSettingsSource):
    """Reads our variables of an environment by their exact names, known or not; the library's own
    source reads names in any case and no others."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(Settings)
        ours = {name: value for name, value in sorted(environ.items()) if name.startswith(PREFIX)}
        links = [name for name, value in ours.items() if _is_service_link(name, value)]
        if links:
            _LOG.warning(
                "ignored: variables that Kubernetes sets for a Service: %s", ", ".join(links)
            )
        self._values = {name: value for name, value in ours.items() if name not in links}
        self.names = {name.removeprefix(PREFIX).lower(): name for name in self._values}
        """The variable that each key came from."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[object, str, bool]:
        """The text under its key, as it is: no field of ours is JSON."""
        return self._values[self.names[field_name]], field_name, False

    def __call__(self) -> dict[str, object]:
        """What is set, known or not."""
        return {key: self._values[name] for key, name in self.names.items()}


def _from_file(path: Path) -> dict[str, object]:
    try:
        return TomlConfigSettingsSource(Settings, path)()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None


def _open_secrets(path: Path, given: Mapping[str, object]) -> list[str]:
    """A line for each secret in a file that others can read."""
    secrets = [key for key, value in given.items() if holds_secret(key, value)]
    if not secrets or not path.stat().st_mode & OTHERS:
        return []
    return [f"{key} in {path}: others can use the file: chmod 600 {path}" for key in secrets]


def _is_service_link(name: str, value: str) -> bool:
    """Whether Kubernetes set it, for a Service named `carillon` or `carillon-…`. A name that is
    also a setting's, such as CARILLON_REST_PORT for a Service `carillon-rest`, is told by its
    value."""
    pattern = _LINK_PORT if _LINK_VALUE.match(value) else _LINK_PART
    return pattern.fullmatch(name) is not None


def _explain(problem: ErrorDetails, origins: Mapping[str, str]) -> str:
    """One line: where the value came from, and why it cannot be."""
    reason: Exception | None = problem.get("ctx", {}).get("error")
    key = reason.key if isinstance(reason, ImpossibleError) else str(problem["loc"][0])
    origin = origins.get(key, f"{PREFIX}{key.upper()}")
    if problem["type"] == "extra_forbidden":
        return f"{origin}: unknown setting; known are {', '.join(sorted(Settings.model_fields))}"
    return f"{origin}: {reason or problem['msg']}"
