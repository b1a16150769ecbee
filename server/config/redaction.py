"""Shows settings without what is secret in them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from server.config.settings import GATEWAY_CHANNELS, SECRETS, Settings

HIDDEN = "***"
_EXTRA = re.compile(r"[?#].*", re.DOTALL)
_GATEWAYS = frozenset(f"{channel}_url" for channel in GATEWAY_CHANNELS)


def shown_settings(settings: Settings) -> Iterator[tuple[str, object]]:
    """Every setting with what may be shown of its value, in order of names."""
    for name in sorted(Settings.model_fields):
        yield name, _shown(name, getattr(settings, name))


def shown_url(url: str, *, path: bool = True) -> str:
    """The URL without user and password, and without the values of its query, since a name and a
    key alike stand in either; `path=False`: without its path too, which is a key at some."""
    scheme, mark, rest = url.partition("://")
    if not mark:
        return url
    extra = "".join(_EXTRA.findall(rest))
    if "@" in extra:
        # Readers of URLs do not agree where the password ends in such a one.
        return f"{scheme}://{HIDDEN}"
    _, at, address = rest.removesuffix(extra).rpartition("@")
    if not path:
        host, slash, below = address.partition("/")
        address = host + slash + (HIDDEN if below else "")
    return f"{scheme}://{HIDDEN if at else ''}{at}{address}{_shown_extra(extra)}"


def _shown(name: str, value: object) -> object:
    if name in SECRETS and value:
        return HIDDEN
    return shown_url(value, path=name not in _GATEWAYS) if isinstance(value, str) else value


def _shown_extra(extra: str) -> str:
    if not extra.startswith("?"):
        return f"#{HIDDEN}" if extra else ""
    parts = re.split("[&;#]", extra[1:])
    return "?" + "&".join(f"{part.partition('=')[0]}={HIDDEN}" for part in parts if "=" in part)
