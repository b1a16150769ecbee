"""Reads the settings: from the environment, then `carillon.toml`, then defaults. A bad or unknown
key refuses to start, by name."""

from server.config.kinds import MAX_DAYS
from server.config.settings import CONFIG_FILE, SECRETS, Settings
from server.config.sources import ConfigError, load
from server.config.values import Address, is_loopback

__all__ = [
    "CONFIG_FILE",
    "MAX_DAYS",
    "SECRETS",
    "Address",
    "ConfigError",
    "Settings",
    "is_loopback",
    "load",
]
