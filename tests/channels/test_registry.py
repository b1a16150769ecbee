"""Which provider a channel gets."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from server.channels.outbox.provider import OutboxProvider
from server.channels.registry import build_providers
from server.channels.webpush.push import PushProvider
from server.config import ConfigError, Settings, load


def test_everything_goes_to_the_outbox_by_default(tmp_path: Path) -> None:
    providers = build_providers(Settings(data_dir=tmp_path))
    assert {channel: provider.name for channel, provider in providers.items()} == {
        "email": "email_outbox",
        "sms": "sms_outbox",
        "push": "push_outbox",
    }


def test_email_goes_to_the_mail_server_where_one_is_set(tmp_path: Path) -> None:
    providers = build_providers(Settings(data_dir=tmp_path, smtp_url="smtp://localhost:1025"))
    assert {channel: provider.name for channel, provider in providers.items()} == {
        "email": "smtp",
        "sms": "sms_outbox",
        "push": "push_outbox",
    }


def test_a_mail_server_has_as_many_calls_as_connections(tmp_path: Path) -> None:
    here = Settings(data_dir=tmp_path, smtp_url="smtp://localhost:1025")
    assert [
        build_providers(each)["email"].max_concurrency
        for each in (here, here.model_copy(update={"smtp_connections": 3}))
    ] == [20, 3]


def test_a_channel_goes_to_its_gateway_where_one_is_set(tmp_path: Path) -> None:
    settings = Settings(
        data_dir=tmp_path,
        sms_url="https://sms.example",
        email_url="http://localhost:1",
        webhook_key_hours=24,
    )
    providers = build_providers(settings)
    assert {
        channel: (provider.name, provider.key_window) for channel, provider in providers.items()
    } == {
        "email": ("email_webhook", timedelta(hours=24)),
        "sms": ("sms_webhook", timedelta(hours=24)),
        "push": ("push_outbox", timedelta(0)),
    }


def test_only_a_provider_that_does_nothing_twice_under_one_id_knows_keys(tmp_path: Path) -> None:
    outbox = build_providers(Settings(data_dir=tmp_path))
    assert {channel: bool(provider.key_window) for channel, provider in outbox.items()} == {
        "email": True,
        "sms": False,
        "push": False,
    }
    smtp = build_providers(Settings(data_dir=tmp_path, smtp_url="smtps://mail.example"))["email"]
    gateway = build_providers(Settings(data_dir=tmp_path, sms_url="https://sms.example"))["sms"]
    assert (smtp.key_window, gateway.key_window) == (timedelta(0), timedelta(0))


def test_a_mail_server_without_encryption_cannot_be_set(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="CARILLON_SMTP_URL"):
        load({"CARILLON_SMTP_URL": "smtp+plain://localhost"}, tmp_path)


def test_every_provider_answers_well_within_a_lease(tmp_path: Path) -> None:
    here = Settings(data_dir=tmp_path)
    gateways = here.model_copy(
        update={
            "email_url": "https://mail.example",
            "sms_url": "https://sms.example",
            "push_url": "https://push.example",
        }
    )
    for settings in (here, here.model_copy(update={"smtp_url": "smtps://mail.example"}), gateways):
        assert all(
            0 < provider.timeout < 30 and provider.max_concurrency > 0
            for provider in build_providers(settings).values()
        )


def test_push_goes_to_browsers_too_where_there_is_web_push(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, push_url="https://push.example", webhook_key_hours=24)
    browsers = OutboxProvider(tmp_path, "push", settings.mail_from)
    push = build_providers(settings, browsers)["push"]
    assert isinstance(push, PushProvider)
    # Push services know no keys, and the channel has one answer.
    assert (push.name, push.key_window) == ("push", timedelta(0))
