"""Reads the scopes that an installation asks for in place of those of the protos."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

from server.api.policies import Policy, method_policies
from server.config import ConfigError
from server.domain.scopes import SCOPE

_SETTING = "CARILLON_SCOPES_FILE"


def policies_with(scopes_file: str) -> dict[str, Policy]:
    """What the protos say of each method, with the scopes of the file, if there is one. Raises
    ConfigError with everything that is wrong with it."""
    policies = method_policies()
    if not scopes_file:
        return policies
    given = _read(Path(scopes_file))
    if faults := [fault for name in given if (fault := _fault(name, given[name], policies))]:
        raise ConfigError("\n".join(f"{_SETTING}: {scopes_file}: {fault}" for fault in faults))
    overridden = {
        f"/{name}": policies[f"/{name}"].asking_for(_listed(value)) for name, value in given.items()
    }
    return policies | overridden


def _read(path: Path) -> Mapping[str, object]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{_SETTING}: {path} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConfigError(f"{_SETTING}: {path}: not valid TOML: {error}") from None


def _fault(name: str, value: object, policies: Mapping[str, Policy]) -> str:
    """What is wrong with a line; empty if nothing."""
    policy = policies.get(f"/{name}")
    if policy is None:
        return f"{name!r} is no method; they are as carillon.comms.v1.MessageService/GetMessage"
    if policy.public:
        return f"{name} is called without a token, so it can ask for no scope"
    scopes = _listed(value)
    if not scopes:
        return f"{name} must be a scope or a list of scopes"
    bad = [each for each in scopes if not SCOPE.fullmatch(each)]
    return f"{name}: {bad[0]!r} is no scope; they are as read:messages" if bad else ""


def _listed(value: object) -> tuple[str, ...]:
    """The scopes in a value; none if it is of another type."""
    listed = value if isinstance(value, list) else [value]
    texts = [each for each in listed if isinstance(each, str)]
    return tuple(texts) if len(texts) == len(listed) else ()
