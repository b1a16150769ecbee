"""Which provider a channel gets."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.channels.registry import build_providers
from server.config import ConfigError, Settings


def test_everything_goes_to_the_outbox_by_default(tmp_path: Path) -> None:
    providers = build_providers(Settings(data_dir=tmp_path))
    assert {channel: provider.name for channel, provider in providers.items()} == {"email": "outbox", "sms": "outbox", "push": "outbox"}


def test_email_goes_to_the_mail_server_where_one_is_set(tmp_path: Path) -> None:
    providers = build_providers(Settings(data_dir=tmp_path, smtp_url="smtp://localhost:1025"))
    assert {channel: provider.name for channel, provider in providers.items()} == {"email": "smtp", "sms": "outbox", "push": "outbox"}


def test_a_mail_server_without_encryption_cannot_be_set() -> None:
    with pytest.raises(ConfigError, match="CARILLON_SMTP_URL"):
        Settings(smtp_url="smtp+plain://localhost").verify()


def test_every_provider_answers_well_within_a_lease(tmp_path: Path) -> None:
    for settings in (Settings(data_dir=tmp_path), Settings(data_dir=tmp_path, smtp_url="smtps://mail.example")):
        assert all(0 < provider.timeout < 30 and provider.slots > 0 for provider in build_providers(settings).values())
