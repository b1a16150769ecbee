"""Writes docs/configuration.md from the settings: `make docs`."""

from __future__ import annotations

import sys
from textwrap import fill

from server.config.settings import BY_FILE, CONFIG_FILE, PREFIX, SECRETS, Settings

_HEAD = f"""# Configuration

<!-- Written by `make docs` from server/config/settings.py. Do not edit. -->

Settings come from the environment, then from `{CONFIG_FILE}` in the working directory, then from
the defaults below. In the file a setting is its name in lower case without `{PREFIX}`:

```toml
rest_port = 8081
mail_from = "News <news@acme.example>"
```

A setting that is unknown or bad keeps every command from starting; each is named with the reason.
`carillon check-config` shows what is in force, secrets left out. Variables that Kubernetes sets
for a Service named `carillon` are ignored, with a line in the log.

What holds a secret may be in a file of its own, such as one that a secret store mounts: the setting
with `_FILE` at its end names it, e.g. `{PREFIX}SMS_TOKEN_FILE=/run/secrets/sms-token`. A line
break at its end does not count. Such a file, and `{CONFIG_FILE}` if there are secrets in it, must
be readable by its owner alone (`chmod 600`), or nothing starts.
"""


def configuration_page() -> str:
    """The page, each setting with its default and what it means."""
    return _HEAD + "".join(_section(name) for name in Settings.model_fields)


def _section(name: str) -> str:
    field = Settings.model_fields[name]
    default = (
        "none"
        if field.default == ""
        else f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"
    )
    secret = " Never shown." if name in SECRETS else ""
    if name in BY_FILE:
        secret += f" Or in the file that `{PREFIX}{name.upper()}_FILE` names."
    meaning = fill(
        " ".join((field.description or "").split()),
        100,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"\n## `{PREFIX}{name.upper()}`\n\nDefault: {default}.{secret}\n\n{meaning}\n"


if __name__ == "__main__":
    sys.stdout.write(configuration_page())
