"""docs/configuration.md is what the settings say."""

from __future__ import annotations

from pathlib import Path

from server.config.page import configuration_page
from server.config.settings import Settings

PAGE = Path(__file__).resolve().parents[2] / "docs" / "configuration.md"


def test_the_page_is_made_from_the_settings() -> None:
    assert PAGE.read_text("utf-8") == configuration_page(), "run `make docs`"


def test_every_setting_says_what_it_means() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []
